"""Takes answers, second thoughts and withdrawals. Human work is never thrown away and never counted twice."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import F
from django.utils import timezone

from rl_teacher.feedback import bell
from rl_teacher.feedback.hashing import body_hash
from rl_teacher.feedback.models import Assignment, Comparison, Experiment, LabelEvent, Membership, Response, Withdrawal
from rl_teacher.feedback.problems import Problem
from rl_teacher.feedback.transactions.claim import Wish, claim_inside, free_slot
from rl_teacher.feedback.transactions.write import write

_MEANS = {("left", False): "a", ("left", True): "b", ("right", False): "b", ("right", True): "a"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser sends; its hash makes a retry recognisable."""

    assignment: uuid.UUID
    side: str
    rt_ms: int | None = None
    shown_ms: int | None = None
    hidden_ms: int | None = None
    loops: float | None = None
    speed: float | None = None
    rendition: str = ""
    pressed_at: datetime | None = None
    strength: float | None = None
    supersedes: uuid.UUID | None = None

    @property
    def body_hash(self) -> str:
        """Of the content, whatever else came with it."""
        return body_hash(asdict(self))


@dataclass(frozen=True, slots=True)
class Taken:
    """How an answer was taken."""

    response: Response
    is_new: bool
    refill: list[Assignment]


def preferred(side: str, swapped: bool) -> str:
    """Which clip was meant: the mapping from screen to meaning, checked once more by the database."""
    return _MEANS.get((side, swapped), side)


def submit(
    labelers: dict[int, Membership], response_id: uuid.UUID, answer: Answer, wish: Wish | None = None,
    now: datetime | None = None,
) -> Taken:  # fmt: skip
    """Store `answer` under `response_id` and refill the tab, all in one transaction.

    Args:
        labelers: the caller's memberships by id; an assignment of anybody else does not exist for them.
        response_id: made by the browser; the same again with the same content is the same answer.
    """
    now = now or timezone.now()
    with write():
        assignment = _assignment(answer.assignment, labelers)
        labeler, comparison = assignment.labeler, assignment.comparison
        experiment = comparison.experiment
        known = Response.objects.filter(pk=response_id).first()
        if known is not None:
            if known.body_hash != answer.body_hash or known.labeler_id != labeler.id:
                raise Problem("body-differs", f"response {response_id}: exists with another content.")
            response, is_new = known, False
        elif answer.supersedes is not None:
            response, is_new = _revise(experiment, assignment, response_id, answer, now), True
        else:
            response, is_new = _first(experiment, assignment, response_id, answer, now), True
        if is_new:
            bell.ring_on_commit(experiment.slug)
        refill = claim_inside(experiment, labeler, wish, now) if wish is not None else []
    return Taken(response, is_new, refill)


def withdraw(labelers: dict[int, Membership], response_id: uuid.UUID, now: datetime | None = None) -> bool:
    """Take a current answer back and free its slot; False if that was done before."""
    now = now or timezone.now()
    with write():
        response = (
            Response.objects.select_related("assignment__comparison__experiment", "labeler")
            .filter(pk=response_id, labeler__in=list(labelers)).first()
        )  # fmt: skip
        if response is None:
            raise Problem("not-found", f"response {response_id}: there is none of yours.")
        if Withdrawal.objects.filter(response=response).exists():
            return False
        if Response.objects.filter(supersedes=response).exists():
            raise Problem("superseded", f"response {response_id}: a newer answer stands; withdraw that one.")
        Withdrawal.objects.create(response=response, by=response.labeler, at=now)
        assignment, comparison = response.assignment, response.assignment.comparison
        if assignment.state == "answered":
            Assignment.objects.filter(pk=assignment.pk).update(state="released")
            if assignment.kind == "normal":
                _count_done(comparison, -1)
                Comparison.objects.filter(pk=comparison.pk).update(open_slots=F("open_slots") + 1)
        _event(comparison.experiment, response, "withdrawn", now, gone=response.preferred)
        Membership.objects.filter(pk=response.labeler_id).update(answers=F("answers") - 1)
        bell.ring_on_commit(comparison.experiment.slug)
    return True


def _assignment(assignment_id: uuid.UUID, labelers: dict[int, Membership]) -> Assignment:
    found = (
        Assignment.objects.select_related("comparison__experiment", "labeler")
        .filter(pk=assignment_id, labeler__in=list(labelers)).first()
    )  # fmt: skip
    if found is None:
        raise Problem("not-found", f"assignment {assignment_id}: there is none of yours.")
    return found


def _first(
    experiment: Experiment, assignment: Assignment, response_id: uuid.UUID, answer: Answer, now: datetime
) -> Response:
    earlier = Response.objects.filter(assignment=assignment, supersedes=None).first()
    if earlier is not None:
        raise Problem("already-answered", f"assignment {assignment.id}: answered by response {earlier.id}; send `supersedes` to change it.")
    extra = not _settle(assignment)
    response = _store(assignment, response_id, answer, now, extra)
    _event(experiment, response, "answered", now, came=response.preferred)
    Membership.objects.filter(pk=assignment.labeler_id).update(answers=F("answers") + 1)
    return response


def _settle(assignment: Assignment) -> bool:
    """Whether the answer takes a slot (or needs none): True; or comes too late: False."""
    comparison = assignment.comparison
    if assignment.state == "leased":
        Assignment.objects.filter(pk=assignment.pk).update(state="answered")
        if assignment.kind == "normal":
            _count_done(comparison, +1)
        return True
    if assignment.kind != "normal":
        return False
    again = comparison.assignments.filter(labeler=assignment.labeler_id, state__in=Assignment.LIVE).exclude(kind="repeat")
    slot = None if comparison.state == "broken" or again.exists() else free_slot(comparison)
    if slot is None:
        return False
    Assignment.objects.filter(pk=assignment.pk).update(state="answered", slot=slot)
    Comparison.objects.filter(pk=comparison.pk).update(open_slots=F("open_slots") - 1)
    _count_done(comparison, +1)
    return True


def _count_done(comparison: Comparison, change: int) -> None:
    fresh = Comparison.objects.get(pk=comparison.pk)
    done = fresh.done + change
    state = fresh.state
    if state in ("open", "done"):
        state = "done" if done >= fresh.wanted else "open"
    Comparison.objects.filter(pk=comparison.pk).update(done=done, state=state)


def _revise(
    experiment: Experiment, assignment: Assignment, response_id: uuid.UUID, answer: Answer, now: datetime
) -> Response:
    earlier = Response.objects.filter(pk=answer.supersedes, assignment=assignment).first()
    if earlier is None:
        raise Problem("not-found", f"response {answer.supersedes}: there is none of yours for this assignment.")
    if Response.objects.filter(supersedes=earlier).exists() or Withdrawal.objects.filter(response=earlier).exists():
        raise Problem("superseded", f"response {earlier.id}: revised or withdrawn meanwhile; load your latest answers.")
    response = _store(assignment, response_id, answer, now, earlier.extra, earlier)
    _event(experiment, response, "revised", now, came=response.preferred, gone=earlier.preferred)
    return response


def _store(
    assignment: Assignment, response_id: uuid.UUID, answer: Answer, now: datetime, extra: bool,
    supersedes: Response | None = None,
) -> Response:  # fmt: skip
    response = Response(
        id=response_id, assignment=assignment, labeler=assignment.labeler, side=answer.side, swapped=assignment.swapped,
        preferred=preferred(answer.side, assignment.swapped), strength=answer.strength, rt_ms=answer.rt_ms,
        shown_ms=answer.shown_ms, hidden_ms=answer.hidden_ms, loops=answer.loops, speed=answer.speed,
        rendition=answer.rendition, pressed_at=answer.pressed_at, answered_at=now, supersedes=supersedes, extra=extra,
        body_hash=answer.body_hash,
    )  # fmt: skip
    response.save(force_insert=True)
    return response


def _event(
    experiment: Experiment, response: Response, kind: str, now: datetime, came: str | None = None, gone: str | None = None
) -> None:
    """The next line of the feed. The row lock on the experiment makes the order of `seq` the order of commits."""
    trains = response.assignment.kind == "normal" and not response.extra
    answered = (_trains(came) - _trains(gone)) if trains else 0
    cant_tell = ((came == "cant_tell") - (gone == "cant_tell")) if trains else 0
    Experiment.objects.filter(pk=experiment.pk).update(
        next_seq=F("next_seq") + 1, answered=F("answered") + answered, cant_tell=F("cant_tell") + cant_tell
    )
    seq = Experiment.objects.values_list("next_seq", flat=True).get(pk=experiment.pk)
    LabelEvent.objects.create(experiment=experiment, seq=seq, kind=kind, response=response, at=now)


def _trains(said: str | None) -> int:
    return int(said in ("a", "b", "tie"))

"""Takes answers, second thoughts and withdrawals. Human work is never thrown away and never counted twice."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from rl_teacher.server.hashing import body_hash
from rl_teacher.server.models import Assignment, Comparison, Experiment, Membership, Response, Withdrawal
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.claim import ClaimRequest, claim_inside, free_slot
from rl_teacher.server.transactions.events import tell
from rl_teacher.server.transactions.prepared import Prepared, PreparedInsert, PreparedUpdate
from rl_teacher.server.transactions.write import write, write_together

_ASSIGNMENT: Prepared[Assignment] = Prepared(
    lambda pk, user: Assignment.objects.select_related("comparison__experiment", "labeler").filter(
        pk=pk, labeler__user=user
    ),
    uuid.UUID,
    int,
)
_SAID: Prepared[Response] = Prepared(
    lambda pk, assignment: Response.objects.filter(Q(pk=pk) | Q(assignment=assignment, supersedes=None)),
    uuid.UUID,
    uuid.UUID,
)
_STORE = PreparedInsert(Response)
_ANSWERED = PreparedUpdate(lambda pk: (Assignment.objects.filter(pk=pk), {"state": "answered"}), uuid.UUID)
_ONE_MORE = PreparedUpdate(lambda pk: (Membership.objects.filter(pk=pk), {"answers": F("answers") + 1}), int)
_TAKEN_BACK: Prepared[tuple[int]] = Prepared(
    lambda labeler: Withdrawal.objects.filter(by=labeler).order_by().values_list("pk"), int
)
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
    """How an answer was taken; labeler and experiment as they are now."""

    response: Response
    is_new: bool
    refill: list[Assignment]
    labeler: Membership
    experiment: Experiment


def num_given(labeler: Membership) -> int:
    """How many pairs a person has answered, also where they took the answer back."""
    return labeler.answers + len(_TAKEN_BACK(labeler.pk))


def preferred(side: str, swapped: bool) -> str:
    """Which clip was meant: the mapping from screen to meaning, checked once more by the database."""
    return _MEANS.get((side, swapped), side)


def submit(
    user_id: int,
    response_id: uuid.UUID,
    answer: Answer,
    request: ClaimRequest | None = None,
    now: datetime | None = None,
) -> Taken:
    """Store `answer` under `response_id` and refill the tab, all in one transaction (which others may share).

    Args:
        user_id: who says it; an assignment of anybody else does not exist for them.
        response_id: made by the browser; the same again with the same content is the same answer.
    """
    at = now or timezone.now()
    return write_together(lambda: _submit(user_id, response_id, answer, request, at))


def submit_inside(user_id: int, response_id: uuid.UUID, answer: Answer, now: datetime) -> Taken:
    """The same without a refill, within a transaction that runs already."""
    return _submit(user_id, response_id, answer, None, now)


def _submit(user_id: int, response_id: uuid.UUID, answer: Answer, request: ClaimRequest | None, now: datetime) -> Taken:
    assignment = _assignment(answer.assignment, user_id)
    labeler, experiment = assignment.labeler, assignment.comparison.experiment
    known = {row.pk: row for row in _SAID(response_id, assignment.pk)}
    said = known.pop(response_id, None)
    if said is not None and (said.body_hash != answer.body_hash or said.labeler_id != labeler.id):
        raise Problem("body-differs", f"response {response_id}: exists with another content.")
    earlier = None
    if said is not None:
        response = said
    elif answer.supersedes is not None:
        response, earlier = _revise(assignment, response_id, answer, now)
    else:
        response = _first(assignment, response_id, answer, now, next(iter(known), None))
    refill = claim_inside(experiment, labeler, request, now) if request is not None else []
    if said is None:
        kind, gone = ("revised", earlier.preferred) if earlier else ("answered", None)
        tell(experiment, response, kind, now, came=response.preferred, gone=gone)
        notify_on_commit(experiment.slug)
    return Taken(response, said is None, refill, labeler, experiment)


def withdraw(user_id: int, response_id: uuid.UUID, now: datetime | None = None) -> bool:
    """Take a current answer back and free its slot; False if that was done before."""
    now = now or timezone.now()
    with write():
        response = (
            Response.objects.select_related("assignment__comparison__experiment", "labeler")
            .filter(pk=response_id, labeler__user=user_id)
            .first()
        )
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
                _COUNTED[-1](comparison.pk)
                Comparison.objects.filter(pk=comparison.pk).update(open_slots=F("open_slots") + 1)
        Membership.objects.filter(pk=response.labeler_id).update(answers=F("answers") - 1)
        tell(comparison.experiment, response, "withdrawn", now, gone=response.preferred)
        notify_on_commit(comparison.experiment.slug)
    return True


def _assignment(assignment_id: uuid.UUID, user_id: int) -> Assignment:
    found = _ASSIGNMENT(assignment_id, user_id)
    if not found:
        raise Problem("not-found", f"assignment {assignment_id}: there is none of yours.")
    return found[0]


def _first(
    assignment: Assignment,
    response_id: uuid.UUID,
    answer: Answer,
    now: datetime,
    earlier: uuid.UUID | None,
) -> Response:
    if earlier is not None:
        text = f"assignment {assignment.id}: answered by response {earlier}; send `supersedes` to change it."
        raise Problem("already-answered", text)
    extra = not _settle(assignment)
    response = _store(assignment, response_id, answer, now, extra)
    _ONE_MORE(assignment.labeler_id)
    assignment.labeler.answers += 1
    return response


def _settle(assignment: Assignment) -> bool:
    """Whether the answer takes a slot (or needs none): True; or comes too late: False."""
    comparison = assignment.comparison
    if assignment.state == "leased":
        _ANSWERED(assignment.pk)
        if assignment.kind == "normal":
            _COUNTED[+1](comparison.pk)
        return True
    if assignment.kind != "normal":
        return False
    again = comparison.assignments.filter(labeler=assignment.labeler_id, state__in=Assignment.LIVE).exclude(
        kind="repeat"
    )
    slot = None if comparison.state == "broken" or again.exists() else free_slot(comparison)
    if slot is None:
        return False
    Assignment.objects.filter(pk=assignment.pk).update(state="answered", slot=slot)
    Comparison.objects.filter(pk=comparison.pk).update(open_slots=F("open_slots") - 1)
    _COUNTED[+1](comparison.pk)
    return True


def _counted(change: int) -> PreparedUpdate:
    """One statement, so that on PostgreSQL two people who answer at once count as two."""
    after = F("done") + change
    state = Case(
        When(state__in=("open", "done"), wanted__lte=after, then=Value("done")),
        When(state__in=("open", "done"), then=Value("open")),
        default=F("state"),
    )
    return PreparedUpdate(lambda pk: (Comparison.objects.filter(pk=pk), {"done": after, "state": state}), uuid.UUID)


_COUNTED = {change: _counted(change) for change in (-1, +1)}


def _revise(assignment: Assignment, response_id: uuid.UUID, answer: Answer, now: datetime) -> tuple[Response, Response]:
    """The new answer, and the one that it replaces."""
    earlier = Response.objects.filter(pk=answer.supersedes, assignment=assignment).first()
    if earlier is None:
        raise Problem("not-found", f"response {answer.supersedes}: there is none of yours for this assignment.")
    if Response.objects.filter(supersedes=earlier).exists() or Withdrawal.objects.filter(response=earlier).exists():
        raise Problem("superseded", f"response {earlier.id}: revised or withdrawn meanwhile; load your latest answers.")
    return _store(assignment, response_id, answer, now, earlier.extra, earlier), earlier


def _store(
    assignment: Assignment,
    response_id: uuid.UUID,
    answer: Answer,
    now: datetime,
    extra: bool,
    supersedes: Response | None = None,
) -> Response:
    response = Response(
        id=response_id,
        assignment=assignment,
        labeler=assignment.labeler,
        side=answer.side,
        swapped=assignment.swapped,
        preferred=preferred(answer.side, assignment.swapped),
        strength=answer.strength,
        rt_ms=answer.rt_ms,
        shown_ms=answer.shown_ms,
        hidden_ms=answer.hidden_ms,
        loops=answer.loops,
        speed=answer.speed,
        rendition=answer.rendition,
        pressed_at=answer.pressed_at,
        answered_at=now,
        supersedes=supersedes,
        extra=extra,
        body_hash=answer.body_hash,
    )
    _STORE(response)
    return response

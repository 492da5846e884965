"""The ranking of an experiment's clips: derived from the answers that stand; and what people add to it by hand.

A clip that somebody puts in another place, and a pair that is asked again, are comparisons like all others, with ids of
their own: they are in the feed, in exports, and are trained on.
"""

import uuid
from collections.abc import Sequence
from functools import lru_cache

from django.db.models import Max
from django.utils import timezone

from rl_teacher.ranking.answers import Answer as Said
from rl_teacher.ranking.ranking import Ranking, rank
from rl_teacher.records import Preference
from rl_teacher.server.models import Assignment, Clip, Comparison, Experiment, LabelEvent, Membership, Response
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.answer import Answer, submit_inside
from rl_teacher.server.transactions.upload import NewComparison, store_comparison
from rl_teacher.server.transactions.write import write

PREFERENCES = {"a": Preference.LEFT, "b": Preference.RIGHT, "tie": Preference.TIE, "cant_tell": Preference.CANT_TELL}
BY_HAND, AGAIN = "placed by hand", "asked again"
"""Notes of comparisons that people made."""


def answers_of(experiment: Experiment) -> list[Said]:
    """What stands and trains, oldest first; a is the left clip."""
    rows = Response.objects.filter(
        assignment__comparison__experiment=experiment, superseded_by=None, withdrawal=None,
        assignment__kind="normal", extra=False,
    ).order_by("answered_at", "id")  # fmt: skip
    columns = ("assignment__comparison_id", "assignment__comparison__a_id", "assignment__comparison__b_id", "preferred")
    return [Said(str(pk), str(a), str(b), PREFERENCES[said]) for pk, a, b, said in rows.values_list(*columns)]


def rankings(experiment: Experiment) -> list[Ranking]:
    """All lists, the one that was answered about last first."""
    newest = LabelEvent.objects.filter(experiment=experiment).order_by("-seq").values_list("seq", "response_id").first()
    return list(_rankings(experiment.pk, newest)) if newest is not None else []


@lru_cache(maxsize=16)
def _rankings(experiment: int, newest: tuple[int, uuid.UUID]) -> tuple[Ranking, ...]:
    """As of a line of the feed: nothing else changes a list."""
    return tuple(rank(answers_of(Experiment.objects.get(pk=experiment))))


def waiting_clips(experiment: Experiment) -> list[uuid.UUID]:
    """Clips of pairs that wait for an answer, those that were asked last first; each once."""
    rows = Comparison.objects.filter(experiment=experiment, state="open", gold_answer=None).order_by("-created_at")
    return list(dict.fromkeys(clip for pair in rows.values_list("a_id", "b_id")[:50] for clip in pair))


def place_by_hand(
    labeler: Membership, clip: uuid.UUID, below: uuid.UUID | None, above: uuid.UUID | None, move: uuid.UUID
) -> list[Response]:
    """Store where somebody put a clip: it is better than the one below it, and the one above is better than it.

    Args:
        labeler: who says so.
        clip: what was moved.
        below: the next worse one; None at the lower end.
        above: the next better one; None at the upper end.
        move: made by the browser: the same again is the same answers.

    Raises:
        Problem: `invalid`: no neighbors, or one of them is the clip itself; `not-found`: a clip is not of here.
    """
    pairs = [(clip, below)] if below is not None else []
    pairs += [(above, clip)] if above is not None else []
    clips = [one for one in (clip, below, above) if one is not None]
    if not pairs or len(set(clips)) < len(clips):
        raise Problem("invalid", f"clip {clip}: got neighbors {below} and {above}, expected one or two other clips.")
    experiment = labeler.experiment
    with write():
        _check_clips(experiment, clips)
        said = [_say(labeler, better, worse, uuid.uuid5(move, str(n))) for n, (better, worse) in enumerate(pairs)]
        notify_on_commit(experiment.slug)
    return said


def _check_clips(experiment: Experiment, clips: Sequence[uuid.UUID]) -> None:
    known = set(Clip.objects.filter(experiment=experiment, pk__in=clips).values_list("pk", flat=True))
    if missing := [str(clip) for clip in clips if clip not in known]:
        raise Problem("not-found", f"clip {', '.join(missing)}: there is none in {experiment.slug!r}.")


def _say(labeler: Membership, better: uuid.UUID, worse: uuid.UUID, said: uuid.UUID) -> Response:
    """A comparison that nobody asked for, and its answer; sides by chance, as `said` has it."""
    experiment, now = labeler.experiment, timezone.now()
    is_left = bool(said.int & 1)
    a, b = (better, worse) if is_left else (worse, better)
    row = NewComparison(uuid.uuid5(said, "comparison"), a, b, note=BY_HAND)
    found = Comparison.objects.filter(pk=row.id).first()
    if found is None:
        comparison = store_comparison(experiment, row, 1)
        Assignment.objects.create(
            id=uuid.uuid5(said, "assignment"), comparison=comparison, labeler=labeler, tab=said, slot=0, swapped=False,
            leased_at=now, expires_at=now, guideline_version=experiment.guideline_version,
        )  # fmt: skip
        Comparison.objects.filter(pk=row.id).update(open_slots=0)
    elif found.body_hash != row.digest(experiment.slug):
        raise Problem("body-differs", f"comparison {row.id}: exists with other content.")
    assert labeler.user_id is not None, "who answers is signed in"
    answer = Answer(uuid.uuid5(said, "assignment"), "left" if is_left else "right")
    return submit_inside(labeler.user_id, uuid.uuid5(said, "response"), answer, now).response


def ask_again(experiment: Experiment, comparison_id: uuid.UUID) -> tuple[Comparison, bool]:
    """Put the two clips of an answered comparison to people once more, before all others; and whether that is new.

    Raises:
        Problem: `not-found`: there is no such comparison here.
    """
    with write():
        found = Comparison.objects.filter(experiment=experiment, pk=comparison_id).first()
        if found is None:
            raise Problem("not-found", f"comparison {comparison_id}: there is none in {experiment.slug!r}.")
        pair = (found.a_id, found.b_id)
        waiting = Comparison.objects.filter(experiment=experiment, state="open", a__in=pair, b__in=pair).first()
        if waiting is not None:
            return waiting, False
        first = Comparison.objects.filter(experiment=experiment, state="open").aggregate(Max("priority"))
        priority = (first["priority__max"] or 0.0) + 1.0
        row = NewComparison(uuid.uuid4(), found.b_id, found.a_id, priority=priority, note=AGAIN)
        made = store_comparison(experiment, row, 1)
        notify_on_commit(experiment.slug)
    return made, True

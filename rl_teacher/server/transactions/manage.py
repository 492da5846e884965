"""What owners change: guideline, pause, rates."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.utils import timezone

from rl_teacher.server.guideline_text import plain_text
from rl_teacher.server.models import Assignment, Comparison, Experiment, Guideline, User
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.access import audit
from rl_teacher.server.transactions.write import write

MAX_GUIDELINE = 20_000


@dataclass(frozen=True, slots=True)
class Tuning:
    """What an owner can set."""

    labels_wanted: int
    overlap: int
    double_rate: float
    gold_rate: float
    repeat_rate: float
    lease_s: int
    min_view_ms: int


def set_paused(experiment: Experiment, paused: bool, by: User) -> None:
    """Stop handing out pairs, or go on."""
    with write():
        Experiment.objects.filter(pk=experiment.pk).update(paused=paused)
        audit(by, "paused" if paused else "resumed", experiment)
        notify_on_commit(experiment.slug)


def add_guideline(experiment: Experiment, markdown: str, by: User) -> int:
    """The next version of the text; the same text again makes none. Its number."""
    text = plain_text(markdown).replace("\x00", "").strip()
    if len(text) > MAX_GUIDELINE:
        raise Problem("invalid", f"guideline: got {len(text)} characters, expected at most {MAX_GUIDELINE}.")
    with write():
        rows = Guideline.objects.filter(experiment=experiment)
        newest = rows.order_by("-version").first()
        if newest is not None and newest.markdown == text:
            return newest.version
        version = (newest.version if newest else 0) + 1
        Guideline.objects.create(experiment=experiment, version=version, markdown=text, by=by, at=timezone.now())
        Experiment.objects.filter(pk=experiment.pk).update(guideline_version=version)
        audit(by, "guideline", experiment, version=version)
        notify_on_commit(experiment.slug)
    return version


def tune(experiment: Experiment, tuning: Tuning, by: User) -> None:
    """Set numbers; another overlap also changes what is still wanted of open pairs."""
    fields: dict[str, Any] = {name: tuning.__getattribute__(name) for name in Tuning.__slots__}
    with write():
        Experiment.objects.filter(pk=experiment.pk).update(**fields)
        if tuning.overlap != experiment.overlap:
            _change_wanted(experiment, tuning.overlap)
        audit(by, "settings", experiment, **fields)
        notify_on_commit(experiment.slug)


def _change_wanted(experiment: Experiment, overlap: int) -> None:
    rows = Comparison.objects.filter(experiment=experiment, state="open", gold_answer=None)
    for comparison in list(rows):
        live = Assignment.objects.filter(comparison=comparison, kind="normal", state__in=Assignment.LIVE)
        highest = live.aggregate(highest=Max("slot"))["highest"]
        wanted = max(overlap, 0 if highest is None else highest + 1)
        state = "done" if comparison.done >= wanted else "open"
        Comparison.objects.filter(pk=comparison.pk).update(wanted=wanted, open_slots=wanted - live.count(), state=state)

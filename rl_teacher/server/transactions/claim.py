"""Lends comparisons to people: claim, renew, release, expire, give up. Never two people on one slot."""

import random
import secrets
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from rl_teacher.server.models import Assignment, Comparison, Experiment, Flag, Membership, Response
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.transactions.prepared import Prepared, PreparedInsert, PreparedUpdate
from rl_teacher.server.transactions.write import write, write_together

MAX_GRANT = 8
MAX_LEASES = 12
REPEAT_DISTANCE = 20
"""Own answers that lie between an answer and its repetition."""
CHECK_SPACING = 8
"""At most one check in so many assignments."""
MANY_OPEN = 200
SLACK = 0.25
"""Leases are prolonged when this part of them is over, and not by each answer: they are in six indexes."""
_OPEN: dict[int, tuple[int, float]] = {}
_PEOPLE: dict[int, tuple[int, float]] = {}
"""How many have something on the screen, and when that was counted, by experiment."""
CLIPS = ("comparison__a__mp4", "comparison__a__webm", "comparison__b__mp4", "comparison__b__webm")


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What a tab asks for."""

    want: int
    have: Collection[uuid.UUID]
    tab: uuid.UUID


def claim(
    experiment: Experiment, labeler: Membership, request: ClaimRequest, now: datetime | None = None
) -> list[Assignment]:
    """Lend up to `request.want` comparisons; leases of the tab that are not in `have` are given back first."""
    at = now or timezone.now()
    return write_together(lambda: claim_inside(experiment, labeler, request, at))


def claim_inside(experiment: Experiment, labeler: Membership, request: ClaimRequest, now: datetime) -> list[Assignment]:
    """The same, within a transaction that runs already."""
    leases = _LEASES(labeler.pk)
    held = {pk: expires_at for pk, tab, expires_at in leases if tab == request.tab}
    unwanted = held.keys() - set(request.have)
    if unwanted:
        end_leases(Assignment.objects.filter(pk__in=unwanted), "released")
    num_mine = len(leases) - len(unwanted)
    until = now + timedelta(seconds=experiment.lease_s)
    kept = [held[pk] for pk in held.keys() - unwanted]
    if kept and min(kept) < until - timedelta(seconds=experiment.lease_s * SLACK):
        _HOLD(labeler.pk, request.tab, until)
    if len(kept) < len(request.have):
        num_mine += _revive(labeler, request, until)
    if experiment.is_held or request.want <= 0:
        return []
    terms = _Terms(labeler, request.tab, now, until, experiment.guideline_version)
    granted = min(request.want, _share(experiment, labeler), MAX_LEASES - num_mine)
    if granted <= 0:
        return []
    check = _check(experiment, labeler, terms)
    found = [check] if check is not None else []
    found += _lend(experiment, terms, granted - len(found))
    if len(found) < granted and expire(experiment, now):
        found += _lend(experiment, terms, granted - len(found))
    return found


def _revive(labeler: Membership, request: ClaimRequest, until: datetime) -> int:
    """A tab that slept still shows pairs whose leases ran out: it gets those back that nobody took. How many."""
    count = 0
    lapsed = Assignment.objects.filter(
        labeler=labeler,
        tab=request.tab,
        id__in=request.have,
        state="expired",
        kind="normal",
        comparison__state="open",
        responses=None,
    )
    for row in lapsed.select_related("comparison"):
        slot = free_slot(row.comparison)
        live = row.comparison.assignments.filter(labeler=labeler, state__in=Assignment.LIVE).exclude(kind="repeat")
        if slot is not None and not live.exists():
            Assignment.objects.filter(pk=row.pk).update(state="leased", slot=slot, expires_at=until)
            Comparison.objects.filter(pk=row.comparison_id).update(open_slots=F("open_slots") - 1)
            count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Terms:
    labeler: Membership
    tab: uuid.UUID
    leased_at: datetime
    expires_at: datetime
    guideline_version: int

    def assignment(self, comparison: Comparison, **more: object) -> Assignment:
        return Assignment(
            comparison=comparison,
            labeler=self.labeler,
            tab=self.tab,
            leased_at=self.leased_at,
            expires_at=self.expires_at,
            guideline_version=self.guideline_version,
            **({"swapped": bool(secrets.randbits(1))} | more),
        )


def claimable(experiment: int, labeler: int) -> "QuerySet[Comparison]":
    """Comparisons that this member may be lent, the most urgent first."""
    seen = Assignment.objects.filter(comparison=OuterRef("pk"), labeler=labeler).filter(
        Q(state__in=["leased", "answered", "failed"]) | Q(responses__isnull=False)
    )
    return (
        Comparison.objects.filter(experiment=experiment, state="open", open_slots__gt=0)
        .filter(~Exists(seen))
        .order_by("-priority", "-created_at")
    )


def _lendable(most: int) -> "Prepared[Comparison]":
    """The first of them with their clips; on PostgreSQL without those that another claim is just taking."""

    def build(experiment: int, labeler: int) -> "QuerySet[Comparison]":
        rows = claimable(experiment, labeler).select_related("a__mp4", "a__webm", "b__mp4", "b__webm")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        return rows[:most]

    return Prepared(build, int, int)


_LENDABLE = {most: _lendable(most) for most in range(1, MAX_GRANT + 1)}
_BUSY: Prepared[tuple[int]] = Prepared(
    lambda experiment: (
        Assignment.objects.filter(labeler__experiment=experiment, state="leased")
        .order_by()
        .values_list("labeler")
        .distinct()
    ),
    int,
)
"""Who has something on the screen."""
_RECENT_KINDS: Prepared[tuple[str]] = Prepared(
    lambda labeler: (
        Assignment.objects.filter(labeler=labeler).order_by("-leased_at").values_list("kind")[: CHECK_SPACING - 1]
    ),
    int,
)
_LEND = PreparedInsert(Assignment, ignore_conflicts=True)
_ONE_SLOT_LESS = PreparedUpdate(
    lambda pk: (Comparison.objects.filter(pk=pk), {"open_slots": F("open_slots") - 1}), uuid.UUID
)


_LEASES: Prepared[tuple[uuid.UUID, uuid.UUID, datetime]] = Prepared(
    lambda labeler: Assignment.objects.filter(labeler=labeler, state="leased").values_list("pk", "tab", "expires_at"),
    int,
)
_HOLD = PreparedUpdate(
    lambda labeler, tab, until: (
        Assignment.objects.filter(labeler=labeler, state="leased", tab=tab),
        {"expires_at": until},
    ),
    int,
    uuid.UUID,
    datetime,
)


def _share(experiment: Experiment, labeler: Membership) -> int:
    """How many pairs one person may get: a fast labeler must not starve behind a slow one.

    Where there are plenty, who else has some need not be known to the second.
    """
    count, (people, at) = num_open(experiment), _PEOPLE.get(experiment.pk, (0, 0.0))
    if time.monotonic() - at <= 1.0 and count >= 2 * MAX_GRANT * (people + 1):
        return MAX_GRANT
    busy = {pk for (pk,) in _BUSY(experiment.pk)}
    _PEOPLE[experiment.pk] = (len(busy), time.monotonic())
    others = len(busy - {labeler.pk})
    return min(MAX_GRANT, max(1, count // (others + 1))) if others else MAX_GRANT


def num_open(experiment: Experiment) -> int:
    """Comparisons with a free slot; a large number may be a second old."""
    count, at = _OPEN.get(experiment.pk, (0, 0.0))
    if count < MANY_OPEN or time.monotonic() - at > 1.0:
        count = Comparison.objects.filter(experiment=experiment, state="open", open_slots__gt=0).count()
        _OPEN[experiment.pk] = (count, time.monotonic())
    return count


def _lend(experiment: Experiment, terms: _Terms, count: int) -> list[Assignment]:
    """Up to `count` new leases; a slot that another took meanwhile is tried again, at most three times."""
    found: list[Assignment] = []
    for _ in range(3):
        if len(found) >= count:
            break
        lost = False
        for comparison in _LENDABLE[count - len(found)](experiment.pk, terms.labeler.pk):
            assignment = _take_slot(comparison, terms)
            if assignment is None:
                lost = True
            else:
                found.append(assignment)
        if not lost:
            break
    return found


def _take_slot(comparison: Comparison, terms: _Terms) -> Assignment | None:
    """None where somebody has it already, by the rules of uniqueness."""
    slot = 0 if comparison.wanted == 1 else free_slot(comparison)
    if slot is None:
        return None
    assignment = terms.assignment(comparison, slot=slot)
    if not _LEND(assignment):
        return None
    _ONE_SLOT_LESS(comparison.pk)
    return assignment


def free_slot(comparison: Comparison) -> int | None:
    """The lowest slot that nobody holds."""
    held = set(comparison.assignments.filter(kind="normal", state__in=Assignment.LIVE).values_list("slot", flat=True))
    return next((slot for slot in range(comparison.wanted) if slot not in held), None)


def _check(experiment: Experiment, labeler: Membership, terms: _Terms) -> Assignment | None:
    """Now and then, with more than one labeler: a pair whose answer is known, or an own one with its sides swapped."""
    wanted = experiment.gold_rate + experiment.repeat_rate
    # Seven of eight assignments cannot be one; p / (1 + 7p) = wanted gives the chance of the eighth.
    chance = min(1.0, wanted / max(1e-9, 1 - (CHECK_SPACING - 1) * wanted))
    draw = random.SystemRandom().random()
    if draw >= chance or not has_two_labelers(experiment):
        return None
    if any(kind != "normal" for (kind,) in _RECENT_KINDS(labeler.pk)):
        return None
    return _gold(experiment, terms) if draw < chance * experiment.gold_rate / wanted else _repeat(labeler, terms)


def has_two_labelers(experiment: Experiment) -> bool:
    """Whether more than one person has answered."""
    return len(_TWO_LABELERS(experiment.pk)) > 1


_TWO_LABELERS: Prepared[tuple[int]] = Prepared(
    lambda experiment: Membership.objects.filter(experiment=experiment, answers__gt=0).values_list("pk")[:2], int
)


def _golden(experiment: int, labeler: int) -> "QuerySet[Comparison]":
    """The pair with a known answer that a person has not met, if there is one."""
    met = Assignment.objects.filter(comparison=OuterRef("pk"), labeler=labeler).exclude(state="released")
    rows = Comparison.objects.filter(experiment=experiment, state="open", gold_answer__isnull=False)
    rows = rows.filter(~Exists(met)).select_related("a__mp4", "a__webm", "b__mp4", "b__webm")
    return rows.order_by("-priority", "created_at")[:1]


_GOLD: Prepared[Comparison] = Prepared(_golden, int, int)


def _gold(experiment: Experiment, terms: _Terms) -> Assignment | None:
    for comparison in _GOLD(experiment.pk, terms.labeler.pk):
        assignment = terms.assignment(comparison, kind="gold")
        assignment.save(force_insert=True)
        return assignment
    return None


def _repeatable(labeler: int) -> "QuerySet[Response, tuple[uuid.UUID]]":
    """Pairs that a person answered a while ago, and only once."""
    again = Assignment.objects.filter(comparison=OuterRef("assignment__comparison"), labeler=labeler, kind="repeat")
    answers = Response.objects.filter(
        labeler=labeler, assignment__kind="normal", assignment__state="answered", supersedes=None, extra=False
    ).exclude(assignment__comparison__state="broken")
    rows = answers.filter(~Exists(again)).order_by("-answered_at").values_list("assignment")
    return rows[REPEAT_DISTANCE : REPEAT_DISTANCE + 20]


_REPEATABLE: Prepared[tuple[uuid.UUID]] = Prepared(_repeatable, int)


def _repeat(labeler: Membership, terms: _Terms) -> Assignment | None:
    earlier = _REPEATABLE(labeler.pk)
    if not earlier:
        return None
    first = Assignment.objects.select_related(*CLIPS).get(pk=secrets.choice(earlier)[0])
    assignment = terms.assignment(first.comparison, kind="repeat", swapped=not first.swapped)
    assignment.save(force_insert=True)
    return assignment


def end_leases(rows: "QuerySet[Assignment]", state: str) -> list[Assignment]:
    """End leases; what they held is free again."""
    found = list(rows.filter(state="leased"))
    for assignment in found:
        changed = Assignment.objects.filter(pk=assignment.pk, state="leased").update(state=state)
        if changed and assignment.kind == "normal":
            Comparison.objects.filter(pk=assignment.comparison_id).update(open_slots=F("open_slots") + 1)
    return found


def expire(experiment: Experiment, now: datetime) -> list[Assignment]:
    """Take back what was not renewed in time."""
    stale = Assignment.objects.filter(comparison__experiment=experiment, state="leased", expires_at__lt=now)
    return end_leases(stale, "expired")


def expire_all(now: datetime | None = None) -> int:
    """Take back stale leases of every experiment, so that whoever waits hears of free pairs."""
    now = now or timezone.now()
    stale = Assignment.objects.filter(state="leased", expires_at__lt=now)
    if not stale.exists():
        return 0
    with write():
        found = end_leases(stale.select_related("comparison__experiment"), "expired")
        for slug in {row.comparison.experiment.slug for row in found}:
            notify_on_commit(slug)
    return len(found)


def renew(labelers: Iterable[Membership], tab: uuid.UUID, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Hold on to the leases `ids` of a tab; says until when. One that ran out only where the pair is still asked."""
    now, until = timezone.now(), dict[uuid.UUID, datetime]()
    with write():
        rows = Assignment.objects.filter(labeler__in=list(labelers), state="leased", tab=tab, id__in=ids)
        rows = rows.filter(Q(expires_at__gte=now) | Q(comparison__state="open"))
        seconds = dict(rows.values_list("pk", "comparison__experiment__lease_s"))
        for lease_s in set(seconds.values()):
            held, end = [pk for pk, own in seconds.items() if own == lease_s], now + timedelta(seconds=lease_s)
            Assignment.objects.filter(pk__in=held).update(expires_at=end)
            until |= dict.fromkeys(held, end)
    return until


def release(labelers: Iterable[Membership], tab: uuid.UUID, leases: Mapping[uuid.UUID, datetime]) -> list[uuid.UUID]:
    """Give leases of a tab back; one that was renewed after the caller looked at it stays."""
    with write():
        rows = Assignment.objects.filter(labeler__in=list(labelers), state="leased", tab=tab, id__in=list(leases))
        seen = [row.id for row in rows if row.expires_at <= leases[row.id]]
        released = end_leases(
            Assignment.objects.filter(id__in=seen).select_related("comparison__experiment"), "released"
        )
        for slug in {row.comparison.experiment.slug for row in released}:
            notify_on_commit(slug)
    return [row.id for row in released]


def media_error(assignment: Assignment, detail: str) -> bool:
    """A browser cannot play the pair. Two people or leases that say so make it `broken`; whether it now is."""
    with write():
        Flag.objects.create(assignment=assignment, reason=detail[:500], is_media_error=True)
        end_leases(Assignment.objects.filter(pk=assignment.pk), "failed")
        comparison = Comparison.objects.select_related("experiment").get(pk=assignment.comparison_id)
        failed = Flag.objects.filter(assignment__comparison=comparison, is_media_error=True)
        broken = failed.values("assignment").distinct().count() >= 2
        if broken and comparison.state == "open":
            Comparison.objects.filter(pk=comparison.pk).update(state="broken")
        notify_on_commit(comparison.experiment.slug)
    return broken


def flag(assignment: Assignment, reason: str) -> None:
    """Somebody says that something is wrong; the pair stays in use."""
    with write():
        Flag.objects.create(assignment=assignment, reason=reason[:500])

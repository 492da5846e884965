"""How good the labels are: agreement, speed, side bias, known answers, self-consistency; never NaN."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db.models import QuerySet

from rl_teacher.server.models import Experiment, Membership, Response

WILSON_Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A current answer as the statistics need it."""

    labeler: int
    comparison: str
    side: str
    preferred: str
    kind: str
    rt_ms: int | None
    gold: str | None


def report(experiment: Experiment) -> dict[str, Any]:
    """Everything of the quality page."""
    answers = current(experiment)
    by_labeler: dict[int, list[Judged]] = defaultdict(list)
    for answer in answers:
        by_labeler[answer.labeler].append(answer)
    members = Membership.objects.in_bulk(by_labeler)
    people = [
        {"pseudonym": members[pk].pseudonym, "member": pk} | person(mine)
        for pk, mine in sorted(by_labeler.items(), key=lambda item: members[item[0]].pseudonym)
    ]
    return {"alpha": agreement(answers), "people": people}


def current(experiment: Experiment) -> list[Judged]:
    """Answers that stand, checks and extras included, oldest first."""
    return _judged(Response.objects.filter(assignment__comparison__experiment=experiment))


def _judged(responses: "QuerySet[Response]") -> list[Judged]:
    rows = responses.filter(superseded_by=None, withdrawal=None).order_by("answered_at", "id")
    columns = (
        "labeler_id",
        "assignment__comparison_id",
        "side",
        "preferred",
        "assignment__kind",
        "rt_ms",
        "assignment__comparison__gold_answer",
    )
    return [
        Judged(labeler, str(comparison), side, preferred, kind, rt_ms, gold)
        for labeler, comparison, side, preferred, kind, rt_ms, gold in rows.values_list(*columns)
    ]


def agreement(answers: Iterable[Judged]) -> dict[str, Any]:
    """Krippendorff's alpha over a, b and tie of pairs that several people judged."""
    units: dict[str, dict[int, str]] = defaultdict(dict)
    for answer in answers:
        if answer.kind == "normal" and answer.preferred != "cant_tell":
            units[answer.comparison][answer.labeler] = answer.preferred
    shared = [list(values.values()) for values in units.values() if len(values) > 1]
    value, why = krippendorff_alpha(shared)
    return {"value": value, "why": why, "pairs": len(shared)}


def krippendorff_alpha(units: Sequence[Sequence[str]]) -> tuple[float | None, str]:
    """Nominal alpha = 1 - (n - 1) Do / De, over units with at least two values; or why there is none.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section C.
    """
    units = [unit for unit in units if len(unit) > 1]
    if not units:
        return None, "undefined because no pair was judged by two people"
    totals: dict[str, int] = defaultdict(int)
    disagreeing = 0.0
    for unit in units:
        counts: dict[str, int] = defaultdict(int)
        for value in unit:
            counts[value] += 1
            totals[value] += 1
        disagreeing += sum(counts[c] * (len(unit) - counts[c]) for c in counts) / (len(unit) - 1)
    n = sum(totals.values())
    expected = sum(totals[c] * (n - totals[c]) for c in totals)
    if expected == 0:
        return None, "undefined because everybody always said the same thing"
    return 1 - (n - 1) * disagreeing / expected, ""


def wilson(successes: int, n: int) -> dict[str, float] | None:
    """A share with its 95 % interval (Wilson 1927)."""
    if n == 0:
        return None
    p, z2 = successes / n, WILSON_Z**2
    center = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = WILSON_Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return {"value": p, "low": max(0.0, center - half), "high": min(1.0, center + half), "n": n}


def person(mine: Sequence[Judged]) -> dict[str, Any]:
    """One labeler."""
    sides = [answer.side for answer in mine]
    decided = sides.count("left") + sides.count("right")
    times = [answer.rt_ms for answer in mine if answer.rt_ms is not None]
    return {
        "answers": len(mine),
        "median_rt_ms": float(median(times)) if times else None,
        "left_rate": wilson(sides.count("left"), decided),
        "tie_rate": sides.count("tie") / len(mine) if mine else None,
        "cant_tell_rate": sides.count("cant_tell") / len(mine) if mine else None,
        "gold": _gold(mine),
        "repeat": _repeat(mine),
        "why": "" if decided else "undefined because nothing was decided for a side",
    }


def self_agreement(labelers: Iterable[Membership]) -> list[dict[str, Any]]:
    """Of each membership under which pairs came again: how many did, and how many of them were answered alike.

    Aggregates only: which pairs came again stays unknown, or people would answer those with more care.
    """
    found = []
    for labeler in labelers:
        mine = _judged(Response.objects.filter(labeler=labeler))
        repeat = _repeat(mine)
        if repeat["n"]:
            alike = round(repeat["value"] * repeat["n"])
            found.append({"experiment": labeler.experiment.slug, "again": repeat["n"], "alike": alike})
    return sorted(found, key=lambda row: str(row["experiment"]))


def _gold(mine: Sequence[Judged]) -> dict[str, Any]:
    checked = [answer.preferred == answer.gold for answer in mine if answer.gold is not None]
    return _share(checked, "undefined because no pair with a known answer was judged")


def _repeat(mine: Sequence[Judged]) -> dict[str, Any]:
    first: Mapping[str, str] = {answer.comparison: answer.preferred for answer in mine if answer.kind == "normal"}
    again = [a.preferred == first[a.comparison] for a in mine if a.kind == "repeat" and a.comparison in first]
    return _share(again, "undefined because no own pair came again")


def _share(hits: Sequence[bool], why: str) -> dict[str, Any]:
    return {"value": sum(hits) / len(hits) if hits else None, "n": len(hits), "why": "" if hits else why}

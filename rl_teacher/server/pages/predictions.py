"""What the reward model made of a pair, for those who have answered it: never a hint to those who have not."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from rl_teacher.server.models import Assignment, Comparison, Membership, Prediction, Response
from rl_teacher.server.models.predictions import unpack
from rl_teacher.server.permissions import Access

MOST_POINTS = 240
"""More of them than a curve has pixels."""
HEIGHT, MARGIN = 32.0, 2.0


def may_see(at: Access, row: Comparison) -> bool:
    """Whether the person has answered the pair; a viewer or owner sees it too when nobody is asked any more."""
    standing = Response.objects.filter(assignment__comparison=row, superseded_by=None, withdrawal=None)
    if at.member is not None and _on_screen([at.member], [row.pk]):
        return False
    if at.member is not None and standing.filter(labeler=at.member).exists():
        return True
    return at.can_view and row.state != Comparison.State.OPEN and standing.exists()


def of_answered(labelers: Iterable[Membership], comparisons: Sequence[uuid.UUID]) -> dict[uuid.UUID, Prediction]:
    """By comparison, for pairs that the person has answered and does not have on the screen once more."""
    hidden = _on_screen(labelers, comparisons)
    return Prediction.objects.in_bulk([pk for pk in comparisons if pk not in hidden])


def _on_screen(labelers: Iterable[Membership], comparisons: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """A pair may come twice, to see whether somebody says the same again."""
    live = Assignment.objects.filter(labeler__in=list(labelers), state="leased", comparison__in=comparisons)
    return set(live.values_list("comparison_id", flat=True))


def prediction_json(row: Prediction | None, *, swapped: bool = False) -> dict[str, Any] | None:
    """The guess in percent and both curves, on one scale; `swapped`: clip b is on the left."""
    if row is None:
        return None
    left, right = (unpack(row.b), unpack(row.a)) if swapped else (unpack(row.a), unpack(row.b))
    low, high = min(*left, *right), max(*left, *right)
    pictures = (row.b_picture, row.a_picture) if swapped else (row.a_picture, row.b_picture)
    p_left = 1 - row.p_left if swapped else row.p_left
    return {
        "percent": round(100 * p_left),
        "p_step": row.p_step,
        "step": row.step,
        "left": _curve(left, low, high) | _picture(pictures[0]),
        "right": _curve(right, low, high) | _picture(pictures[1]),
    }


def _picture(png: str) -> dict[str, str]:
    return {"picture": png} if png else {}


def _curve(values: list[float], low: float, high: float) -> dict[str, Any]:
    def y(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 2)

    last = max(1, len(values) - 1)
    points = " ".join(f"{round(100 * i / last, 2):g},{y(value):g}" for i, value in _thinned(values))
    return {"points": points, "zero": y(0.0) if low < 0 < high else None, "sum": sum(values)}


def _thinned(values: list[float]) -> list[tuple[int, float]]:
    """At most MOST_POINTS of them, the lowest and the highest of each stretch, so that no peak is lost."""
    rows = list(enumerate(values))
    size = -(-2 * len(rows) // MOST_POINTS)
    if size <= 2:
        return rows
    found = []
    for start in range(0, len(rows), size):
        stretch = rows[start : start + size]
        found += sorted({min(stretch, key=lambda row: row[1]), max(stretch, key=lambda row: row[1])})
    return found

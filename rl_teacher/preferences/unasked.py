"""Comparisons that nobody was asked about: people put a clip in another place of the ranking, or ask again."""

from collections.abc import Sequence
from typing import NamedTuple

from rl_teacher.core.arrays import Segments, concatenate
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.records import Comparison, ComparisonId, Label


class Unasked(NamedTuple):
    """New comparisons of known segments, row by row."""

    ids: list[ComparisonId]
    left: Segments
    right: Segments

    def comparisons(self, step: int) -> list[Comparison]:
        """As they are kept; `step`: environment steps of the agent by now."""
        sides = zip(self.ids, map(str, self.left.id), map(str, self.right.id), strict=True)
        return [Comparison(one, left, right, step) for one, left, right in sides]


def unasked_round(labels: Sequence[Label], dataset: Dataset) -> Unasked | None:
    """Of new labels, the comparisons that the dataset does not have but whose segments it knows; None: there are none.

    What names an unknown segment is of another run of the same name, and stays unknown.
    """
    found: dict[ComparisonId, tuple[Segments, Segments]] = {}
    for label in labels:
        if label.sides is None or dataset.has(label.comparison):
            continue
        left, right = (dataset.segment(side) for side in label.sides)
        if left is not None and right is not None:
            found.setdefault(label.comparison, (left, right))
    if not found:
        return None
    left_side, right_side = (concatenate([pair[side] for pair in found.values()]) for side in (0, 1))
    return Unasked(list(found), left_side, right_side)

"""What a ranking is derived from: answers to comparisons, and who was said to be better than whom how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from rl_teacher.records import ComparisonId, Preference, SegmentId


@dataclass(frozen=True, slots=True)
class Answer:
    """What one labeler says of one comparison, as it stands now."""

    comparison: ComparisonId
    left: SegmentId
    right: SegmentId
    preference: Preference


class Tally(NamedTuple):
    """Answers about the clips of one list, added up."""

    better: Float[np.ndarray, "clip clip"]
    """How often the clip of the row was said to be better than that of the column."""
    ties: Float[np.ndarray, "clip clip"]
    """How often the two were said to be equally good; symmetric."""

    @property
    def num_decisive(self) -> float:
        """Answers that name the better one."""
        return float(self.better.sum())

    @property
    def num_ties(self) -> float:
        """Answers that name none."""
        return float(self.ties.sum() / 2)


def useful(answers: Sequence[Answer]) -> list[Answer]:
    """Those that say something about an order: left, right and tie."""
    return [answer for answer in answers if answer.preference.counts]


def tally(answers: Sequence[Answer], clips: Sequence[SegmentId]) -> Tally:
    """The answers about pairs of these clips, in this order; all others are left out."""
    at = {clip: place for place, clip in enumerate(clips)}
    better, ties = np.zeros((len(clips), len(clips))), np.zeros((len(clips), len(clips)))
    for answer in useful(answers):
        if answer.left not in at or answer.right not in at:
            continue
        left, right = at[answer.left], at[answer.right]
        if answer.preference is Preference.TIE:
            ties[left, right] += 1
            ties[right, left] += 1
        elif answer.preference is Preference.LEFT:
            better[left, right] += 1
        else:
            better[right, left] += 1
    return Tally(better, ties)


def components(pairs: Sequence[tuple[SegmentId, SegmentId]]) -> list[list[SegmentId]]:
    """Clips that are joined by pairs, directly or by way of others: each set in the order of first appearance."""
    above: dict[SegmentId, SegmentId] = {}

    def root(clip: SegmentId) -> SegmentId:
        while above[clip] != clip:
            above[clip] = above[above[clip]]
            clip = above[clip]
        return clip

    for pair in pairs:
        for clip in pair:
            above.setdefault(clip, clip)
        above[root(pair[1])] = root(pair[0])
    found: dict[SegmentId, list[SegmentId]] = {}
    for clip in above:
        found.setdefault(root(clip), []).append(clip)
    return list(found.values())

"""Which clips are sorted together, as what was asked tells; and the first questions of each list, which are random."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rl_teacher.records import Comparison, SegmentId

FIRST_ANSWERS = 50
"""So many answers of a list are about random pairs: few answers of somebody rational sort badly."""
FIRST_SHARE = 2 / 3
"""Of a list's clips, those in random pairs; the rest join later, and are what the agent does by then."""


class SortedList(NamedTuple):
    """Clips that are compared with each other."""

    clips: tuple[SegmentId, ...]
    """In the order in which they came."""
    num_first: int
    """So many of them came before the first training step."""


def asked_lists(comparisons: Sequence[Comparison], list_clips: int) -> list[SortedList]:
    """The lists that comparisons make, in the order in which they were asked; the last one is the current one.

    A comparison belongs to the list of either clip. One of two new clips belongs to the current list while that has
    room for both, else it begins a fresh one.
    """
    clips: list[list[SegmentId]] = []
    first: list[int] = []
    list_of: dict[SegmentId, int] = {}
    for one in comparisons:
        at = list_of.get(one.left, list_of.get(one.right))
        if at is None:
            if not clips or len(clips[-1]) + 2 > list_clips or (one.step == 0 and _is_full(len(clips[-1]), list_clips)):
                clips.append([])
                first.append(0)
            at = len(clips) - 1
        for clip in (one.left, one.right):
            if clip not in list_of:
                list_of[clip] = at
                clips[at].append(clip)
                first[at] += one.step == 0
    return [SortedList(tuple(members), num) for members, num in zip(clips, first, strict=True)]


def first_clips(list_clips: int) -> int:
    """Clips of a list that are in random pairs; even."""
    return max(2, 2 * round(FIRST_SHARE * list_clips / 2))


def _is_full(num: int, list_clips: int) -> bool:
    """Whether a list has all clips that it has before training."""
    return num >= first_clips(list_clips)


def first_random_pairs(
    clips: Sequence[SegmentId], num: int, list_clips: int, generator: np.random.Generator
) -> list[tuple[SegmentId, SegmentId]]:
    """Random pairs before training: list after list, each clip about equally often, no pair twice.

    Args:
        clips: those there are.
        num: pairs that are wanted.
        list_clips: of a full list.
        generator: chooses.
    """
    size = first_clips(list_clips)
    num_lists = max(1, round(num / FIRST_ANSWERS))
    pairs: list[tuple[SegmentId, SegmentId]] = []
    for number in range(num_lists):
        members = clips[number * size : (number + 1) * size]
        most = len(members) * (len(members) - 1) // 2
        wanted = min(most, (num - len(pairs)) // (num_lists - number))
        pairs += _evenly(members, wanted, generator)
    return pairs


def _evenly(clips: Sequence[SegmentId], num: int, generator: np.random.Generator) -> list[tuple[SegmentId, SegmentId]]:
    pairs: list[tuple[SegmentId, SegmentId]] = []
    seen: set[frozenset[SegmentId]] = set()
    while len(pairs) < num:
        mixed = [clips[i] for i in generator.permutation(len(clips)).tolist()]
        for left, right in zip(mixed[::2], mixed[1::2], strict=False):
            if len(pairs) < num and frozenset((left, right)) not in seen:
                seen.add(frozenset((left, right)))
                pairs.append((left, right))
    return pairs

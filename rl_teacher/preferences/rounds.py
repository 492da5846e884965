"""A round of comparisons: which segments, and the ids under which they are asked."""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import Segments, concatenate
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.rarity import is_mostly_tied, with_rare_ones
from rl_teacher.preferences.segments import overlap
from rl_teacher.preferences.selection import SCORES, Pair, first_pairs, select_pairs
from rl_teacher.preferences.sorted_lists import first_random_pairs
from rl_teacher.preferences.sorting import AT_ONCE, Known, Question, sorted_questions
from rl_teacher.protocols import RewardModel
from rl_teacher.records import Comparison, SegmentId, make_id

SORTED = "sorted"
"""The rule that sorts clips."""
RULES = (*SCORES, SORTED)


class Round(NamedTuple):
    """Comparisons that are asked together."""

    left: Segments
    right: Segments
    numbers: list[int]
    """How often each pair was asked before."""

    def comparisons(self, origin: str, step: int) -> list[Comparison]:
        """With ids of their own: made of `origin`, the segments, and how often they were asked before."""
        sides = zip(map(str, self.left.id), map(str, self.right.id), self.numbers, strict=True)
        return [
            Comparison(make_id(origin, "comparison", a, b, *([number] if number else [])), a, b, step)
            for a, b, number in sides
        ]

    def first(self, num: int) -> "Round":
        """The first `num` of them, or all."""
        return self._rows(list(range(min(num, len(self.numbers)))))

    def without(self, asked: Collection[frozenset[str]]) -> "Round | None":
        """Those whose pair of segment ids is not among `asked`; None: there are none."""
        pairs = zip(map(str, self.left.id), map(str, self.right.id), strict=True)
        rows = [row for row, pair in enumerate(pairs) if frozenset(pair) not in asked]
        return self._rows(rows) if rows else None

    def _rows(self, rows: list[int]) -> "Round":
        return Round(self.left.take(np.array(rows)), self.right.take(np.array(rows)), [self.numbers[r] for r in rows])


def first_round(segments: Segments, num: int, config: SelectionConfig, generator: np.random.Generator) -> Round | None:
    """What is asked before anything was answered; None: there is nothing to ask."""
    if config.rule != SORTED:
        return _of_rows(segments, first_pairs(segments, num))
    at = {str(one): row for row, one in enumerate(segments.id)}
    pairs = first_random_pairs(list(at), num, config.list_clips, generator)
    rows = [(at[left], at[right]) for left, right in pairs]
    return _of_rows(segments, [pair for pair in rows if not overlap(segments, *pair)])


def next_round(
    pool: Segments, num: int, reward: RewardModel | None, dataset: Dataset, config: SelectionConfig,
    generator: np.random.Generator,
) -> Round | None:  # fmt: skip
    """At most `num` comparisons, by the rule; None: there is nothing to ask."""
    if num <= 0:
        return None
    if config.rule != SORTED:
        if is_mostly_tied(dataset):
            pool = with_rare_ones(pool, num, generator)
        return _of_rows(pool, select_pairs(pool, num, reward, dataset.asked, config, generator))
    rows = {str(one): row for row, one in enumerate(pool.id)}

    @cache  # pictures are stacked anew by each look
    def segment(one: SegmentId) -> Segments:
        known = dataset.segment(one)
        return pool.take(np.array([rows[one]])) if known is None else known

    def shares_a_step(one: SegmentId, other: SegmentId) -> bool:
        return overlap(concatenate([segment(one), segment(other)]), 0, 1)

    fresh = [str(pool.id[row]) for row in generator.permutation(len(pool)).tolist()]
    known = Known(dataset.comparisons, dataset.answers(), {one.id for one in dataset.open()}, shares_a_step)
    questions: Sequence[Question] = sorted_questions(known, fresh, num, config.list_clips, generator)
    if not questions:
        return None
    left = concatenate([segment(question.left) for question in questions])
    right = concatenate([segment(question.right) for question in questions])
    return Round(left, right, [question.number for question in questions])


def sizes(num: int, config: SelectionConfig, *, at_once: bool) -> Iterator[int]:
    """How many of `num` comparisons are asked together: a sorted clip's next question needs its last answer."""
    while at_once and config.rule == SORTED and num > AT_ONCE:
        yield AT_ONCE
        num -= AT_ONCE
    yield num


def _of_rows(pool: Segments, pairs: list[Pair]) -> Round | None:
    if not pairs:
        return None
    left, right = (pool.take(np.array([pair[side] for pair in pairs])) for side in (0, 1))
    return Round(left, right, [0] * len(pairs))

"""Rankings: lists of clips from worst to best, and how sure each place is, from the answers as they stand now.

A pure function of the answers: nothing of a ranking is stored, and no pair that nobody was asked about is ever trained
on. Wrong answers agree with each other when an order implies pairs of them, and a reward model cannot find them then.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rl_teacher.ranking.answers import Answer, components, tally, useful
from rl_teacher.ranking.order import LEAST_ANSWERS, Order, order, probability_better
from rl_teacher.ranking.places import Groups, without
from rl_teacher.records import ComparisonId, Preference, SegmentId

SURE = 0.75
"""P(a place) with which a clip needs no more questions [1]."""
IMPROBABLE = 0.2
"""P(what an answer says) below which it is worth asking again [1]."""
TAIL = 0.1
"""Of a clip's place that is left out at either end of `low` to `high` [1]."""
MOST_CLIPS = 200
"""More clips than anybody looks at are not ranked: those that were compared last are."""
LEAST_CLIPS = 8
"""Fewer that are joined by answers make no list of their own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a clip stands in its list."""

    clip: SegmentId
    low: int
    """The lowest place that is not improbable; 1 is the worst clip's."""
    high: int
    """The highest: from `low` to here with 80 %."""
    sure: float
    """P(its most probable place) [1]."""
    num_answers: int
    is_placed: bool
    """Whether more questions are not worth it: the place is sure, or enough were asked."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An answer that all others make improbable."""

    comparison: ComparisonId
    better: SegmentId
    """What the answer says."""
    worse: SegmentId
    probability: float
    """P(it is so) [1]."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """One list."""

    groups: tuple[tuple[Place, ...], ...]
    """From worst to best; nothing tells those of one group apart."""
    doubtful: tuple[Doubtful, ...]
    """The most improbable answer first."""
    noise: float
    """Share of answers that name the wrong clip, as the answers themselves tell [1]."""
    num_answers: int
    is_joined: bool
    """Whether answers join all its clips. Else they are compared in pairs, mostly, and their places are a guess."""
    num_left_out: int = 0
    """Clips that were compared longer ago than MOST_CLIPS others, and are left out."""

    @property
    def clips(self) -> list[SegmentId]:
        """All of them, from worst to best."""
        return [place.clip for group in self.groups for place in group]

    @property
    def sure(self) -> float:
        """Mean over the clips of how sure their places are [1]."""
        return float(np.mean([place.sure for group in self.groups for place in group]))


def most_questions(num_clips: int) -> int:
    """So many questions about one clip of a list are enough: three times what a search without mistakes takes."""
    return int(3 * np.log2(num_clips + 1)) + 1


def rank(answers: Sequence[Answer]) -> list[Ranking]:
    """All lists, the one that was answered about last first; what is too little for a list comes together at the end.

    Args:
        answers: those that stand, of all labelers, oldest first; "can't tell" says nothing.
    """
    told = useful(answers)
    newest = {clip: number for number, answer in enumerate(told) for clip in (answer.left, answer.right)}
    lists, rest = [], set[SegmentId]()
    for clips in components([(answer.left, answer.right) for answer in told]):
        members = set(clips)
        num = sum(answer.left in members for answer in told) if len(clips) >= LEAST_CLIPS else 0
        if 2 * num >= LEAST_ANSWERS * len(clips) > 0 and len(clips) >= LEAST_CLIPS:
            lists.append(members)
        else:
            rest |= members
    lists.sort(key=lambda members: -max(newest[clip] for clip in members))
    found = [_newest_of(told, members, newest, is_joined=True) for members in lists]
    return [*found, _newest_of(told, rest, newest, is_joined=False)] if rest else found


def _newest_of(
    answers: Sequence[Answer], members: Set[SegmentId], newest: Mapping[SegmentId, int], *, is_joined: bool
) -> Ranking:
    """The ranking of those of a set that were compared last, whatever the sequence of the other answers was."""
    clips = sorted(sorted(members, key=lambda clip: -newest[clip])[:MOST_CLIPS])
    kept = set(clips)
    own = [answer for answer in answers if answer.left in kept and answer.right in kept]
    return rank_list(own, clips, is_joined=is_joined, num_left_out=len(members) - len(clips))


def rank_list(
    answers: Sequence[Answer], clips: Sequence[SegmentId], *, is_joined: bool = True, num_left_out: int = 0
) -> Ranking:
    """The ranking of one list; `answers` are about its clips alone."""
    counts = tally(answers, clips)
    found = order(counts)
    num = (counts.better + counts.better.T + counts.ties).sum(1).astype(int)
    most = most_questions(len(clips))

    def place(clip: int) -> Place:
        low, high = _interval(found.places[clip], without(found.groups, clip))
        sure, answered = float(found.places[clip].max()), int(num[clip])
        return Place(clips[clip], low, high, sure, answered, sure >= SURE or answered >= most)

    groups = tuple(tuple(place(clip) for clip in group) for group in found.groups)
    unsure = doubtful(answers, clips, found)
    return Ranking(groups, unsure, found.noise, len(answers), is_joined, num_left_out)


def doubtful(answers: Sequence[Answer], clips: Sequence[SegmentId], found: Order) -> tuple[Doubtful, ...]:
    """Answers that are improbable in an order of these clips."""
    at = {clip: row for row, clip in enumerate(clips)}
    rows = []
    for answer in answers:
        if answer.preference is Preference.TIE:
            continue
        is_left = answer.preference is Preference.LEFT
        better, worse = (answer.left, answer.right) if is_left else (answer.right, answer.left)
        probability = probability_better(found, at[better], at[worse])
        if probability < IMPROBABLE:
            rows.append(Doubtful(answer.comparison, better, worse, probability))
    return tuple(sorted(rows, key=lambda row: (row.probability, row.comparison)))


def _interval(place: Float[np.ndarray, " place"], rest: Groups) -> tuple[int, int]:
    """The lowest and highest number of a place, without the tails."""
    below = np.cumsum([0, *(len(group) for group in rest)])
    passed = np.cumsum(place)
    first, last = (int(np.searchsorted(passed, share)) for share in (TAIL + 1e-9, 1 - TAIL - 1e-9))
    first, last = min(first, len(place) - 1), min(last, len(place) - 1)
    return int(below[first // 2]) + 1, int(below[(last + 1) // 2]) + 1

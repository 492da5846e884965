"""The first segments: as many as the first questions need, and where episodes can end early some that show it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rl_teacher.core.arrays import NO_END, Rollout, Segments, concatenate
from rl_teacher.errors import NoSegments

TRIED_ROLLOUTS = 4
"""As many rollouts in a row may hold no segment."""
FURTHER = 7
"""Times as many segments as there are to begin with are looked at where most answers about these are ties."""
MOST_BYTES = 1 << 28
"""Of observations among them."""


class Gathered(NamedTuple):
    """What there is to begin with."""

    rollouts: list[Rollout]
    segments: Segments
    """Cut from them."""
    num_seen: int
    """Rollouts that were looked at, those that were not taken included."""


def gather(
    rollouts: Iterator[Rollout],
    cut: Callable[[Rollout, int, int], Segments],
    num: int,
    shows_ends: bool,
    refuse: Callable[[list[Rollout]], NoSegments],
) -> Iterator[Gathered]:
    """What there is so far, after each rollout; the last is to begin with.

    Where episodes can end early and none of the segments saw it, one rollout more is looked at, and taken instead if it
    shows an end: an agent that is never told of its goal learns to stand still.

    Args:
        rollouts: as many are taken as are needed.
        cut: (rollout, how many at most, which rollout, from 1 on) -> segments.
        num: how many segments are wanted, at least 1.
        shows_ends: whether segments may run into the end of their episode.
        refuse: what to say of rollouts without any segment.

    Raises:
        NoSegments: several rollouts in a row had no episode long enough for a segment.
    """
    taken = [next(rollouts)]
    segments = cut(taken[0], num, 1)
    yield Gathered(taken, segments, len(taken))
    while len(segments) < num:
        if len(taken) >= TRIED_ROLLOUTS and not len(segments):
            raise refuse(taken)
        taken.append(next(rollouts))
        segments = concatenate([segments, cut(taken[-1], num - len(segments), len(taken))])
        yield Gathered(taken, segments, len(taken))
    if shows_ends and (segments.end == NO_END).all() and (other := next(rollouts, None)) is not None:
        num_seen = len(taken) + 1
        instead = cut(other, num, num_seen)
        shows_one = bool((instead.end != NO_END).any())
        yield Gathered([other], instead, num_seen) if shows_one else Gathered(taken, segments, num_seen)


def further(
    rollouts: Iterator[Rollout], cut: Callable[[Rollout, int, int], Segments], first: Gathered
) -> Iterator[Segments]:
    """Segments of the rollouts after those that there are to begin with: FURTHER times as many, which overlap little.

    Fewer, if a rollout holds none.

    Args:
        rollouts: goes on after those of `first`.
        cut: as for `gather`.
        first: what there is to begin with.
    """
    number = first.num_seen
    wanted = min(FURTHER * len(first.segments), MOST_BYTES // max(1, first.segments.obs[0].nbytes))
    while wanted > 0:
        number += 1
        rollout = next(rollouts)
        side_by_side = int(rollout.counted.sum()) // first.segments.true_reward.shape[1]
        part = cut(rollout, min(wanted, max(1, side_by_side)), number)
        yield part
        if not len(part):
            return
        wanted -= len(part)

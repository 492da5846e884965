"""The first segments: as many as the first questions need, and where episodes can end early some that show it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rl_teacher.core.arrays import NO_END, Rollout, Segments, concatenate
from rl_teacher.errors import NoSegments

TRIED_ROLLOUTS = 4
"""As many rollouts in a row may hold no segment."""


class Gathered(NamedTuple):
    """What there is to begin with."""

    rollouts: list[Rollout]
    segments: Segments
    """Cut from them."""


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
    yield Gathered(taken, segments)
    while len(segments) < num:
        if len(taken) >= TRIED_ROLLOUTS and not len(segments):
            raise refuse(taken)
        taken.append(next(rollouts))
        segments = concatenate([segments, cut(taken[-1], num - len(segments), len(taken))])
        yield Gathered(taken, segments)
    if shows_ends and (segments.end == NO_END).all() and (other := next(rollouts, None)) is not None:
        instead = cut(other, num, len(taken) + 1)
        if (instead.end != NO_END).any():
            yield Gathered([other], instead)

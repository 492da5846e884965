"""The first segments: enough of them, and where episodes can end early some that show it, if any rollout does."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from rl_teacher.core.arrays import NO_END, Rollout, Segments, concatenate
from rl_teacher.errors import NoSegments
from rl_teacher.preferences import gathering
from rl_teacher.preferences.gathering import FURTHER, TRIED_ROLLOUTS, Gathered, further, gather
from tests.preferences.rollouts import pool, rollout

EMPTY = pool(0)
PLAIN, ENDING = pool(3), pool(3, end=np.array([NO_END, 2, NO_END]))


def gathered(parts: list[Segments], num: int, *, shows_ends: bool = True) -> tuple[list[Gathered], int]:
    """What is gathered where the rollouts hold `parts` in turn, and how many rollouts were taken."""
    taken: list[int] = []

    def rollouts() -> Iterator[Rollout]:
        for number in itertools.count(1):
            taken.append(number)
            yield rollout()

    def cut(_: Rollout, at_most: int, number: int) -> Segments:
        assert number == len(taken)
        part = parts[number - 1]
        return part.take(np.arange(min(at_most, len(part))))

    found = list(gather(rollouts(), cut, num, shows_ends, lambda seen: NoSegments(f"none in {len(seen)}")))
    return found, len(taken)


def test_as_many_rollouts_are_taken_as_are_needed() -> None:
    found, num_taken = gathered([ENDING, EMPTY, PLAIN, PLAIN], num=8)
    assert [len(one.segments) for one in found] == [3, 3, 6, 8]
    assert (num_taken, len(found[-1].rollouts)) == (4, 4)
    assert found[-1].segments.end.tolist() == concatenate([ENDING, PLAIN, PLAIN]).end.tolist()[:8]


def test_where_none_shows_an_end_one_rollout_more_is_looked_at_and_taken_instead_if_it_does() -> None:
    found, num_taken = gathered([PLAIN, ENDING], num=3)
    assert num_taken == 2
    assert found[-1].segments.end.tolist() == [NO_END, 2, NO_END]
    assert len(found[-1].rollouts) == 1
    assert found[-1].rollouts[0] is not found[0].rollouts[0]
    found, num_taken = gathered([PLAIN, PLAIN], num=3)
    assert (num_taken, len(found)) == (2, 2)
    assert found[-1].segments is found[0].segments
    assert found[-1].num_seen == 2


def test_where_episodes_have_one_length_or_ends_are_shown_already_nothing_more_is_looked_at() -> None:
    assert gathered([PLAIN], num=3, shows_ends=False)[1] == 1
    assert gathered([ENDING], num=3)[1] == 1


def test_several_rollouts_without_a_segment_are_refused() -> None:
    with pytest.raises(NoSegments, match=f"none in {TRIED_ROLLOUTS}"):
        gathered([EMPTY] * 9, num=3)


def test_rollouts_that_run_out_leave_what_there_is() -> None:
    only = [rollout()]
    found = list(gather(iter(only), lambda *_: PLAIN, 3, True, lambda seen: NoSegments("")))
    assert (found[-1].rollouts, len(found[-1].segments)) == (only, 3)


@pytest.mark.parametrize(("most_bytes", "expected"), [(1 << 28, FURTHER * 3), (5 * 4 * 4, 5)])
def test_further_segments_are_so_many_times_as_many_or_what_memory_holds(
    most_bytes: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_BYTES", most_bytes)  # a segment has 4 steps of one number
    numbers = []

    def cut(_: Rollout, at_most: int, number: int) -> Segments:
        numbers.append(number)
        return PLAIN.take(np.arange(min(at_most, 2)))

    first = Gathered([rollout()], PLAIN, 4)
    parts = list(further((rollout() for _ in itertools.count()), cut, first))
    assert sum(map(len, parts)) == expected
    assert numbers == list(range(5, 5 + len(parts)))


def test_further_segments_need_not_overlap() -> None:
    first = Gathered([rollout()], PLAIN, 1)
    eight_steps = (rollout(num_counted=8) for _ in itertools.count())
    parts = list(further(eight_steps, lambda _, at_most, __: pool(at_most), first))
    assert list(map(len, parts)) == [2] * 10 + [1]  # of 4 steps each


def test_a_further_rollout_without_a_segment_is_the_last() -> None:
    first = Gathered([rollout()], PLAIN, 1)
    held = iter([pool(3), EMPTY])
    assert list(map(len, further((rollout() for _ in itertools.count()), lambda *_: next(held), first))) == [3, 0]

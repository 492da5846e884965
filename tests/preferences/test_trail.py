"""Segments that are longer than a rollout: they reach back into the steps before it, each place is cut once."""

import dataclasses

import numpy as np
import pytest

from rl_teacher.core.arrays import NO_END, Rollout, Segments
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.preferences.trail import OVER_TIME, Trail
from tests.preferences.rollouts import ENVS, TIME, rollout

LENGTH, PART = 12, 5
FALLS = {0: [4, 7, 29]}
"""Environment 0 ends at steps 3 and 10; the others go on."""


def parts(source: Rollout) -> list[Rollout]:
    """The same steps as rollouts of PART steps, each of which knows what is observed after its last."""
    found = []
    for start in range(0, TIME, PART):
        arrays = {name: getattr(source, name)[start : start + PART] for name in OVER_TIME}
        is_last = start + PART == TIME
        found.append(Rollout(**arrays, last_obs=source.last_obs if is_last else source.obs[start + PART]))
    return found


def places(segments: Segments) -> set[tuple[int, int, int]]:
    start = segments.sim_state[:, 0, 0].astype(int)
    return set(map(tuple, np.stack([segments.env, start, segments.end], 1).tolist()))


def all_segments(source: Rollout, num_old: int = 0) -> Segments:
    """One from every place."""
    generator = np.random.default_rng(0)
    return cut_segments(source, LENGTH, 999, generator, origin="x", iteration=1, shows_ends=True, num_old=num_old)


def test_rollouts_that_are_too_short_give_the_segments_of_one_long_one_each_once() -> None:
    source, trail = rollout(FALLS), Trail(LENGTH)
    whole, seen = places(all_segments(source)), []
    for part in parts(source):
        segments = all_segments(*trail.follow(part))
        seen += places(segments)
        assert np.isin(segments.obs[segments.end == NO_END][:, -1, 0], part.obs[..., 0]).all()
    assert sorted(seen) == sorted(whole)
    assert len(whole) > 2 * (TIME - LENGTH)


def test_what_is_observed_after_a_step_is_known_across_the_seam() -> None:
    source, trail = rollout(FALLS), Trail(LENGTH)
    for part in parts(source)[:3]:
        joined, num_old = trail.follow(part)
    assert num_old == 10
    for row in all_segments(joined, num_old).next_obs[..., 0]:
        assert (np.diff(row[row > 0]) > 0).all()


def test_a_rollout_that_holds_a_segment_stands_for_itself() -> None:
    source, trail = rollout(FALLS), Trail(TIME)
    assert trail.follow(source) == (source, 0)
    assert trail.follow(source) == (source, 0)
    assert trail.snapshot() == {}


def test_a_trail_goes_on_from_its_snapshot() -> None:
    one, other = Trail(LENGTH), Trail(LENGTH)
    first, second, third = parts(rollout(FALLS))[:3]
    one.follow(first)
    one.follow(second)
    other.restore(one.snapshot())
    left, right = (trail.follow(third)[0] for trail in (one, other))
    for name in (*OVER_TIME, "last_obs"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


@pytest.mark.parametrize("num_kept", [1, 4, 30])
def test_no_more_is_kept_than_a_segment_needs(num_kept: int) -> None:
    trail = Trail(num_kept + 1)
    for part in parts(rollout(FALLS)):
        trail.follow(dataclasses.replace(part))
    kept = trail.snapshot().get("counted", np.zeros((0, ENVS)))
    assert len(kept) == (0 if num_kept < PART else num_kept)

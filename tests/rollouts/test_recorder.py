"""Recorder: steps that others make become rollouts, whatever some environments do meanwhile."""

from typing import Any

import numpy as np
import pytest

from rl_teacher.core.arrays import next_observations
from rl_teacher.rollouts.recorder import Recorder, Transitions


def step(obs: list[float], after: list[float], **changed: Any) -> Transitions:
    """One round of environments whose observation is one number."""
    num, column = len(obs), lambda values: np.array(values, np.float32)[:, None]
    given = {
        "terminated": np.zeros(num, bool), "truncated": np.zeros(num, bool), "paid": np.zeros(num, np.float32),
        "true_reward": np.array(after),
    } | {name: np.array(values) for name, values in changed.items()}  # fmt: skip
    return Transitions(column(obs), column(after), column(obs), column(obs), sim_state=np.zeros((num, 0)), **given)


def test_rounds_become_time_and_the_next_episode_begins_after_an_end() -> None:
    recorder = Recorder(2)
    recorder.add(step([0, 10], [1, 11], terminated=[True, False]))
    recorder.add(step([5, 11], [6, 12]))
    rollout = recorder.take().rollout
    np.testing.assert_array_equal(rollout.obs[..., 0], [[0, 10], [5, 11]])
    np.testing.assert_array_equal(rollout.final_obs[..., 0], [[1, 0], [0, 0]])
    np.testing.assert_array_equal(rollout.last_obs[..., 0], [6, 12])
    np.testing.assert_array_equal(rollout.episode, [[0, 0], [1, 0]])
    np.testing.assert_array_equal(rollout.episode_step, [[0, 0], [0, 1]])
    np.testing.assert_array_equal(next_observations(rollout)[..., 0], [[1, 11], [6, 12]])
    assert rollout.counted.all()


def test_an_environment_that_is_reset_makes_no_step_and_the_rest_waits() -> None:
    recorder = Recorder(2)
    recorder.add(step([0, 10], [1, 11], terminated=[True, False], paid=[1.0, 2.0]))
    recorder.add(step([1, 11], [5, 12], paid=[0.0, 3.0]), alive=np.array([False, True]))
    recorder.add(step([5, 12], [6, 13], paid=[4.0, 5.0]))
    assert len(recorder) == 2
    first = recorder.take()
    np.testing.assert_array_equal(first.rollout.obs[..., 0], [[0, 10], [5, 11]])
    np.testing.assert_array_equal(first.paid, [[1, 2], [4, 3]])
    assert len(recorder) == 0  # one step of the second environment is left
    recorder.add(step([6, 13], [7, 14]))
    second = recorder.take().rollout
    np.testing.assert_array_equal(second.obs[..., 0], [[6, 12]])
    np.testing.assert_array_equal(second.episode, [[1, 0]])
    np.testing.assert_array_equal(second.episode_step, [[1, 2]])


@pytest.mark.parametrize("pattern", [0, 1, 2, 3, 4])
def test_no_step_is_lost_or_doubled_whatever_is_reset(pattern: int) -> None:
    rng, recorder = np.random.default_rng(pattern), Recorder(3)
    made: list[list[float]] = [[], [], []]
    taken: list[list[float]] = [[], [], []]
    for number in range(60):
        alive = rng.random(3) < 0.7
        values = [100.0 * env + number for env in range(3)]
        recorder.add(step(values, values), alive=alive)
        for env in np.flatnonzero(alive):
            made[env].append(values[env])
        if len(recorder) and rng.random() < 0.2:
            rollout = recorder.take().rollout
            for env in range(3):
                taken[env] += rollout.obs[:, env, 0].tolist()
    for one, other in zip(made, taken, strict=True):
        assert one[: len(other)] == other
    assert sum(map(len, taken)) > 60


def test_a_reset_in_the_middle_is_no_end() -> None:
    recorder = Recorder(2)
    recorder.add(step([0, 10], [1, 11]))
    assert not recorder.cut(np.array([True, False]))
    recorder.add(step([7, 11], [8, 12]))
    rollout = recorder.take().rollout
    np.testing.assert_array_equal(rollout.truncated, [[True, False], [False, False]])
    assert not rollout.terminated.any()
    np.testing.assert_array_equal(next_observations(rollout)[..., 0], [[1, 11], [8, 12]])
    np.testing.assert_array_equal(rollout.episode, [[0, 0], [1, 0]])


def test_a_reset_after_the_last_rollout_is_told() -> None:
    recorder = Recorder(2)
    recorder.add(step([0, 10], [1, 11], terminated=[True, False]))
    recorder.take()
    assert recorder.cut()  # the second environment was in the middle of what was taken
    assert not recorder.cut()  # and is no more
    np.testing.assert_array_equal(recorder.place[0], [1, 1])


def test_a_reset_after_ends_cuts_nothing() -> None:
    recorder = Recorder(2)
    recorder.add(step([0, 10], [1, 11], terminated=[True, True]))
    assert not recorder.cut()
    assert not recorder.take().rollout.truncated.any()

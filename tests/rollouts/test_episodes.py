import math

import jax
import numpy as np
import pytest

from rl_teacher.core.arrays import Rollout
from rl_teacher.core.correlation import correlation
from rl_teacher.rollouts.episodes import WINDOW, EpisodeTracker
from rl_teacher.rollouts.evaluate import evaluate
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from tests.probes.envs import BOX, Probe, ProbeEnvs

TRUNCATING = Probe(5, lambda c, t, a: np.ones_like(a), truncates=True)


def rollout_of(reward: list[list[float]], ends: list[tuple[int, int]], *, terminated: bool = True) -> Rollout:
    """A rollout with these rewards (time, env), whose episodes end where told."""
    true = np.array(reward, np.float32)
    ended = np.zeros(true.shape, bool)
    for place in ends:
        ended[place] = True
    step, episode = np.zeros(true.shape, int), np.zeros(true.shape, int)
    for t in range(1, len(true)):
        step[t] = np.where(ended[t - 1], 0, step[t - 1] + 1)
    nothing = np.zeros((*true.shape, 1), np.float32)
    no = np.zeros_like(ended)
    return Rollout(
        obs=nothing, action=nothing, last_obs=nothing[0], final_obs=nothing, terminated=ended if terminated else no,
        truncated=no if terminated else ended, counted=~no, reward_action=nothing, env_action=nothing,
        true_reward=true, sim_state=nothing.astype(np.float64), episode=episode, episode_step=step,
    )  # fmt: skip


def test_returns_are_summed_within_episodes_and_across_rollouts():
    tracker = EpisodeTracker(2, None, is_fixed_horizon=False)
    first = rollout_of([[1, 10], [2, 20], [3, 30]], [(1, 0)])
    tracker.add(first, -first.true_reward)
    # env 0: 1 + 2 finished, 3 under way; env 1: 60 under way
    assert tracker.mean_true_return() == 3.0
    second = rollout_of([[4, 40], [5, 50], [6, 60]], [(0, 1), (2, 0)])
    tracker.add(second, -second.true_reward)
    # env 1: 60 + 40 = 100; env 0: 3 + 4 + 5 + 6 = 18; mean (3 + 100 + 18) / 3
    assert tracker.num_finished == 3
    assert tracker.mean_true_return(1) == 18.0
    assert tracker.mean_true_return() == pytest.approx(121 / 3)
    metrics = tracker.metrics()
    assert metrics["agent/predicted_reward_per_episode"] == pytest.approx(-121 / 3)
    assert metrics["predictor/correlations"] == pytest.approx(-1.0)


def test_two_episodes_of_one_environment_in_one_rollout_are_two():
    tracker = EpisodeTracker(1, None, is_fixed_horizon=False)
    rollout = rollout_of([[1], [2], [4], [8]], [(0, 0), (2, 0)])
    tracker.add(rollout, rollout.true_reward)
    # 1, then 2 + 4; 8 is under way
    assert [tracker.mean_true_return(1), tracker.mean_true_return(2)] == [6.0, 3.5]


def test_padding_adds_nothing():
    tracker = EpisodeTracker(1, None, is_fixed_horizon=False)
    rollout = rollout_of([[1], [math.nan]], [(1, 0)])
    rollout.counted[1] = False
    tracker.add(rollout, rollout.true_reward)
    assert tracker.num_finished == 0
    rest = rollout_of([[5]], [(0, 0)])
    tracker.add(rest, rest.true_reward)
    assert tracker.mean_true_return() == 6.0


@pytest.mark.parametrize("is_fixed_horizon", [True, False])
def test_episodes_cut_to_spread_the_resets_are_left_out(is_fixed_horizon: bool):
    tracker = EpisodeTracker(1, 3, is_fixed_horizon=is_fixed_horizon)
    cut = rollout_of([[1], [1], [10], [10], [10]], [(1, 0), (4, 0)], terminated=False)
    tracker.add(cut, cut.true_reward)
    assert (tracker.num_finished, tracker.mean_true_return()) == (1, 30.0)


def test_early_deaths_are_episodes_like_others():
    tracker = EpisodeTracker(1, 3, is_fixed_horizon=False)
    died = rollout_of([[1], [1]], [(1, 0)])
    tracker.add(died, died.true_reward)
    assert tracker.mean_true_return() == 2.0


def test_only_the_last_episodes_are_averaged():
    tracker = EpisodeTracker(1, None, is_fixed_horizon=False)
    many = rollout_of([[i] for i in range(WINDOW + 50)], [(i, 0) for i in range(WINDOW + 50)])
    tracker.add(many, many.true_reward)
    # 50 .. 149, and 140 .. 149
    assert (tracker.mean_true_return(), tracker.mean_true_return(10)) == (99.5, 144.5)
    assert tracker.metrics()["agent/episodes"] == 150


def test_a_restored_tracker_goes_on_as_it_was():
    tracker, other = (EpisodeTracker(2, None, is_fixed_horizon=False) for _ in range(2))
    first = rollout_of([[1, 10], [2, 20]], [(0, 0)])
    tracker.add(first, 2 * first.true_reward)
    other.restore(tracker.snapshot())
    for one in (tracker, other):
        one.add(rollout_of([[7, 7]], [(0, 0), (0, 1)]), np.full((1, 2), 3.0))
    assert tracker.metrics() == other.metrics()
    assert tracker.mean_true_return(1) == 37.0


def test_before_the_first_episode_there_is_no_return():
    tracker = EpisodeTracker(1, None, is_fixed_horizon=False)
    assert math.isnan(tracker.mean_true_return())
    assert tracker.metrics() == {}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 1.0),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0], 0.8),  # covariance 4 / 4, variances 5 / 4
        ([1.0, 1.0], [1.0, 2.0], math.nan),
        ([1.0], [2.0], math.nan),
    ],
)
def test_correlations_match_hand_computation(a: list[float], b: list[float], expected: float):
    assert correlation(np.array(a), np.array(b)) == pytest.approx(expected, nan_ok=True)


def test_the_tracker_agrees_with_the_environment_it_follows():
    collector = LocalCollector(ProbeEnvs(TRUNCATING, BOX, 3), BOX)
    tracker = EpisodeTracker(3, 5, is_fixed_horizon=True)
    for seed in range(3):
        rollout = collector.collect(RandomActor(BOX), 24, 8, jax.random.key(seed))
        tracker.add(rollout, rollout.true_reward)
    # 24 steps of each environment are 4 whole episodes of 5
    assert tracker.num_finished == 12
    assert tracker.metrics()["agent/episode_length"] == 5
    assert tracker.mean_true_return() == 5.0


class Fixed:
    """An actor whose best action is its own."""

    def __init__(self, action: float) -> None:
        self._action = action

    def noise(self, key: object, num_steps: int, num_envs: int) -> np.ndarray:
        return np.zeros((num_steps, num_envs, 1), np.float32)

    def act(self, obs: np.ndarray, noise: np.ndarray) -> np.ndarray:
        return noise

    def mode(self, obs: np.ndarray) -> np.ndarray:
        return np.full((len(obs), 1), self._action, np.float32)


def evaluated(envs: ProbeEnvs, action: float, horizon: int | None) -> tuple[np.ndarray, int | None]:
    found = evaluate(envs, BOX, Fixed(action).mode, horizon, lambda: False)
    assert found is not None
    return found


def test_an_evaluation_is_one_whole_episode_of_the_most_likely_action():
    # rewards 10 step + action: 0 + 10 + 20 + 3 * 0.5
    envs = ProbeEnvs(Probe(3, lambda c, t, a: 10.0 * t + a), BOX, 4)
    returns, cut_at = evaluated(envs, 0.5, 3)
    np.testing.assert_allclose(returns, 31.5)
    assert cut_at is None
    # beyond the bounds the environment is given the bound
    np.testing.assert_allclose(evaluated(envs, 7.0, 3)[0], 33.0)


def test_an_episode_that_never_ends_is_cut_and_that_is_said():
    # a reward of 1 a step; without a time limit 1,000 steps count, of a limit beyond 10,000 as many
    endless = ProbeEnvs(Probe(100_000, lambda c, t, a: 1.0 + 0 * a), BOX, 2)
    for horizon, steps in ((None, 1000), (10**6, 10_000)):
        returns, cut_at = evaluated(endless, 0.0, horizon)
        np.testing.assert_allclose(returns, steps)
        assert cut_at == steps


def test_an_evaluation_stops_when_it_should():
    envs = ProbeEnvs(Probe(100_000, lambda c, t, a: a), BOX, 2)
    assert evaluate(envs, BOX, Fixed(0.5).mode, None, lambda: True) is None

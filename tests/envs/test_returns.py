"""Mean true returns of 256 episodes, against values measured independently.

The measured means have the same standard error as ours, so that the difference of the two has sqrt(2) times as much;
four times that, and half a unit of the last printed digit, are allowed.
"""

import numpy as np
import pytest

from rl_teacher.envs.catalog import find_env, make_envs

NUM_EPISODES = 256
# id: (uniform random actions, zero actions, unit of the last digit)
QUICK = {
    "Reacher-v1": (-9.6, -11.8, 0.1),
    "ShortReacher-v1": (-4.4, -4.7, 0.1),
    "Pendulum-v1": (-7.7, 24.6, 0.1),
    "DoublePendulum-v1": (-198, -122, 1),
}
SLOW = {
    "Hopper-v1": (197, 379, 1),
    "ShortHopper-v1": (103, 249, 1),
    "Walker-v1": (-724, -656, 1),
    "ShortWalker-v1": (-184, -98, 1),
    "HalfCheetah-v1": (-81, -0.2, 1),
    "ShortHalfCheetah-v1": (-25, -0.2, 1),
    "Swimmer-v1": (1.6, -0.7, 0.1),
    "ShortSwimmer-v1": (0.7, -0.4, 0.1),
    "Ant-v1": (-842, -799, 1),
    "ShortAnt-v1": (-205, -227, 1),
    "Humanoid-v1": (-4287, -4295, 1),
    "ShortHumanoid-v1": (-1135, -1092, 1),
}
CASES = [pytest.param(env_id, *values) for env_id, values in QUICK.items()]
CASES += [pytest.param(env_id, *values, marks=pytest.mark.slow) for env_id, values in SLOW.items()]


def episode_returns(env_id, share):
    """True returns of one episode each; actions uniform in `share` of their bounds."""
    spec = find_env(env_id)
    envs = make_envs(spec, NUM_EPISODES, seed=11)
    envs.reset()
    rng = np.random.default_rng(12)
    returns = np.zeros(NUM_EPISODES)
    for _ in range(spec.horizon):
        actions = share * rng.uniform(envs.action_space.low, envs.action_space.high)
        _, rewards, _, truncations, _ = envs.step(actions)
        returns += rewards
    assert truncations.all()
    return returns


@pytest.mark.parametrize(("env_id", "of_random", "of_zero", "digit"), CASES)
def test_mean_returns_of_random_and_zero_actions_are_the_measured_ones(env_id, of_random, of_zero, digit):
    for share, expected in ((1, of_random), (0, of_zero)):
        returns = episode_returns(env_id, share)
        standard_error = returns.std() / np.sqrt(NUM_EPISODES)
        assert abs(returns.mean() - expected) <= 4 * np.sqrt(2) * standard_error + digit / 2, (share, returns.mean())

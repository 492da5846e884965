"""Every task, bit for bit, against Gymnasium's single v4 environment in the same state with the same actions.

Compared exactly: qpos and qvel (float64), observations (rounded to float32), and the reward made of v4's own terms
plus the seed's bonus. Two rewards are sums in another order than v4's; those are compared to 1e-12.
"""

import importlib

import mujoco
import numpy as np
import pytest

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.tasks.mujoco_warnings import CaughtWarnings

pytest.importorskip("imageio", reason="gymnasium[mujoco] is not installed")

NUM_ENVS = 3
NUM_STEPS = 120

# task -> v4 class; the true reward from v4's (reward, info) and MjData; exactly equal
V4 = {
    "ShortReacher-v1": ("reacher_v4.ReacherEnv", lambda r, info, d: info["reward_dist"], False),
    "ShortHopper-v1": ("hopper_v4.HopperEnv", lambda r, info, d: info["x_velocity"] + d.qpos[1], True),
    "ShortWalker-v1": ("walker2d_v4.Walker2dEnv", lambda r, info, d: info["x_velocity"] + d.qpos[1] - 1, True),
    "ShortHalfCheetah-v1": ("half_cheetah_v4.HalfCheetahEnv", lambda r, info, d: info["reward_run"], True),
    "ShortSwimmer-v1": ("swimmer_v4.SwimmerEnv", lambda r, info, d: info["reward_fwd"], True),
    "ShortAnt-v1": ("ant_v4.AntEnv", lambda r, info, d: info["reward_forward"] + d.qpos[2] - 1.2, True),
    "ShortHumanoid-v1": (
        "humanoid_v4.HumanoidEnv",
        lambda r, info, d: info["reward_linvel"] + 5 * (d.qpos[2] - 1),
        False,
    ),
    "ShortPendulum-v1": (
        "inverted_pendulum_v4.InvertedPendulumEnv",
        lambda r, info, d: r - d.qpos[1] ** 2,
        True,
    ),
    "ShortDoublePendulum-v1": (
        "inverted_double_pendulum_v4.InvertedDoublePendulumEnv",
        lambda r, info, d: r + 10 * (d.site_xpos[0, 2] - 1),
        False,
    ),
}


def build_v4(path):
    module, name = path.split(".")
    with CaughtWarnings():
        return getattr(importlib.import_module(f"gymnasium.envs.mujoco.{module}"), name)()


def start_like(env, sim_state):
    """Gymnasium's reset, but with this state instead of random noise."""
    mujoco.mj_resetData(env.model, env.data)
    env.set_state(sim_state[: env.model.nq], sim_state[env.model.nq :])
    return env._get_obs()


@pytest.mark.parametrize("env_id", V4)
def test_states_observations_and_rewards_equal_gymnasium_v4_over_resets(env_id):
    path, true_reward, is_exact = V4[env_id]
    envs = make_envs(find_env(env_id), NUM_ENVS, seed=3, num_threads=2, stagger=True)
    singles = [build_v4(path) for _ in range(NUM_ENVS)]
    observations, _ = envs.reset()
    size = observations.shape[1]
    for single, state, ours in zip(singles, envs.sim_state(), observations, strict=True):
        np.testing.assert_array_equal(start_like(single, state)[:size].astype(np.float32), ours)
    actions = np.random.default_rng(0)
    num_resets = 0
    for _ in range(NUM_STEPS):
        action = actions.uniform(envs.action_space.low, envs.action_space.high).astype(np.float32)
        observations, rewards, terminations, truncations, infos = envs.step(action)
        assert not terminations.any()
        before_reset = infos.get("final_obs", observations)
        for env, single in enumerate(singles):
            # v4 declares Humanoid 376 entries, the last 84 of which we leave out
            theirs, reward, _, _, info = single.step(action[env])
            np.testing.assert_array_equal(theirs[:size].astype(np.float32), before_reset[env])
            expected = true_reward(reward, info, single.data)
            tolerance = 0 if is_exact else 1e-12 * max(1, abs(expected))
            assert abs(rewards[env] - expected) <= tolerance
            if truncations[env]:
                num_resets += 1
                theirs = start_like(single, envs.sim_state()[env])
                np.testing.assert_array_equal(theirs[:size].astype(np.float32), observations[env])
            else:
                state = np.concatenate([single.data.qpos, single.data.qvel])
                np.testing.assert_array_equal(state, envs.sim_state()[env])
    assert num_resets >= 1

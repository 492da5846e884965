"""PPO on pictures: a probe whose best action and value are known, and what must not depend on how it is computed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.vector.utils import batch_space

from rl_teacher.agents.actor_critic import ActorCritic, denormalize
from rl_teacher.agents.ppo import PPO, gradient_of
from rl_teacher.agents.samples import Sample, on_device
from rl_teacher.config.agents import PPOConfig, settled
from rl_teacher.config.run import RunConfig
from rl_teacher.core.actions import DiscreteActions
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.vision import picture_scale, standardized
from rl_teacher.envs.catalog import find_env
from rl_teacher.rewards.true_reward import TrueReward
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.training.complete import complete
from tests.probes.envs import BOX

SHAPE = (20, 24, 1)
NUM_ENVS, ROLLOUT_STEPS = 16, 16
CHOICE = DiscreteActions(2)
CONFIG = PPOConfig(
    num_envs=NUM_ENVS, rollout_steps=ROLLOUT_STEPS, hidden=(32,), discount=0.5, learning_rate=3e-3, minibatch_size=64
)


class Sides:
    """A white square on the left or on the right; the action that names its side is paid 1, the other -1.

    Episodes have 5 steps; the square is somewhere else in each.
    """

    def __init__(self, num_envs: int = NUM_ENVS, seed: int = 0) -> None:
        self.num_envs = num_envs
        self.single_observation_space: Any = Box(0, 255, SHAPE, np.uint8)
        self.single_action_space: Any = Discrete(2)
        self.observation_space: Any = batch_space(self.single_observation_space, num_envs)
        self.action_space: Any = batch_space(self.single_action_space, num_envs)
        self._generator = np.random.default_rng(seed)
        self._steps = np.zeros(num_envs, np.int64)
        self._draw()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        return self._pictures, {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        reward = np.where(actions == self.is_right, 1.0, -1.0)
        self._draw()
        self._steps = (self._steps + 1) % 5
        ended = self._steps == 0
        info = {"final_obs": self._pictures.copy(), "_final_obs": ended} if ended.any() else {}
        return self._pictures, reward, np.zeros(self.num_envs, bool), ended, info

    def sim_state(self) -> np.ndarray:
        return np.zeros((self.num_envs, 0))

    def snapshot(self) -> dict[str, np.ndarray]:
        return {}

    def restore(self, snapshot: dict[str, np.ndarray]) -> np.ndarray:
        return self._pictures

    def close(self) -> None:
        pass

    def _draw(self) -> None:
        self.is_right = self._generator.integers(0, 2, self.num_envs)
        self._pictures = np.zeros((self.num_envs, *SHAPE), np.uint8)
        for picture, right in zip(self._pictures, self.is_right, strict=True):
            row, column = self._generator.integers(0, 16), self._generator.integers(0, 8) + 12 * right
            picture[row : row + 4, column : column + 4] = 255


def collector(seed: int = 0) -> LocalCollector:
    return LocalCollector(Sides(seed=seed), CHOICE)


def rollout_of(agent: PPO, envs: LocalCollector, seed: int = 0, num_steps: int = NUM_ENVS * ROLLOUT_STEPS) -> Rollout:
    return envs.collect(agent.actor(), num_steps, ROLLOUT_STEPS, jax.random.key(seed))


@pytest.fixture(scope="module")
def trained() -> PPO:
    agent, envs = PPO.build(SHAPE, CHOICE, CONFIG, jax.random.key(0)), collector()
    for i in range(30):
        shown = rollout_of(agent, envs, i).blind(show_true_reward=True)
        agent, _ = agent.update(shown, TrueReward(), i / 30, jax.random.key(1000 + i))
    return agent


def test_the_policy_names_the_side(trained: PPO):
    envs = Sides(num_envs=200, seed=9)
    actions = CHOICE.to_env(CHOICE.clamp(trained.actor().mode(envs.reset()[0])))
    assert (actions == envs.is_right).mean() >= 0.98


def test_the_critic_knows_what_the_side_is_worth(trained: PPO):
    pictures, _ = Sides(num_envs=64, seed=9).reset()
    scale = picture_scale(trained.obs_stats.mean, trained.obs_stats.variance)
    values = denormalize(trained.networks.heads(jnp.asarray(pictures), scale)[1], trained.value_stats)
    np.testing.assert_allclose(np.mean(values), 2.0, atol=0.25)  # 1 + 0.5 + 0.25 + ...


def test_both_heads_see_the_features_of_one_network():
    networks = ActorCritic.of_pictures(SHAPE, CHOICE.distribution, 32, None, jax.random.key(0))
    pictures = jnp.asarray(Sides().reset()[0])
    assert networks.torso is not None
    scale = picture_scale(jnp.full(480, 10.0), jnp.full(480, 900.0))
    seen = networks.torso(standardized(pictures, scale))
    params, values = networks.heads(pictures, scale)
    np.testing.assert_array_equal(params, networks.policy(seen))
    np.testing.assert_array_equal(values, networks.value(seen)[:, 0])


def test_the_gradient_of_a_minibatch_is_the_sum_over_its_parts():
    x = jnp.arange(30.0).reshape(15, 2) / 10
    zeros = jnp.zeros(15)
    batch = Sample(x, zeros, zeros, zeros, jnp.arange(15.0), jnp.arange(15.0) % 3)

    def loss(flat: jax.Array, batch: Sample, total: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        value = (jnp.square(batch.x @ flat - batch.target) * batch.weight).sum() / total
        return value, {"loss": value}

    flat = jnp.array([0.3, -2.0])
    whole, parts = (gradient_of(loss, flat, batch, in_parts=in_parts) for in_parts in (False, True))
    np.testing.assert_allclose(parts[0], whole[0], rtol=1e-5)
    np.testing.assert_allclose(parts[1]["loss"], whole[1]["loss"], rtol=1e-5)


def test_only_the_last_pictures_of_episodes_go_to_the_device():
    agent = PPO.build(SHAPE, CHOICE, CONFIG, jax.random.key(0))
    shown = rollout_of(agent, collector()).blind(show_true_reward=True)
    steps = on_device(shown, sees_pictures=True)
    assert steps.final_place is not None
    places = np.asarray(steps.final_place)[: shown.truncated.sum()]
    assert shown.truncated[tuple(places.T)].all()
    np.testing.assert_array_equal(steps.final_obs[: len(places)], shown.final_obs[tuple(places.T)])
    assert (np.asarray(steps.final_place)[len(places) :] == ROLLOUT_STEPS).all()


def test_the_same_seed_gives_the_same_bytes_and_padding_is_not_looked_at():
    def updated(fill: int) -> bytes:
        agent = PPO.build(SHAPE, CHOICE, CONFIG, jax.random.key(0))
        shown = rollout_of(agent, collector(), num_steps=100).blind(show_true_reward=True)
        shown.obs[~shown.counted] = fill
        agent, _ = agent.update(shown, TrueReward(), 0.0, jax.random.key(3))
        return b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(agent.networks))

    assert updated(0) == updated(0) == updated(255)


def test_settings_that_are_unset_depend_on_what_is_seen():
    pictures, vectors = (PPO.build(s, BOX, PPOConfig(), jax.random.key(0)).config for s in (SHAPE, (3,)))
    assert (pictures.minibatch_size, vectors.minibatch_size) == (256, 512)
    assert settled(PPOConfig(learning_rate=0.5, entropy_coef=0.2), sees_pictures=True).learning_rate == 0.5
    assert settled(PPOConfig(entropy_coef=0.2), sees_pictures=True).final_entropy_coef == 0.2


@pytest.mark.parametrize(
    ("num_steps", "first"), [(1000, 3e-3), (1_000_000, 3e-3), (2_000_000, 1.5e-3), (5_000_000, 1e-3)]
)
def test_a_longer_training_takes_smaller_steps(num_steps, first):
    config = settled(PPOConfig(), sees_pictures=False, num_steps=num_steps)
    assert (config.learning_rate, config.final_learning_rate) == pytest.approx((first, first / 10))
    run = RunConfig(env_id="ShortReacher-v1", predictor="rl", name="x", num_timesteps=num_steps)
    run, _ = complete(run, find_env(run.env_id))
    assert run.ppo.learning_rate == config.learning_rate
    given = settled(PPOConfig(learning_rate=0.5), sees_pictures=False, num_steps=num_steps)
    assert (given.learning_rate, given.final_learning_rate) == (0.5, 0.05)

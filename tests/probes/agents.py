"""Every on-policy agent, at the size of the probes, and how to train and question it."""

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.agents.actor_critic import denormalize
from rl_teacher.agents.ppo import PPO
from rl_teacher.agents.trpo import TRPO
from rl_teacher.config.agents import PPOConfig, TRPOConfig
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import Rollout
from rl_teacher.rewards.true_reward import TrueReward
from rl_teacher.rollouts.local import LocalCollector
from tests.probes.envs import BOX, CHOICE, DISCOUNT, Probe, ProbeEnvs

NUM_ENVS, ROLLOUT_STEPS = 16, 16
AGENTS = ("ppo", "trpo")
ACTIONS: dict[str, ActionSpec] = {"gaussian": BOX, "categorical": CHOICE}
PPO_CONFIG = PPOConfig(
    num_envs=NUM_ENVS, rollout_steps=ROLLOUT_STEPS, hidden=(16,), discount=DISCOUNT, learning_rate=1e-2,
    final_learning_rate=1e-3, num_epochs=5, minibatch_size=64,
)  # fmt: skip
TRPO_CONFIG = TRPOConfig(
    num_envs=NUM_ENVS, rollout_steps=ROLLOUT_STEPS, hidden=(16,), discount=DISCOUNT, value_learning_rate=1e-2,
    minibatch_size=64,
)  # fmt: skip
Agent = PPO | TRPO


def build(kind: str, actions: ActionSpec, seed: int = 0) -> Agent:
    key = jax.random.key(seed)
    return PPO.build((2,), actions, PPO_CONFIG, key) if kind == "ppo" else TRPO.build((2,), actions, TRPO_CONFIG, key)


def collect(agent: Agent, collector: LocalCollector, seed: int, num_steps: int = NUM_ENVS * ROLLOUT_STEPS) -> Rollout:
    return collector.collect(agent.actor(), num_steps, ROLLOUT_STEPS, jax.random.key(seed))


def train(kind: str, actions: ActionSpec, probe: Probe, num_updates: int) -> Agent:
    agent = build(kind, actions)
    collector = LocalCollector(ProbeEnvs(probe, actions, NUM_ENVS), actions)
    for i in range(num_updates):
        rollout = collect(agent, collector, i)
        agent, _ = agent.update(
            rollout.blind(show_true_reward=True), TrueReward(), i / num_updates, jax.random.key(1000 + i)
        )
    return agent


def value_of(agent: Agent, obs: tuple[float, float]) -> float:
    x = agent.obs_stats.normalize(jnp.array(obs, jnp.float32))
    return float(denormalize(agent.networks.values(x), agent.value_stats))


def action_of(agent: Agent, actions: ActionSpec, obs: tuple[float, float]) -> float:
    """In [-1, 1]; -1 or 1 for choices."""
    action = actions.to_env(actions.clamp(agent.actor().mode(np.array([obs] * NUM_ENVS, np.float32))))[0]
    return float(action[0]) if actions == BOX else 2.0 * float(action - CHOICE.start) - 1.0

"""An agent of your own: REINFORCE (Williams 1992), linear. docs/agents.md#an-agent-of-your-own says what it must have.

rl-teacher teach -p synth -e Pendulum-v1 -n linear -l 200 -t 2e5 --agent examples/own_agent.py:LinearAgent
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from rl_teacher.agents.acting import Actor
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.advantages import generalized_advantages
from rl_teacher.core.arrays import BlindRollout
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.protocols import RewardFn, UpdateResult


class LinearAgent(eqx.Module):
    """Draws actions around obs @ weights with standard deviation 0.5, in units in which the bounds are -1 and 1."""

    weights: Float[Array, "features act"]
    obs_stats: RunningStats

    @classmethod
    def build(cls, *, obs_shape: tuple[int, ...], actions: ActionSpec, **others: object) -> "LinearAgent":
        """One that stands still on average."""
        return cls(jnp.zeros((obs_shape[0], actions.size)), RunningStats.of_shape(obs_shape))

    def actor(self) -> Actor:
        """Noise of a whole rollout; an action with noise; an action without."""
        mean = lambda obs: np.asarray(self.obs_stats.normalize(jnp.asarray(obs)) @ self.weights)  # noqa: E731
        noise = lambda key, *axes: np.asarray(jax.random.normal(key, (*axes, self.weights.shape[1])))  # noqa: E731
        return Actor(noise, lambda obs, row: mean(obs) + 0.5 * row, mean)  # type: ignore[no-untyped-call]  # lambda

    def update(
        self, rollout: BlindRollout, reward: RewardFn, progress: float, key: PRNGKeyArray
    ) -> tuple["LinearAgent", UpdateResult]:
        """A step along the mean of: standardized reward to come x gradient of the action's log probability."""
        predicted, used = jnp.asarray(reward(rollout.reward_input)), jnp.asarray(rollout.counted)
        ends, zero = (jnp.asarray(rollout.terminated), jnp.asarray(rollout.truncated)), jnp.zeros_like(predicted)
        to_come = generalized_advantages(predicted, zero, zero[0], zero, *ends, used, discount=0.9, gae_lambda=1.0)
        gain = (to_come[used] - to_come[used].mean()) / (to_come[used].std() + 1e-8)
        obs, action = jnp.asarray(rollout.obs)[used], jnp.asarray(rollout.action)[used]
        x = self.obs_stats.normalize(obs)
        gradient = x.T @ (gain[:, None] * (action - x @ self.weights)) / 0.5**2 / len(gain)
        agent = LinearAgent(self.weights + 0.2 * gradient, self.obs_stats.merge(obs, jnp.ones(len(gain))))
        return agent, UpdateResult(np.asarray(predicted), {"agent/gradient_norm": jnp.linalg.norm(gradient)})

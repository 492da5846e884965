"""A reward model of your own: linear. docs/rewards.md#a-reward-model-of-your-own says what it must have.

rl-teacher teach -p synth -e ShortHopper-v1 -n linear -l 200 -t 1e6 --reward.model examples/own_reward.py:LinearReward
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from rl_teacher.core.arrays import RewardInput
from rl_teacher.core.bradley_terry import decisive_accuracy, preference_loss
from rl_teacher.protocols import FitData


class LinearReward(eqx.Module):
    """Reward = weights . (observation, action); logistic regression on the differences between left and right."""

    weights: Float[Array, " features"]
    num_fitted: Array

    @classmethod
    def build(cls, *, obs_shape: tuple[int, ...], num_actions: int, **others: object) -> "LinearReward":
        """One that finds every step worth nothing."""
        return cls(jnp.zeros(obs_shape[0] + num_actions), jnp.array(0))

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """The reward of every step."""
        return jnp.concatenate([jnp.asarray(x.obs), jnp.asarray(x.action)], -1) @ self.weights

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "1 segment"]:
        """One member, which has nobody to disagree with."""
        return np.asarray(self(x).sum(-1)[None])

    def wants_fit(self, num_changes: int) -> bool:
        """Whenever a label is new or was changed."""
        return num_changes > int(self.num_fitted)

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple["LinearReward", dict[str, float]]:
        """Gradient descent on the Bradley-Terry loss plus a small weight decay."""
        frames = jnp.concatenate([data.labeled.obs, data.labeled.action], -1)  # comparison, side, step, feature
        difference, target = frames.mean(2)[:, 0] - frames.mean(2)[:, 1], jnp.asarray(data.labeled.target)
        loss = lambda w: preference_loss(difference @ w, target).mean() + 1e-3 * w @ w  # noqa: E731
        weights = jax.lax.fori_loop(0, num_steps or 500, lambda _, w: w - 0.1 * jax.grad(loss)(w), self.weights)
        accuracy = decisive_accuracy(difference @ weights, target, jnp.ones(len(target)))
        return LinearReward(weights, jnp.array(data.num_changes)), {"predictor/accuracy": float(accuracy)}

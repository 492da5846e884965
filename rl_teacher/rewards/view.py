"""What a reward model sees of a frame, and the only place that says so: pictures would change this file alone.

Observations reach a model in their own shape. Here they become vectors, are normalized, and are joined to the action.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from rl_teacher.core.running_stats import RunningStats

ObsStats = tuple[Float[Array, " features"], Float[Array, " features"]]
"""Mean and variance of the observations, frozen."""


def num_inputs(obs_shape: tuple[int, ...], num_actions: int) -> int:
    """How many numbers `model_inputs` makes of a frame."""
    return math.prod(obs_shape) + num_actions


def no_stats(obs_shape: tuple[int, ...]) -> ObsStats:
    """Of a model that was never fitted: mean 0, variance 1."""
    size = math.prod(obs_shape)
    return jnp.zeros(size), jnp.ones(size)


def frozen(stats: RunningStats) -> ObsStats:
    """A snapshot of an agent's observation statistics."""
    return stats.mean, stats.variance


def model_inputs(
    obs: Num[Array, "..."], action: Float[Array, "*batch act"], stats: ObsStats
) -> Float[Array, "*batch input"]:
    """The numbers that a reward model is a function of.

    Args:
        obs: observations of any shape, (*batch, *obs), not normalized.
        action: within its bounds, or one-hot.
        stats: what observations are normalized by.

    Returns:
        Of each frame: its observation in standard deviations from the mean, clipped to 10 of them; then its action.
    """
    ones = (1,) * (action.ndim - 1)
    flat = obs.reshape(*action.shape[:-1], -1)
    mean, std = stats[0].reshape(*ones, -1), jnp.sqrt(stats[1] + 1e-8).reshape(*ones, -1)
    normalized = jnp.clip((flat.astype(jnp.float32) - mean) / std, -10.0, 10.0)
    return jnp.concatenate([normalized, action.astype(jnp.float32)], -1)

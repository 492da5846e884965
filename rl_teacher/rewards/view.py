"""What a reward model sees of a frame, and the only place that says so: pictures would change this file alone.

Observations reach a model in their own shape. Here they become vectors, are normalized, and are joined to the action.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num

from rl_teacher.core.arrays import RewardInput
from rl_teacher.core.running_stats import RunningStats

ObsStats = tuple[Float[Array, " features"], Float[Array, " features"]]
"""Mean and variance of the observations, frozen."""


class Frames(NamedTuple):
    """What a model that knows of ends sees of steps."""

    now: Float[Array, "*batch input"]
    """See `model_inputs`."""
    phase: Int[Array, "*batch"] | None
    """LIVED, LAST or ENDED; None where nothing ended."""
    after: Float[Array, "*batch features"] | None
    """The observation after the step, normalized as the one before it; None where episodes have one length."""


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
    return jnp.concatenate([normalized(obs, action.shape[:-1], stats), action.astype(jnp.float32)], -1)


def normalized(
    obs: Num[Array, "..."], batch_shape: tuple[int, ...], stats: ObsStats
) -> Float[Array, "*batch features"]:
    """Observations as vectors, in standard deviations from the mean, clipped to 10 of them."""
    ones = (1,) * len(batch_shape)
    flat = obs.reshape(*batch_shape, -1)
    mean, std = stats[0].reshape(*ones, -1), jnp.sqrt(stats[1] + 1e-8).reshape(*ones, -1)
    return jnp.clip((flat.astype(jnp.float32) - mean) / std, -10.0, 10.0)


def frames_of(x: RewardInput, stats: ObsStats) -> Frames:
    """What is seen of steps where episodes can end early."""
    obs, action = jnp.asarray(x.obs), jnp.asarray(x.action)
    phase = None if x.phase is None else jnp.asarray(x.phase)
    after = None if x.next_obs is None else normalized(jnp.asarray(x.next_obs), action.shape[:-1], stats)
    return Frames(model_inputs(obs, action, stats), phase, after)

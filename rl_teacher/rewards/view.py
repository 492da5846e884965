"""What a reward model sees of a frame, and the only place that says so: pictures would change this file alone.

Observations reach a model in their own shape. Here they become vectors, are normalized, and are joined to the action.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num

from rl_teacher.core.arrays import RewardInput
from rl_teacher.core.running_stats import RunningStats

TURN = np.float32(math.sqrt(2.0))
"""What sines and cosines are multiplied by: see `model_inputs`."""
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


def num_inputs(obs_shape: tuple[int, ...], num_actions: int, num_turns: int = 0) -> int:
    """How many numbers `model_inputs` makes of a frame."""
    return math.prod(obs_shape) + num_actions + num_turns


def no_stats(obs_shape: tuple[int, ...]) -> ObsStats:
    """Of a model that was never fitted: mean 0, variance 1."""
    size = math.prod(obs_shape)
    return jnp.zeros(size), jnp.ones(size)


def frozen(stats: RunningStats) -> ObsStats:
    """A snapshot of an agent's observation statistics."""
    return stats.mean, stats.variance


def model_inputs(
    obs: Num[Array, "..."], action: Float[Array, "*batch act"], stats: ObsStats, turns: tuple[int, ...] = ()
) -> Float[Array, "*batch input"]:
    """The numbers that a reward model is a function of.

    Args:
        obs: observations of any shape, (*batch, *obs), not normalized.
        action: within its bounds, or one-hot.
        stats: what observations are normalized by.
        turns: numbers of an observation that are angles of what can turn all the way round.

    Returns:
        Of each frame: its observation in standard deviations from the mean, clipped to 10 of them; then its action.
        With `turns` the sine of each such angle is in its place, and the cosines follow at the end, both times
        sqrt(2): then they have variance 1 where every direction is equally frequent.
    """
    seen = normalized(obs, action.shape[:-1], stats)
    parts = [seen, action.astype(jnp.float32)]
    if turns:
        angles = obs.reshape(*action.shape[:-1], -1)[..., turns].astype(jnp.float32)
        parts = [seen.at[..., turns].set(TURN * jnp.sin(angles)), parts[1], TURN * jnp.cos(angles)]
    return jnp.concatenate(parts, -1)


def input_words(names: Sequence[str], turns: tuple[int, ...]) -> list[str]:
    """What the numbers of `model_inputs` are called.

    Args:
        names: of the numbers of an observation, then of an action.
        turns: as for `model_inputs`.
    """
    words = [f"sine of {name}" if i in turns else name for i, name in enumerate(names)]
    return words + [f"cosine of {names[i]}" for i in turns]


def normalized(
    obs: Num[Array, "..."], batch_shape: tuple[int, ...], stats: ObsStats
) -> Float[Array, "*batch features"]:
    """Observations as vectors, in standard deviations from the mean, clipped to 10 of them."""
    ones = (1,) * len(batch_shape)
    flat = obs.reshape(*batch_shape, -1)
    mean, std = stats[0].reshape(*ones, -1), jnp.sqrt(stats[1] + 1e-8).reshape(*ones, -1)
    return jnp.clip((flat.astype(jnp.float32) - mean) / std, -10.0, 10.0)


def frames_of(x: RewardInput, stats: ObsStats, turns: tuple[int, ...] = ()) -> Frames:
    """What is seen of steps where episodes can end early."""
    obs, action = jnp.asarray(x.obs), jnp.asarray(x.action)
    phase = None if x.phase is None else jnp.asarray(x.phase)
    after = None if x.next_obs is None else normalized(jnp.asarray(x.next_obs), action.shape[:-1], stats)
    return Frames(model_inputs(obs, action, stats, turns), phase, after)

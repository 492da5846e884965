"""What an agent's networks see of an observation, and the only place that says so: pictures would change this file.

Observations are kept in their own shape until here, where they become vectors and are normalized: numbers 6 and 7 of
the continuous details in Huang et al. 2022, "The 37 Implementation Details of Proximal Policy Optimization".
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from rl_teacher.core.running_stats import RunningStats

ActingScale = tuple[Float[Array, " features"], Float[Array, " features"]]
"""Mean and inverse standard deviation of the observations."""


def num_inputs(obs_shape: tuple[int, ...]) -> int:
    """How many numbers a network is given of an observation of this shape."""
    return math.prod(obs_shape)


def features(obs: Num[Array | np.ndarray, "..."], num_batch_axes: int) -> Float[Array | np.ndarray, "..."]:
    """Observations as vectors, not normalized: what statistics and a replay keep.

    Args:
        obs: (*batch, *obs), any type of number.
        num_batch_axes: how many axes the batch has.
    """
    return obs.reshape(*obs.shape[:num_batch_axes], -1).astype(jnp.float32)


def network_inputs(obs: Num[Array, "..."], stats: RunningStats, num_batch_axes: int) -> Float[Array, "..."]:
    """Observations, or their features, as a network is given them: in standard deviations, clipped to 10 of them."""
    return stats.normalize(features(obs, num_batch_axes))


def acting_scale(stats: RunningStats) -> ActingScale:
    """What `acting_inputs` needs of the statistics, computed once for a whole rollout."""
    return stats.mean, 1.0 / jnp.sqrt(stats.variance + 1e-8)


def acting_inputs(obs: Num[Array, "env ..."], scale: ActingScale) -> Float[Array, "env features"]:
    """The same as `network_inputs`, up to rounding, by a multiplication: the fewest operations in a step."""
    mean, inverse_std = scale
    return jnp.clip((features(obs, 1) - mean[None]) * inverse_std[None], -10.0, 10.0)

"""Observations of turns of any length in few shapes, each of which JAX compiles once."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rl_teacher.core.arrays import Rollout


def padded(rollout: Rollout) -> tuple[Float[Array, "row obs"], Float[Array, " row"]]:
    """All observations, and rows that do not count up to a power of two: turns of any length are compiled once."""
    num = rollout.counted.size
    flat = np.zeros((1 << (num - 1).bit_length(), rollout.obs[0, 0].size), np.float32)
    weight = np.zeros(len(flat), np.float32)
    flat[:num], weight[:num] = rollout.obs.reshape(num, -1), 1
    return jnp.asarray(flat), jnp.asarray(weight)

"""What a reward model sees of a frame."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from rl_teacher.core.arrays import RewardInput

ObsStats = tuple[Float[Array, " features"], Float[Array, " features"]]
"""Mean and variance of the observations, frozen."""


def normalized_inputs(
    obs: Num[Array, "*batch obs"], action: Float[Array, "*batch act"], stats: ObsStats
) -> Float[Array, "*batch input"]:
    """What a reward model sees of a frame: normalized observations within 10 standard deviations, then the action."""
    ones = (1,) * (obs.ndim - 1)
    mean, std = stats[0].reshape(*ones, -1), jnp.sqrt(stats[1] + 1e-8).reshape(*ones, -1)
    normalized = jnp.clip((obs.astype(jnp.float32) - mean) / std, -10.0, 10.0)
    return jnp.concatenate([normalized, action.astype(jnp.float32)], -1)


def flat_obs(x: RewardInput, obs_axes: int) -> Num[Array, "*batch features"]:
    """Observations as one axis, of `obs_axes` before."""
    obs = jnp.asarray(x.obs)
    return obs.reshape(*obs.shape[: obs.ndim - obs_axes], -1)

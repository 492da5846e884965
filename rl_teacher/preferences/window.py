"""The window: the frames over which a reward is normalized."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Num

from rl_teacher.core.arrays import RewardInput, Rollout, next_observations
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.vision import is_picture

MOST_PICTURES = 4096
"""Of a window: of more, evenly spread ones are taken, as all would fill the memory."""
AT_ONCE = 256
"""Pictures that are numbers at the same time."""


def window(rollouts: list[Rollout], *, shows_ends: bool, shows_after: bool = False) -> RewardInput:
    """All frames of these rollouts as one axis, padding left out.

    Args:
        rollouts: axes (time, env).
        shows_ends: whether a reward model is told which steps end an episode, and what is observed after each.
        shows_after: whether it is told what is observed after each step.
    """

    num = sum(int(rollout.counted.sum()) for rollout in rollouts)
    stride = -(-num // MOST_PICTURES) if is_picture(rollouts[0].obs.shape[2:]) else 1

    def joined(arrays: list[np.ndarray]) -> np.ndarray:
        parts = [array[rollout.counted][::stride] for array, rollout in zip(arrays, rollouts, strict=True)]
        return np.concatenate(parts)

    obs, actions = joined([one.obs for one in rollouts]), joined([one.reward_action for one in rollouts])
    phases = joined([one.phase() for one in rollouts]) if shows_ends else None
    follows = joined([next_observations(one) for one in rollouts]) if shows_ends or shows_after else None
    return RewardInput(obs, actions, phase=phases, next_obs=follows)


def stats_of(obs: Num[np.ndarray, "frame *obs"]) -> RunningStats:
    """Mean and variance of each number of observations, as vectors."""
    stats = RunningStats.of_shape((int(np.prod(obs.shape[1:])),))
    size = AT_ONCE if is_picture(obs.shape[1:]) else max(1, len(obs))
    for at in range(0, len(obs), size):
        # As bytes, pictures would be added up as bytes.
        flat = jnp.asarray(obs[at : at + size].reshape(len(obs[at : at + size]), -1), jnp.float32)
        stats = stats.merge(flat, jnp.ones(len(flat)))
    return stats

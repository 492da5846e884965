"""The window: the frames over which a reward is normalized."""

import numpy as np

from rl_teacher.core.arrays import RewardInput, Rollout, next_observations


def window(rollouts: list[Rollout], shows_ends: bool) -> RewardInput:
    """All frames of these rollouts as one axis, padding left out.

    Args:
        rollouts: axes (time, env).
        shows_ends: whether a reward model is told which steps end an episode, and what is observed after each.
    """

    def joined(arrays: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([array[rollout.counted] for array, rollout in zip(arrays, rollouts, strict=True)])

    obs, actions = joined([one.obs for one in rollouts]), joined([one.reward_action for one in rollouts])
    if not shows_ends:
        return RewardInput(obs, actions)
    phases, follows = joined([one.phase() for one in rollouts]), joined([next_observations(one) for one in rollouts])
    return RewardInput(obs, actions, phase=phases, next_obs=follows)

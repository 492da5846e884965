"""LastEpisode: what one environment did, collected across rollouts, for people to see."""

from typing import Any

import numpy as np

from rl_teacher.core.arrays import NO_END, Rollout
from rl_teacher.core.segment import Segment

ARRAYS = ("obs", "reward_action", "env_action", "true_reward", "sim_state")
"""Of a segment, each with an axis of steps."""


class LastEpisode:
    """Follows environment 0; what it hands out are whole episodes, or their last `max_steps` steps."""

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps
        self._parts: dict[str, list[np.ndarray]] = {name: [] for name in ARRAYS}

    def add(self, rollout: Rollout, iteration: int) -> Segment | None:
        """Follow one rollout: the newest episode that ended in it, if any did."""
        episode, start = None, 0
        for end in map(int, np.flatnonzero(rollout.ended[:, 0])):
            self._take(rollout, start, end + 1)
            arrays: dict[str, Any] = {
                name: np.concatenate(parts)[-self._max_steps :] for name, parts in self._parts.items()
            }
            episode = Segment(
                **arrays, env=0, episode=int(rollout.episode[end, 0]),
                start=int(rollout.episode_step[end, 0]) + 1 - len(arrays["obs"]), iteration=iteration,
                end=len(arrays["obs"]) if rollout.terminated[end, 0] else NO_END,
            )  # fmt: skip
            self._parts = {name: [] for name in ARRAYS}
            start = end + 1
        self._take(rollout, start, int(rollout.counted[:, 0].sum()))
        return episode

    def _take(self, rollout: Rollout, start: int, end: int) -> None:
        for name, parts in self._parts.items():
            parts.append(getattr(rollout, name)[start:end, 0].copy())

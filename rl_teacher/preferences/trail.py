"""Trail: the steps before the newest rollout, so that a segment may be longer than a rollout."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from rl_teacher.core.arrays import Rollout

OVER_TIME = tuple(field.name for field in dataclasses.fields(Rollout) if field.name != "last_obs")
"""Fields of a rollout that have an axis of time."""


class Trail:
    """The newest steps of rollouts that are too short to hold a segment. An agent's updates need not wait for one.

    Args:
        segment_steps: of a segment.
    """

    def __init__(self, segment_steps: int) -> None:
        self._num_kept = segment_steps - 1
        self._kept: dict[str, np.ndarray] = {}

    def follow(self, rollout: Rollout) -> tuple[Rollout, int]:
        """The rollout with the steps before it, as far as a segment that ends in it may reach back.

        Args:
            rollout: goes on where the one before it ended.

        Returns:
            Both as one rollout, and how many of its steps are old: 0 where the rollout holds a segment by itself.
        """
        if len(rollout.counted) > self._num_kept:
            self._kept = {}
            return rollout, 0
        num_old = len(self._kept["counted"]) if self._kept else 0
        arrays = {name: getattr(rollout, name) for name in OVER_TIME}
        if self._kept:
            arrays = {name: np.concatenate([self._kept[name], array]) for name, array in arrays.items()}
        self._kept = {name: array[-self._num_kept :] for name, array in arrays.items()}
        return Rollout(**arrays, last_obs=rollout.last_obs), num_old

    def snapshot(self) -> dict[str, np.ndarray]:
        """For a checkpoint."""
        return dict(self._kept)

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """From a checkpoint."""
        self._kept = dict(snapshot)

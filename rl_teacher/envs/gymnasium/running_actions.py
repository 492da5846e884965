"""RunningActions: what every environment was given since the start of its running episode."""

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Discrete

Array = npt.NDArray[Any]

FIRST_CAPACITY = 64
"""Steps there is room for at first; doubles when an episode is longer."""


class RunningActions:
    """Actions since the start of each episode, in arrays. Set `lengths[i] = 0` when an episode of env i starts."""

    def __init__(self, num_envs: int, single_action_space: Box | Discrete) -> None:
        shape = (num_envs, FIRST_CAPACITY, *(single_action_space.shape or ()))
        self._actions: Array = np.zeros(shape, single_action_space.dtype)
        self._rows = np.arange(num_envs)
        self.lengths = np.zeros(num_envs, np.int64)

    def append(self, actions: Array) -> Array:
        """Keep one action of every environment, (num_envs, *act); returns them in the dtype of the action space.

        Raises:
            ValueError: `actions` has another shape.
        """
        expected = (len(self._rows), *self._actions.shape[2:])
        if actions.shape != expected:
            raise ValueError(f"actions have shape {actions.shape}, expected {expected}.")
        if self.lengths.max() == self._actions.shape[1]:
            self._actions = np.concatenate([self._actions, np.zeros_like(self._actions)], axis=1)
        taken = actions.astype(self._actions.dtype)
        self._actions[self._rows, self.lengths] = taken
        self.lengths += 1
        return taken

    def of(self, env: int) -> Array:
        """A copy of the actions of one environment, (length, *act)."""
        return self._actions[env, : self.lengths[env]].copy()

    def actions(self) -> Array:
        """A copy of all, (num_envs, longest, *act), padded at the end."""
        return self._actions[:, : self.lengths.max()].copy()

    def load(self, actions: Array, lengths: Array) -> None:
        """Take over what `actions()` and `lengths` were."""
        longest = actions.shape[1]
        while self._actions.shape[1] < longest:
            self._actions = np.concatenate([self._actions, np.zeros_like(self._actions)], axis=1)
        self._actions[:, :longest] = actions
        self.lengths[:] = lengths

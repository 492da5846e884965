"""How long a game stands idle at its start: the one thing that the seed of an episode decides."""

from typing import Any

import numpy as np
import numpy.typing as npt

MOST_IDLE = 7
"""Steps at the start of a game in which no button does anything, at most: 28 frames, of the 30 that are usual."""
NO_BUTTON = 0
"""The action that presses nothing, in every game."""


def idle_steps(episode_seed: int, game: int) -> int:
    """From 0 to MOST_IDLE, a function of the episode's seed and the number of the game in it, from 0.

    >>> [idle_steps(5, game) for game in range(4)]
    [2, 2, 7, 6]
    """
    return int(np.random.Generator(np.random.Philox(key=[episode_seed, game])).integers(MOST_IDLE + 1))


class IdleStarts:
    """Follows games side by side, and takes the buttons away at the start of each."""

    def __init__(self, num_envs: int) -> None:
        self._seeds = np.zeros(num_envs, np.int64)
        self._games = np.zeros(num_envs, np.int64)
        """Games before the running one in each episode."""
        self._left = np.zeros(num_envs, np.int64)
        """Steps for which no button does anything yet."""

    def begin(self, who: npt.NDArray[np.bool_], seeds: npt.NDArray[np.int64]) -> None:
        """The first games of episodes where `who` is true, with the seeds of all episodes."""
        self._seeds[who], self._games[who] = seeds[who], 0
        self._draw(who)

    @property
    def num_games(self) -> npt.NDArray[np.int64]:
        """Games before the running one in each episode, (num_envs,)."""
        return self._games.copy()

    def buttons(self, actions: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """What is pressed in the next step, given what was wanted."""
        pressed = np.where(self._left > 0, NO_BUTTON, actions).astype(np.int64)
        np.maximum(self._left - 1, 0, out=self._left)
        return pressed

    def over(self, who: npt.NDArray[np.bool_]) -> None:
        """These games are over, and the next ones have begun."""
        self._games[who] += 1
        self._draw(who)

    def _draw(self, who: npt.NDArray[np.bool_]) -> None:
        for env in np.flatnonzero(who).tolist():
            self._left[env] = idle_steps(int(self._seeds[env]), int(self._games[env]))

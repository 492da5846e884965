"""ShownLives: a number of lives that a game shows for a moment only, hidden for as long as it is there."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.games.emulator import Blackout
from rl_teacher.envs.games.sheets import AtariSheet

NEVER = -1
"""Lives before a game is known to have any."""


class ShownLives:
    """Counts, for each game, the steps for which its lives are still to be seen.

    The place is not always black: at other times the player's ship may be there. While lives are shown it is not.

    Args:
        sheet: of the game; where it shows no lives for a moment, nothing is hidden here.
        num_envs: games side by side.
    """

    def __init__(self, sheet: AtariSheet, num_envs: int) -> None:
        self._shown = sheet.shown_lives
        self._lives = np.full(num_envs, NEVER, np.int64)
        self._steps_left = np.zeros(num_envs, np.int64)

    def begin(self, who: npt.NDArray[np.bool_]) -> None:
        """A game has just begun where `who` is true."""
        if self._shown is not None:
            self._lives[who], self._steps_left[who] = NEVER, self._shown.steps_of_start

    def step(self, lives: npt.NDArray[Any], is_over: npt.NDArray[np.bool_]) -> None:
        """All games made a step: lives now, and which games were over, in whose place another one has begun."""
        if self._shown is None:
            return
        self._steps_left = np.maximum(self._steps_left - 1, 0)
        self._steps_left[lives < self._lives] = self._shown.steps_of_loss
        self._lives = lives.astype(np.int64)
        self.begin(is_over)

    def blacken(self, frames: npt.NDArray[np.uint8]) -> None:
        """Hide them in pictures of any size, (num_envs, 1, height, width) or with colors after it."""
        if self._shown is not None:
            who = self._steps_left > 0
            hidden = frames[who]
            Blackout((self._shown.where,), *frames.shape[2:4])(hidden)
            frames[who] = hidden

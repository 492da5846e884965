"""AtariScreen: one game in its colors as people see it, played again from the seed of an episode."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.games.emulator import GREY_SIZE, Blackout, open_emulator, reset_games, step_games
from rl_teacher.envs.games.sheets import SCREEN_HEIGHT, SCREEN_WIDTH, AtariSheet
from rl_teacher.envs.games.shown_lives import ShownLives
from rl_teacher.envs.games.starts import IdleStarts

SCALE = 2
"""Pixels of a picture for one of the screen."""
LUMA = np.array([0.2989, 0.5870, 0.1140])
"""What red, green and blue add to ale-py's grey, which is rounded. Found by comparing both of the same screens."""
MOST_BLENDED = 40
"""Cells of what agents see that may be darker than what is drawn: two frames are shown as one by the largest red, green
and blue, or by the largest grey, and where something moves these differ. At most 20 were seen in 2,800 screens."""

_ALL = np.ones(1, np.bool_)


class AtariScreen:
    """The same game, step by step, as a row of AtariEnvs, in color and with the size of its screen."""

    def __init__(self, sheet: AtariSheet) -> None:
        self._sheet = sheet
        self._emulator = open_emulator(sheet, 1, 1, is_grey=False)
        self._starts = IdleStarts(1)
        self._blacken = Blackout(sheet.hidden, SCREEN_HEIGHT, SCREEN_WIDTH)
        self._lives = ShownLives(sheet, 1)
        self._blacken_small = Blackout(sheet.hidden, GREY_SIZE, GREY_SIZE)
        self._frames: npt.NDArray[np.uint8] = np.zeros((1, 1, SCREEN_HEIGHT, SCREEN_WIDTH, 3), np.uint8)

    def start(self, episode_seed: int) -> None:
        """Begin the episode of a seed, as `reset_seed` gives it."""
        self._frames = reset_games(self._emulator, self._sheet, _ALL)
        self._lives.begin(_ALL)
        self._starts.begin(_ALL, np.array([episode_seed]))

    def step(self, action: int) -> None:
        """One step of the agent."""
        self._frames, _, is_over, lives = step_games(self._emulator, self._starts.buttons(np.array([action])))
        self._lives.step(lives, is_over)
        if is_over[0]:
            self._starts.over(_ALL)

    def picture(self) -> npt.NDArray[np.uint8]:
        """The screen without its score, RGB of shape (420, 320, 3): every pixel twice as large."""
        frames = self._frames.copy()
        self._blacken(frames)
        self._lives.blacken(frames)
        return np.asarray(frames[0, 0].repeat(SCALE, 0).repeat(SCALE, 1))

    def shows(self, obs: npt.NDArray[np.uint8]) -> bool:
        """Whether the screen is the newest frame of an observation, (42, 42, frames).

        What is drawn is nowhere darker than what was seen, and brighter only where something moved.
        """
        small = _ROWS @ np.rint(self._frames[0, 0] @ LUMA) @ _COLUMNS.T
        self._blacken_small(small[None, None])
        self._lives.blacken(small[None, None])
        brighter = small - obs[..., -1]
        return bool((brighter >= -1).all() and (brighter > 1).sum() <= MOST_BLENDED)

    def close(self) -> None:
        """Free the emulator."""
        self._emulator.close()


def _averages(whole: int, size: int) -> npt.NDArray[np.float64]:
    """(size, whole): how `whole` pixels are averaged to `size`, each by the part of it that one covers."""
    edges = np.arange(size + 1) * whole / size
    pixels = np.arange(whole)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(covered, 0, None) * size / whole)


_ROWS, _COLUMNS = _averages(SCREEN_HEIGHT, GREY_SIZE), _averages(SCREEN_WIDTH, GREY_SIZE)


def play_screen(
    sheet: AtariSheet, seed: int, actions: npt.NDArray[Any], start: int, obs: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8] | None:
    """Pictures of steps start .. len(actions) - 1 of an episode, each before its step; None if it went elsewhere.

    Args:
        sheet: of the game.
        seed: of the episode.
        actions: from the episode's first step on.
        start: first step that is drawn.
        obs: the observation before step `start`.
    """
    screen = AtariScreen(sheet)
    try:
        screen.start(seed)
        pictures = []
        for step, action in enumerate(actions.tolist()):
            if step == start and not screen.shows(obs):
                return None
            if step >= start:
                pictures.append(screen.picture())
            if step + 1 < len(actions):
                screen.step(action)
        return np.stack(pictures)
    finally:
        screen.close()

"""Emulators: many Atari games side by side in ale-py's own threads, their scores black."""

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode

from rl_teacher.envs.games.sheets import SCREEN_HEIGHT, SCREEN_WIDTH, AtariSheet, Rectangle
from rl_teacher.errors import MissingExtra

if TYPE_CHECKING:
    from ale_py.vector_env import AtariVectorEnv

FRAME_SKIP = 4
"""Frames of the Atari in a step, of which the last two are shown as one: what flickers stays to be seen."""
GREY_SIZE = 42
"""Width and height of what agents see [pixels]."""


def open_emulator(sheet: AtariSheet, num_envs: int, num_threads: int, *, is_grey: bool) -> "AtariVectorEnv":
    """The emulators of `num_envs` games, which a reset must follow.

    No chance is left in them: no action is repeated, and a game begins as it always does (a random number of idle steps
    is ours: `games/starts.py`). So a game is a function of what was pressed since its reset.

    Args:
        sheet: of the game.
        num_envs: how many, >= 1.
        num_threads: at most; 0 is one per CPU.
        is_grey: small and grey, as agents see it; else the screen in its size and colors.

    Raises:
        MissingExtra: ale-py is not installed.
    """
    try:
        from ale_py import ALEInterface, LoggerMode
        from ale_py.vector_env import AtariVectorEnv
    except ImportError as error:
        raise MissingExtra(
            f"env 'ALE/{sheet.name}-v5' needs ale-py, whose wheel holds the games: pip install 'rl-teacher[games]'."
        ) from error
    ALEInterface.setLoggerMode(LoggerMode.Error)
    return AtariVectorEnv(
        sheet.rom, num_envs,
        num_threads=min(num_envs, num_threads or len(os.sched_getaffinity(0))),
        autoreset_mode=AutoresetMode.SAME_STEP,
        repeat_action_probability=0.0, frameskip=FRAME_SKIP, stack_num=1, grayscale=is_grey,
        img_height=GREY_SIZE if is_grey else SCREEN_HEIGHT, img_width=GREY_SIZE if is_grey else SCREEN_WIDTH,
        reward_clipping=False, episodic_life=False, noop_max=0, use_fire_reset=False,
    )  # fmt: skip


def num_buttons(emulator: "AtariVectorEnv") -> int:
    """Actions that a game knows, of which the first presses nothing."""
    space = emulator.single_action_space
    assert isinstance(space, Discrete), space
    return int(space.n)


class Blackout:
    """Makes what is hidden of a game black, in pictures of any size: whatever shows a part of a hidden pixel."""

    def __init__(self, hidden: tuple[Rectangle, ...], height: int, width: int) -> None:
        self._slices = [
            (_scaled(one.top, one.bottom, height, SCREEN_HEIGHT), _scaled(one.left, one.right, width, SCREEN_WIDTH))
            for one in hidden
        ]

    def __call__(self, frames: npt.NDArray[np.uint8]) -> None:
        """Write into `frames`, (num_envs, 1, height, width) or with colors after it."""
        for rows, columns in self._slices:
            frames[:, :, rows, columns] = 0


def _scaled(first: int, end: int, size: int, whole: int) -> slice:
    """Pixels of a picture of `size` that show any of those from `first` to `end` of a screen of `whole`."""
    return slice(first * size // whole, -(-end * size // whole))


def reset_games(emulator: "AtariVectorEnv", sheet: AtariSheet, who: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Begin the game anew where `who` is true, always alike; the frames of all."""
    # With a seed ale-py takes the cartridge out and puts it in again, so that memory is as in a new machine.
    seeds = np.zeros(int(who.sum()), np.int64) if sheet.remembers else None
    frames, _ = emulator.reset(seed=seeds, options={"reset_mask": who})
    return np.asarray(frames)


class Stepped(NamedTuple):
    """What came of a step of all games."""

    frames: npt.NDArray[np.uint8]
    """(num_envs, 1, height, width), or with colors after it."""
    points: npt.NDArray[Any]
    is_over: npt.NDArray[np.bool_]
    """Games that are over and have begun anew."""
    lives: npt.NDArray[Any]
    """That are left, (num_envs,)."""


def step_games(emulator: "AtariVectorEnv", buttons: npt.NDArray[Any]) -> Stepped:
    """Step all games."""
    frames, points, is_over, is_cut, infos = emulator.step(buttons)
    return Stepped(frames, points, is_over | is_cut, infos["lives"])

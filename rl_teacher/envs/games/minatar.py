"""MinAtarGame: one of the five games of MinAtar as an endless one. Source: Young & Tian 2019, arXiv:1903.03176."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Discrete

from rl_teacher.envs.games.lookup import minatar_sheet
from rl_teacher.envs.games.minatar_colors import draw
from rl_teacher.envs.games.sheets import GAME_FPS
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import MissingExtra

STICKY = 0.1
"""How often the action before is taken instead of the chosen one. Source: MinAtar's own default."""
ON = 255
"""Of a cell in which something is; it has 0 where nothing is."""

Array = npt.NDArray[Any]


class MinAtarGame(gymnasium.Env[npt.NDArray[np.uint8], np.int64]):
    """Ten by ten cells, a plane for each kind of thing, some of which show where others come from.

    An episode has `spec.horizon` steps. A game that is over begins anew inside of it, and only the true reward tells:
    the points, less the game's price when it was over. Given its seed, an episode is a function of the actions.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": GAME_FPS}

    def __init__(self, spec: EnvSpec, render_mode: str | None = None) -> None:
        """Load the game.

        Args:
            spec: of the game.
            render_mode: None, or 'rgb_array' to let `render` draw.

        Raises:
            MissingExtra: minatar is not installed.
        """
        self._sheet, self._limit = minatar_sheet(spec), spec.horizon
        self._game = _module(self._sheet.module).Env(ramping=True)
        self._actions: list[int] = self._game.minimal_action_set()
        self.render_mode = render_mode
        self.observation_space = Box(0, 255, tuple(self._game.state_shape()), np.uint8)
        self.action_space = Discrete(len(self._actions))
        self._last, self._elapsed = 0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.uint8], dict[str, Any]]:
        """Begin an episode: the cells, uint8 (10, 10, planes), and no infos."""
        super().reset(seed=seed)
        self._random = np.random.RandomState(int(self.np_random.integers(2**32)))  # the kind that MinAtar draws from
        self._game.random = self._random
        self._last, self._elapsed = 0, 0
        self._game.reset()
        return self._observed(), {}

    def step(self, action: np.int64) -> tuple[npt.NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Cells, true reward, False, whether the episode is as long as it may be, and no infos."""
        if self._random.rand() >= STICKY:
            self._last = self._actions[int(action)]
        points, is_over = self._game.act(self._last)
        if is_over:
            self._game.reset()
        self._elapsed += 1
        is_cut = self._limit is not None and self._elapsed >= self._limit
        return self._observed(), float(points) - self._sheet.price * bool(is_over), False, is_cut, {}

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The cells in colors, uint8 (height, width, 3); None without a render mode."""
        return None if self.render_mode is None else draw(self._game.state(), self._game.channels)

    def _observed(self) -> npt.NDArray[np.uint8]:
        return np.asarray(self._game.state(), np.uint8) * np.uint8(ON)


def cell_names(spec: EnvSpec) -> tuple[str, ...]:
    """What each number of an observation says: which thing is in which cell.

    >>> from rl_teacher.envs.catalog import find_env
    >>> cell_names(find_env("MinAtar/Asterix-v1"))[3]
    'gold at row 0, column 0'
    """
    game = _module(minatar_sheet(spec).module).Env()
    things = sorted(game.channels, key=game.channels.__getitem__)
    height, width, _ = game.state_shape()
    return tuple(
        f"{thing.replace('_', ' ')} at row {row}, column {column}"
        for row in range(height)
        for column in range(width)
        for thing in things
    )


@cache
def _module(name: str) -> ModuleType:
    """A game's own file, which needs NumPy alone: importing `minatar` would load Matplotlib, seaborn and pandas."""
    package = importlib.util.find_spec("minatar")
    folders = [] if package is None else list(package.submodule_search_locations or [])
    if not folders:
        raise MissingExtra("MinAtar's games need minatar, which is not installed: pip install 'rl-teacher[games]'.")
    full_name = f"minatar.environments.{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    found = importlib.util.spec_from_file_location(full_name, Path(folders[0]) / "environments" / f"{name}.py")
    assert found is not None, name
    assert found.loader is not None, name
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module

"""MinAtar's Breakout as an environment whose episodes end visibly, its picture as a vector of 0 and 1.

    pip install --no-deps minatar==1.0.15
    rl-teacher teach -p synth -e benchmarks.minatar:Breakout-v0 -l 400 -t 400000 -n breakout

Source: Young & Tian 2019, MinAtar, arXiv:1903.03176.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import register


class Breakout(gymnasium.Env[np.ndarray, np.int64]):
    """Ten by ten cells in four planes: paddle, ball, its trail, bricks. An episode ends when the ball is lost."""

    metadata = {"render_fps": 10, "render_modes": ["rgb_array"]}

    def __init__(self, render_mode: str | None = None) -> None:
        from minatar import Environment  # here, as most who read the benchmarks have no need of it

        self._game = Environment("breakout", sticky_action_prob=0.1)
        self._actions = self._game.minimal_action_set()
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (int(np.prod(self._game.state_shape())),), np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(self._actions))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begin an episode; with a seed always the same."""
        super().reset(seed=seed)
        if seed is not None:
            self._game.seed(seed)
        self._game.reset()
        return self._observed(), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One of MinAtar's frames."""
        reward, is_over = self._game.act(self._actions[int(action)])
        return self._observed(), float(reward), bool(is_over), False, {}

    def render(self) -> np.ndarray:  # type: ignore[override]
        """The planes in four colors, eight pixels for each cell."""
        colors = np.array([[80, 200, 120], [255, 255, 255], [110, 110, 110], [220, 90, 70]], np.float64)
        picture = np.minimum(self._game.state().astype(np.float64) @ colors, 255).astype(np.uint8)
        return picture.repeat(8, 0).repeat(8, 1)

    def _observed(self) -> np.ndarray:
        return self._game.state().astype(np.float32).ravel()


register("Breakout-v0", entry_point="benchmarks.minatar:Breakout", max_episode_steps=2000)

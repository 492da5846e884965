"""AtariPlayer: one game as a single environment, as agents see it, and drawn as people do."""

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from rl_teacher.envs.games.atari import AtariEnvs
from rl_teacher.envs.games.lookup import atari_sheet
from rl_teacher.envs.games.screen import AtariScreen
from rl_teacher.envs.games.sheets import GAME_FPS
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.starts import reset_seed


class AtariPlayer(gymnasium.Env[npt.NDArray[np.uint8], np.int64]):
    """One row of AtariEnvs. With a render mode a second emulator plays the same in color."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": GAME_FPS}

    def __init__(self, spec: EnvSpec, render_mode: str | None = None) -> None:
        assert spec.horizon is not None, spec
        sheet = atari_sheet(spec)
        self._envs = AtariEnvs(
            sheet, 1, limit=spec.horizon, seed=0, env_id=spec.env_id, frame_stack=spec.frame_stack, num_threads=1
        )
        self._screen = None if render_mode is None else AtariScreen(sheet)
        self.render_mode = render_mode
        self.observation_space = self._envs.single_observation_space
        self.action_space = self._envs.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.uint8], dict[str, Any]]:
        """Begin an episode: the observation, uint8 (42, 42, frames), and no infos."""
        super().reset(seed=seed)
        chosen = int(self.np_random.integers(2**63))
        obs, _ = self._envs.reset(seed=chosen)
        if self._screen is not None:
            self._screen.start(reset_seed(chosen, 0, 0))
        return obs[0].copy(), {}

    def step(self, action: np.int64) -> tuple[npt.NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Observation, true reward, False, whether the episode is as long as it may be, and no infos."""
        obs, rewards, _, truncated, infos = self._envs.step(np.array([action]))
        if self._screen is not None:
            self._screen.step(int(action))
        seen = infos["final_obs"] if truncated[0] else obs
        return seen[0].copy(), float(rewards[0]), False, bool(truncated[0]), {}

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The screen, RGB of shape (420, 320, 3); None without a render mode."""
        return None if self._screen is None else self._screen.picture()

    def close(self) -> None:
        """Free the emulators."""
        self._envs.close()
        if self._screen is not None:
            self._screen.close()

"""Corridor: an environment of Gymnasium's whose reward and infos are a canary, which no agent may see."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

CANARY = 1e6
"""True rewards lie within 100 of it, and nothing else is nearly as large."""


class Corridor(gymnasium.Env[Any, Any]):
    """A number that is pushed; the episode ends where it leaves [-3, 3], and is cut after `limit` steps."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}

    def __init__(self, *, discrete: bool = True, limit: int = 12, goals: bool = False) -> None:
        box = spaces.Box(-100.0, 100.0, (2,), np.float32)
        self.observation_space = spaces.Dict({"goal": spaces.Discrete(2), "place": box}) if goals else box
        self.action_space = spaces.Discrete(3, start=1) if discrete else spaces.Box(-2.0, 2.0, (1,), np.float32)
        self.render_mode = "rgb_array"
        self._discrete, self._limit, self._goals, self._place, self._step = discrete, limit, goals, 0.0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._place, self._step = float(self.np_random.uniform(-1, 1)), 0
        return self._look(), self._tell()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), action
        self._place += 0.9 * (float(action) - 2.0 if self._discrete else float(action[0]))
        self._step += 1
        is_out = abs(self._place) > 3
        return self._look(), CANARY + self._place, is_out, self._step >= self._limit and not is_out, self._tell()

    def render(self) -> np.ndarray:
        return np.full((32, 32, 3), 128, np.uint8)

    def _look(self) -> Any:
        place = np.array([self._place, self._step], np.float32)
        return {"goal": np.int64(self._step % 2), "place": place} if self._goals else place

    def _tell(self) -> dict[str, Any]:
        reward = CANARY + self._place
        return {
            "reward_forward": reward, "row": np.array([reward, 0.0]), "text": f"{reward}", "deep": {"reward": reward},
            "action_mask": np.ones(3, np.int8), "harmless": 7.0,
        }  # fmt: skip


def corridors(num_envs: int, mode: AutoresetMode, *, copy: bool = True, wrap: Callable[..., Any] | None = None,
              **others: Any) -> SyncVectorEnv[Any, Any]:  # fmt: skip
    """Side by side; `wrap` goes around each."""

    def make() -> gymnasium.Env[Any, Any]:
        env: gymnasium.Env[Any, Any] = Corridor(**others)
        return env if wrap is None else wrap(env)

    return SyncVectorEnv([make] * num_envs, copy=copy, autoreset_mode=mode)


def canaries(found: Any) -> list[Any]:
    """Everything in it that tells the canary."""
    if isinstance(found, dict):
        return [one for part in (*found, *found.values()) for one in canaries(part)]
    if isinstance(found, list | tuple) or (isinstance(found, np.ndarray) and found.dtype == object):
        return [one for part in found for one in canaries(part)]
    if isinstance(found, str):
        return [found] if any(word in found for word in ("999", "1000")) else []
    if found is None:
        return []
    return [found] if (np.abs(np.asarray(found, np.float64)) > CANARY / 10).any() else []

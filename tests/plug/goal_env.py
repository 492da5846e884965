"""Environments for tests of integrations: one with goals, and one whose rewards and infos are a canary."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

CANARY = 12345.0


def _box(size: int) -> spaces.Box:
    return spaces.Box(-2.0, 2.0, (size,), np.float32)


class Reach(gymnasium.Env[Any, Any]):
    """Move a point to a goal. `compute_reward` is the canary: nothing that learns may see it."""

    metadata: dict[str, Any] = {"render_modes": []}
    observation_space = spaces.Dict(observation=_box(2), achieved_goal=_box(2), desired_goal=_box(2))
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.goal = self.np_random.uniform(-1, 1, (2, 2)).astype(np.float32)
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        self.place = np.clip(self.place + 0.1 * np.asarray(action, np.float32), -2, 2)
        return self._seen(), -float(np.linalg.norm(self.place - self.goal)), False, False, {"is_success": CANARY}

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return np.full(len(achieved), CANARY, np.float32)

    def _seen(self) -> dict[str, np.ndarray]:
        return {"observation": self.place.copy(), "achieved_goal": self.place.copy(), "desired_goal": self.goal.copy()}


class Telltale(gymnasium.Env[Any, Any]):
    """Reward and all infos are the canary, whose sign the oracle goes by; an episode ends where it strays too far."""

    metadata: dict[str, Any] = {"render_modes": [], "render_fps": 10}
    observation_space = spaces.Box(-10.0, 10.0, (2,), np.float32)

    def __init__(self, is_discrete: bool = False) -> None:
        self.action_space: spaces.Space[Any] = (
            spaces.Discrete(3, start=0) if is_discrete else spaces.Box(-2.0, 2.0, (1,), np.float32)
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.seen, self.steps = self.np_random.uniform(-1, 1, 2).astype(np.float32), 0
        return self.seen.copy(), {"canary": CANARY}

    def step(self, action: Any) -> Any:
        self.seen[0] += 0.2 * float(np.ravel(action)[0]) - (
            0.2 if isinstance(self.action_space, spaces.Discrete) else 0
        )
        self.seen[1] = self.np_random.uniform(-1, 1)
        self.steps += 1
        reward = CANARY if self.seen[0] > 0 else -CANARY
        infos = {"reward_forward": reward, "nested": {"r": reward}, "action_mask": np.ones(3, bool)}
        return self.seen.copy(), reward, bool(abs(self.seen[0]) > 3), False, infos

    def action_masks(self) -> np.ndarray:
        return np.ones(3, bool)


def holds_canary(found: Any) -> bool:
    """Whether a number of it is the canary, or a sum of few; looks into containers, arrays and objects' dicts."""
    if isinstance(found, bool | str | bytes) or found is None:
        return False
    if isinstance(found, dict):
        return any(map(holds_canary, found.values()))
    if isinstance(found, list | tuple | set):
        return any(map(holds_canary, found))
    if isinstance(found, np.ndarray) and found.dtype == object:
        return any(map(holds_canary, found.ravel().tolist()))
    if isinstance(found, int | float | np.ndarray | np.generic):
        values = np.abs(np.asarray(found, np.float64))
        sums = np.isclose(values % CANARY, 0) | np.isclose(values % CANARY, CANARY)
        return bool((sums & (values >= CANARY * 0.99)).any())
    return False

"""Probe environments: so small that every value and every best action is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector.utils import batch_space

from rl_teacher.core.actions import ActionSpec, BoxActions, DiscreteActions

DISCOUNT = 0.5
BOX = BoxActions((-1.0,), (1.0,))
CHOICE = DiscreteActions(2, start=3)
Rule = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Probe:
    """One small world. An episode has a context of -1 or 1; an observation is (context, step), or hides either."""

    length: int
    reward: Rule
    """(context, step, action) -> reward; the action is a number in [-1, 1], -1 or 1 for choices."""
    shows_context: bool = False
    shows_step: bool = False
    truncates: bool = False
    """Ends by truncation, not by termination."""
    values: tuple[tuple[tuple[float, float], float], ...] = ()
    """Observation and its value under the best policy."""
    best: tuple[tuple[tuple[float, float], float], ...] = ()
    """Observation and the best action there."""


def of_target(target: Callable[[np.ndarray], np.ndarray]) -> Rule:
    """1 less the squared distance of the action from half the target's sign; for choices 1 or 0."""

    def reward(context: np.ndarray, step: np.ndarray, action: np.ndarray) -> np.ndarray:
        return 1.0 - np.square(action - 0.5 * target(context))

    return reward


PROBES = {
    "constant": Probe(1, lambda c, t, a: np.ones_like(a), values=(((0, 0), 1.0),)),
    "observation": Probe(1, lambda c, t, a: 3.0 * c, shows_context=True, values=(((1, 0), 3.0), ((-1, 0), -3.0))),
    "delayed": Probe(
        2, lambda c, t, a: (t == 1) * 2.0, shows_step=True, values=(((0, 0), 2.0 * DISCOUNT), ((0, 1), 2.0))
    ),
    # 1 + 1/2 + 1/4 + ... = 2, at every step alike
    "truncated loop": Probe(5, lambda c, t, a: np.ones_like(a), truncates=True, values=(((0, 0), 2.0),)),
    # 1 + 1/2 + 1/4 = 1.75, then 1.5, then 1
    "terminated": Probe(
        3,
        lambda c, t, a: np.ones_like(a),
        shows_step=True,
        values=(((0, 0), 1.75), ((0, 1), 1.5), ((0, 2), 1.0)),
    ),
    "action": Probe(1, of_target(np.ones_like), best=(((0, 0), 0.5),)),
    "action by observation": Probe(
        1, of_target(lambda context: context), shows_context=True, best=(((1, 0), 0.5), ((-1, 0), -0.5))
    ),
}


class ProbeEnvs:
    """Copies of a probe side by side; satisfies protocols.Envs. Its observations are a live buffer."""

    def __init__(self, probe: Probe, actions: ActionSpec, num_envs: int, seed: int = 0) -> None:
        self.num_envs = num_envs
        self.single_observation_space: Any = Box(-np.inf, np.inf, (2,), np.float32)
        self.single_action_space: Any = Box(-1.0, 1.0, (1,), np.float32) if actions == BOX else Discrete(2, start=3)
        self.observation_space: Any = batch_space(self.single_observation_space, num_envs)
        self.action_space: Any = batch_space(self.single_action_space, num_envs)
        self._probe = probe
        self._rng = np.random.default_rng(seed)
        self._step = np.zeros(num_envs, np.int64)
        self._context = np.zeros(num_envs)
        self._obs = np.zeros((num_envs, 2), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._begin(np.ones(self.num_envs, bool))
        return self._look(), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        number = actions[:, 0] if actions.ndim == 2 else 2.0 * (actions - CHOICE.start) - 1.0
        reward = np.asarray(self._probe.reward(self._context, self._step, number), np.float64)
        self._step += 1
        ended = self._step >= self._probe.length
        info = {"final_obs": self._look().copy()}
        self._begin(ended)
        no = np.zeros(self.num_envs, bool)
        terminated, truncated = (no, ended) if self._probe.truncates else (ended, no)
        return self._look(), reward, terminated, truncated, info

    def sim_state(self) -> np.ndarray:
        return np.stack([self._context, self._step], 1).astype(np.float64)

    def snapshot(self) -> dict[str, np.ndarray]:
        return {"step": self._step.copy(), "context": self._context.copy()}

    def restore(self, snapshot: dict[str, np.ndarray]) -> np.ndarray:
        self._step, self._context = snapshot["step"].copy(), snapshot["context"].copy()
        return self._look()

    def close(self) -> None:
        pass

    def _begin(self, where: np.ndarray) -> None:
        self._step[where] = 0
        self._context[where] = self._rng.choice([-1.0, 1.0], int(where.sum()))

    def _look(self) -> np.ndarray:
        self._obs[:, 0] = self._context * self._probe.shows_context
        self._obs[:, 1] = self._step * self._probe.shows_step
        return self._obs

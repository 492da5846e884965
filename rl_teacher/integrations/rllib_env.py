"""BlindEnv: an environment for RLlib's env runners that shows no reward, and sends home what became of each step.

It needs NumPy and Gymnasium alone, since it lives in other processes.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from rl_teacher.integrations.observations import Flattener

ROW = "rl_teacher"
"""Name of the info that goes home; the learner connector takes it out before anything else reads it."""
MakeEnv = Callable[[Mapping[str, Any]], gymnasium.Env[Any, Any]]
"""Makes one environment from RLlib's env_config."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is where in a row: six numbers, the action, the observation after the step; all exact as float64."""

    act_shape: tuple[int, ...]
    obs_shape: tuple[int, ...]

    def pack(self, head: Sequence[float], action: Any, obs: np.ndarray) -> np.ndarray:
        """A row."""
        given = np.zeros(math.prod(self.act_shape)) if action is None else np.ravel(action)
        return np.concatenate([head, given, np.ravel(obs)], dtype=np.float64)

    def unpack(self, rows: np.ndarray) -> "Rows":
        """Rows, (time, row), by what they hold."""
        first = NUM_HEAD + math.prod(self.act_shape)
        env, episode, step, true_reward, terminated, truncated = rows[:, :NUM_HEAD].T
        return Rows(
            env.astype(np.int64), episode.astype(np.int64), step.astype(np.int64), true_reward, terminated > 0,
            truncated > 0, rows[:, NUM_HEAD:first].reshape(len(rows), *self.act_shape),
            rows[:, first:].reshape(len(rows), *self.obs_shape),
        )  # fmt: skip


NUM_HEAD = 6


@dataclass(frozen=True, slots=True)
class Rows:
    """What rows hold, each with time as its first axis."""

    env: np.ndarray
    """A number that no other environment has."""
    episode: np.ndarray
    """Of the environment, from 0."""
    step: np.ndarray
    """Steps since the reset; 0 for the reset itself."""
    true_reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    env_action: np.ndarray
    """As the environment was given it."""
    next_obs: np.ndarray
    """As the environment gave it after the step."""


class BlindEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Rewards are 0, and infos are left out but for ROW and those that are asked for.

    What is learned from goes home in ROW, since what RLlib keeps of a step is not what the environment said: there
    actions are those of the policy before they are scaled, and observations may be normalized.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], name: str, keep_infos: Sequence[str]) -> None:
        super().__init__(env)
        self._flatten = Flattener(name, env.observation_space)
        self._layout = layout_of(env, self._flatten)
        self._kept = frozenset(keep_infos) - {ROW}
        self._number = int.from_bytes(os.urandom(6), "big")  # exact as float64
        self._episode, self._step = -1, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        obs, info = self.env.reset(seed=seed, options=options)
        self._episode, self._step = self._episode + 1, 0
        return obs, self._told(info, (0.0, False, False), None, obs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """A step that is worth 0."""
        obs, true_reward, terminated, truncated, info = self.env.step(action)
        self._step += 1
        outcome = (float(true_reward), bool(terminated), bool(truncated and not terminated))
        return obs, 0.0, bool(terminated), bool(truncated), self._told(info, outcome, action, obs)

    def _told(
        self, info: Mapping[str, Any], outcome: tuple[float, bool, bool], action: Any, obs: Any
    ) -> dict[str, Any]:
        row = self._layout.pack((self._number, self._episode, self._step, *outcome), action, self._flatten.one(obs))
        return {**{name: info[name] for name in self._kept & info.keys()}, ROW: row}


@dataclass(frozen=True, slots=True)
class MakeBlind:
    """What RLlib makes environments with; it can be sent to other processes."""

    make: str | MakeEnv
    name: str
    keep_infos: tuple[str, ...]

    def __call__(self, env_config: Mapping[str, Any]) -> BlindEnv:
        """One more environment."""
        return BlindEnv(made(self.make, env_config), self.name, self.keep_infos)


def made(make: str | MakeEnv, env_config: Mapping[str, Any]) -> gymnasium.Env[Any, Any]:
    """An environment, by its id or by a function of RLlib's env_config."""
    return gymnasium.make(make, **env_config) if isinstance(make, str) else make(env_config)


def layout_of(env: gymnasium.Env[Any, Any], flatten: Flattener) -> Layout:
    """How rows of an environment are laid out."""
    return Layout(tuple(env.action_space.shape or ()), tuple(flatten.space.shape or ()))

"""What is known of comparisons beside their rows: the environment and its spaces, and where they come from."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rl_teacher.errors import DataDamaged, DataRefused
from rl_teacher.rewards.portable_actions import DiscreteSpace, Space, space_as_json, space_from_json

SCHEMA = "rl-teacher/comparisons/1"
"""Its number is raised with every change of what the tables hold."""
MOST_NUMBERS = 100_000_000
"""Of an observation."""


@dataclass(frozen=True, slots=True)
class EnvFacts:
    """What must be known of an environment for its segments to be kept."""

    env_id: str
    obs_shape: tuple[int, ...]
    action: Space
    names: tuple[str, ...]
    fps: float | None
    is_fixed_horizon: bool


@dataclass(frozen=True, slots=True)
class DataAbout:
    """What all rows of a set of comparisons have in common."""

    env_id: str
    obs_shape: tuple[int, ...]
    obs_dtype: str
    """Of the observations as they are kept."""
    action: Space
    """Actions are kept as the environment is given them."""
    names: tuple[str, ...]
    """Of each number that a reward sees: those of the observation, then those of the action."""
    fps: float | None
    """Steps per second of a clip; None where nobody knows."""
    is_fixed_horizon: bool
    """Episodes end nowhere else than at their time limit."""
    shortest: int
    """Steps of the shortest segment."""
    longest: int
    has_next_obs: bool = False
    """Whether observations after each step are there: where episodes can end early."""
    has_true_reward: bool = False
    has_clips: bool = False
    origin: Mapping[str, str] = field(default_factory=dict)
    """`kind` and `name` of what they were read from, and the sha256 of its labels."""
    reward_settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the reward model of the run; empty: the defaults."""
    license: str = ""

    @property
    def num_obs(self) -> int:
        """Numbers of an observation."""
        return math.prod(self.obs_shape)

    @property
    def is_even(self) -> bool:
        """Whether all segments have the same number of steps."""
        return self.shortest == self.longest

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Of one action: no axis where it is a choice."""
        return () if isinstance(self.action, DiscreteSpace) else (self.action.size,)

    @property
    def action_dtype(self) -> str:
        """Of actions as they are kept."""
        return "int64" if isinstance(self.action, DiscreteSpace) else kept_dtype(self.action.dtype)

    @property
    def row_bytes(self) -> int:
        """Of a comparison of the longest segments, at most [byte]."""
        numbers = self.num_obs * (2 if self.has_next_obs else 1) * np.dtype(self.obs_dtype).itemsize
        return 2 * self.longest * (numbers + 8 * max(1, self.action.size) + 8)

    def without(self, *, true_reward: bool, clips: bool) -> "DataAbout":
        """The same where these are left out."""
        return dataclasses.replace(
            self, has_true_reward=self.has_true_reward and not true_reward, has_clips=self.has_clips and not clips
        )


def kept_dtype(dtype: str) -> str:
    """The dtype in which numbers of this one are kept: a table has no place for bytes that are true or false.

    >>> kept_dtype("bool"), kept_dtype("float32")
    ('uint8', 'float32')
    """
    return "uint8" if dtype == "bool" else dtype


def about_as_json(about: DataAbout) -> dict[str, Any]:
    """As JSON values, with the schema."""
    return {
        "schema": SCHEMA, "env_id": about.env_id,
        "observation": {"shape": list(about.obs_shape), "dtype": about.obs_dtype},
        "action": space_as_json(about.action), "names": list(about.names), "fps": about.fps,
        "fixed_horizon": about.is_fixed_horizon, "steps": [about.shortest, about.longest],
        "next_obs": about.has_next_obs, "true_reward": about.has_true_reward, "clips": about.has_clips,
        "origin": dict(about.origin), "reward": dict(about.reward_settings), "license": about.license,
    }  # fmt: skip


def about_from_json(values: Any, where: str) -> DataAbout:
    """What `about_as_json` gave.

    Args:
        values: from a file.
        where: which one, for errors.

    Raises:
        DataRefused: of another schema.
        DataDamaged: it is not what this program writes.
    """
    if not isinstance(values, dict) or not isinstance(values.get("schema"), str):
        raise DataDamaged(f"{where}: says no schema, expected {SCHEMA!r}. Export the data again.")
    if values["schema"] != SCHEMA:
        raise DataRefused(
            f"{where}: the schema {values['schema'][:60]!r}, expected {SCHEMA!r}. "
            "If it is of a newer version: pip install -U rl-teacher."
        )
    try:
        return _about(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataDamaged(f"{where}: {_told(error)}. Export the data again.") from error


def _told(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]


def _about(values: dict[str, Any]) -> DataAbout:
    seen, steps = values["observation"], values["steps"]
    _expect("names", values["names"], lambda x: isinstance(x, list) and all(isinstance(one, str) for one in x))
    _expect("steps", steps, lambda x: len(x) == 2 and all(type(one) is int and one >= 1 for one in x) and x[0] <= x[1])
    _expect("shape", seen["shape"], lambda x: isinstance(x, list) and all(type(one) is int and one >= 1 for one in x))
    _expect("size", math.prod(seen["shape"]), lambda x: x <= MOST_NUMBERS)
    _expect("dtype", seen["dtype"], lambda x: np.dtype(x).kind in "fiu")
    for key in ("fixed_horizon", "next_obs", "true_reward", "clips"):
        _expect(key, values[key], lambda x: isinstance(x, bool))
    for key in ("env_id", "license"):
        _expect(key, values[key], lambda x: isinstance(x, str))
    for key in ("origin", "reward"):
        _expect(key, values[key], lambda x: isinstance(x, dict))
    _expect("fps", values["fps"], lambda x: x is None or (type(x) in (int, float) and 0 < x < math.inf))
    return DataAbout(
        env_id=values["env_id"], obs_shape=tuple(seen["shape"]), obs_dtype=seen["dtype"],
        action=space_from_json(values["action"]), names=tuple(values["names"]), fps=values["fps"],
        is_fixed_horizon=values["fixed_horizon"], shortest=steps[0], longest=steps[1],
        has_next_obs=values["next_obs"], has_true_reward=values["true_reward"], has_clips=values["clips"],
        origin=values["origin"], reward_settings=values["reward"], license=values["license"],
    )  # fmt: skip


def _expect(key: str, value: Any, holds: Any) -> None:
    if not holds(value):
        raise ValueError(f"its {key!r} is {str(value)[:60]!r}")

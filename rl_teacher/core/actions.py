"""Action spaces in three units: what a policy draws, what an environment is given, what a reward model sees."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num, Shaped

from rl_teacher.core.distributions import Categorical, Distribution, Gaussian


@dataclass(frozen=True, slots=True)
class BoxActions:
    """Vectors with bounds: the policy acts in units in which the bounds are -1 and 1."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    dtype: str = "float32"
    """Of the environment's actions: float32, float64, int64 and so on."""

    @property
    def size(self) -> int:
        """Entries of a reward model's action."""
        return len(self.low)

    @property
    def distribution(self) -> Distribution:
        """What a policy draws from."""
        return Gaussian(len(self.low))

    def clamp(self, action: Float[np.ndarray, "*batch act"]) -> Float[np.ndarray, "*batch act"]:
        """A policy's action as a reward model sees it: within +-1, or within the one bound there is."""
        scale = _scale(self.low, self.high, self.dtype)
        return np.asarray(np.clip(action, scale.least, scale.greatest), np.float32)

    def to_env(self, clamped: Float[np.ndarray, "*batch act"]) -> Shaped[np.ndarray, "*batch act"]:
        """A clamped action exactly as the environment is given it: in its units and its dtype, within its bounds.

        Whole numbers are rounded to. Clipping comes last, in the space's own dtype: middle and half width are rounded,
        so that their sum may lie beyond the bound, and 0.9 as float32 is more than 0.9 as float64.
        """
        scale = _scale(self.low, self.high, self.dtype)
        action = np.asarray(scale.middle + scale.half * clamped, np.float32).astype(scale.low.dtype)
        if scale.is_whole:
            action = np.rint(action)
        return np.asarray(np.clip(action, scale.low, scale.high).astype(self.dtype, copy=False))

    def from_env(self, env_action: Shaped[np.ndarray, "*batch act"]) -> Float[np.ndarray, "*batch act"]:
        """An action in the environment's units as a reward model sees it: the way back from `to_env`."""
        scale = _scale(self.low, self.high, self.dtype)
        half = np.where(scale.half > 0, scale.half, 1)  # bounds that leave no choice: every action is the middle
        return self.clamp((np.asarray(env_action, np.float32) - scale.middle) / half)


class _Scale(NamedTuple):
    """How a policy's units become the environment's."""

    least: Float[np.ndarray, " act"]
    """Bounds in the policy's units, float32."""
    greatest: Float[np.ndarray, " act"]
    middle: Float[np.ndarray, " act"]
    """In the environment's units, float32: 0 and 1 where a bound is missing."""
    half: Float[np.ndarray, " act"]
    low: Float[np.ndarray, " act"]
    """Bounds in the environment's units, in its dtype, or as float64 for whole numbers."""
    high: Float[np.ndarray, " act"]
    is_whole: bool


@lru_cache(maxsize=64)
def _scale(low: tuple[float, ...], high: tuple[float, ...], dtype: str) -> _Scale:
    """The same arrays for every step of an environment."""
    with np.errstate(over="ignore"):  # bounds beyond float32 are none to a policy
        least, greatest = np.array(low, np.float32), np.array(high, np.float32)
    bounded = np.isfinite(least) & np.isfinite(greatest)
    from_, to = np.where(bounded, least, -1), np.where(bounded, greatest, 1)
    is_whole = np.dtype(dtype).kind in "iub"
    exact = np.dtype(np.float64 if is_whole else dtype)
    limits = np.array(low, exact), np.array(high, exact)
    if is_whole:  # an infinite bound is the dtype's own; 2^63 - 1 as float64 would be one too many
        first, last = (0, 1) if np.dtype(dtype).kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        largest = float(last) if int(float(last)) <= last else float(np.nextafter(float(last), 0))
        limits = tuple(np.clip(bound, float(first), largest) for bound in limits)
    return _Scale(
        np.where(bounded, -1, least), np.where(bounded, 1, greatest), from_ / 2 + to / 2, to / 2 - from_ / 2,
        *limits, is_whole,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DiscreteActions:
    """One of `size` choices, numbered from `start`."""

    size: int
    start: int = 0

    @property
    def distribution(self) -> Distribution:
        """What a policy draws from."""
        return Categorical(self.size)

    def clamp(self, action: Num[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch act"]:
        """One-hot, as a reward model sees it."""
        return np.asarray(np.eye(self.size, dtype=np.float32)[np.asarray(action)])

    def to_env(self, clamped: Float[np.ndarray, "*batch act"]) -> Shaped[np.ndarray, "*batch"]:
        """The number of the choice, as the environment wants it."""
        return np.asarray(np.argmax(clamped, -1), np.int64) + self.start

    def from_env(self, env_action: Shaped[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch act"]:
        """The number of a choice as a reward model sees it: one-hot, the way back from `to_env`."""
        return self.clamp(np.asarray(env_action) - self.start)


ActionSpec = BoxActions | DiscreteActions

"""Action spaces in three units: what a policy draws, what an environment is given, what a reward model sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num, Shaped

from rl_teacher.core.distributions import Categorical, Distribution, Gaussian


@dataclass(frozen=True, slots=True)
class BoxActions:
    """Vectors with bounds: the policy acts in units in which the bounds are -1 and 1."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def size(self) -> int:
        """Entries of a reward model's action."""
        return len(self.low)

    @property
    def distribution(self) -> Distribution:
        """What a policy draws from."""
        return Gaussian(len(self.low))

    def clamp(self, action: Float[np.ndarray, "*batch act"]) -> Float[np.ndarray, "*batch act"]:
        """A policy's action as a reward model sees it, within +-1 where there are bounds."""
        bounded = np.isfinite(np.array(self.low) + np.array(self.high))
        limit = np.where(bounded, np.float32(1.0), np.float32(np.inf)).astype(np.float32)
        return np.clip(action, -limit, limit)

    def to_env(self, clamped: Float[np.ndarray, "*batch act"]) -> Float[np.ndarray, "*batch act"]:
        """A clamped action in the environment's units."""
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        bounded = np.isfinite(low + high)
        center = np.where(bounded, (low + high) / 2, np.float32(0.0)).astype(np.float32)
        half = np.where(bounded, (high - low) / 2, np.float32(1.0)).astype(np.float32)
        return center + half * clamped


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
        return np.eye(self.size, dtype=np.float32)[np.asarray(action)]

    def to_env(self, clamped: Float[np.ndarray, "*batch act"]) -> Shaped[np.ndarray, "*batch"]:
        """The number of the choice, as the environment wants it."""
        return np.argmax(clamped, -1).astype(np.int64) + self.start


ActionSpec = BoxActions | DiscreteActions

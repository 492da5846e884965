"""Action spaces in three units: what a policy draws, what an environment is given, what a reward model sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

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
        """A policy's action as a reward model sees it: within +-1, or within the one bound there is."""
        low, high, bounded = self._bounds()
        return np.asarray(np.clip(action, np.where(bounded, -1, low), np.where(bounded, 1, high)), np.float32)

    def to_env(self, clamped: Float[np.ndarray, "*batch act"]) -> Float[np.ndarray, "*batch act"]:
        """A clamped action in the environment's units."""
        low, high, bounded = self._bounds()
        low, high = np.where(bounded, low, -1), np.where(bounded, high, 1)
        return np.asarray((low / 2 + high / 2) + (high / 2 - low / 2) * clamped, np.float32)

    def from_env(self, env_action: Float[np.ndarray, "*batch act"]) -> Float[np.ndarray, "*batch act"]:
        """An action in the environment's units as a reward model sees it: the way back from `to_env`."""
        low, high, bounded = self._bounds()
        low, high = np.where(bounded, low, -1), np.where(bounded, high, 1)
        half = np.where(high > low, high / 2 - low / 2, 1)  # a bound that leaves no choice: every action is its middle
        return self.clamp((np.asarray(env_action, np.float32) - (low / 2 + high / 2)) / half)

    def _bounds(self) -> tuple[Float[np.ndarray, " act"], Float[np.ndarray, " act"], Bool[np.ndarray, " act"]]:
        """Low, high, and where both are finite."""
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        return low, high, np.isfinite(low) & np.isfinite(high)


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

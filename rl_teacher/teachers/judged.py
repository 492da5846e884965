"""What a teacher that answers by itself sees of a segment."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Shaped


@runtime_checkable
class JudgedSegment(Protocol):
    """A segment with its true rewards; `preferences/` hands out such things, nothing here makes them."""

    @property
    def obs(self) -> Shaped[np.ndarray, "step *obs"]:
        """Observations before normalization."""
        ...

    @property
    def actions(self) -> Shaped[np.ndarray, "step *act"]:
        """Actions as the environment got them."""
        ...

    @property
    def sim_state(self) -> Shaped[np.ndarray, "step state"]:
        """Simulator rows before each step."""
        ...

    @property
    def true_reward(self) -> Float[np.ndarray, " step"]:
        """The environment's reward of each step [reward]."""
        ...

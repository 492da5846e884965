"""Segment: a slice of one episode, which teachers compare. `core.arrays.Segments` holds many, one in a row."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num, Shaped


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment, or any other stretch of one episode; the arrays have an axis of steps."""

    obs: Num[np.ndarray, "step *obs"]
    """Observations before each step, not normalized."""
    reward_action: Float[np.ndarray, "step act"]
    """Actions as a reward model sees them: within ±1, or one-hot."""
    env_action: Shaped[np.ndarray, "step ..."]
    """Actions as the environment got them."""
    true_reward: Float[np.ndarray, " step"]
    """The environment's reward of each step [reward]."""
    sim_state: Shaped[np.ndarray, "step state"]
    """Simulator rows before each step: positions and velocities; no columns where there is no simulator."""
    env: int
    """Which of the environments side by side."""
    episode: int
    """Number of the episode in its environment, from 0."""
    start: int
    """Step of the episode at which it starts."""
    iteration: int
    """Of the policy that acted; negative: before training."""
    end: int = -1
    """Steps until its episode ended, the last one included: what follows stands still. -1 if it did not end."""
    next_obs: Num[np.ndarray, "step *obs"] | None = None
    """Observations after each step, where episodes can end early."""

    def __len__(self) -> int:
        return len(self.true_reward)

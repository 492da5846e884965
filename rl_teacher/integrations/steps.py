"""Steps of somebody's environments, as an integration hands them on."""

from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from rl_teacher.envs.finite import require_finite


class Outcome(NamedTuple):
    """What a step of environments side by side came to."""

    obs: Num[np.ndarray, "env *obs"]
    """What is acted on next: where an episode ended and the next began at once, its first observation."""
    next_obs: Num[np.ndarray, "env *obs"]
    """Where the step led: at the end of an episode its last observation."""
    true_reward: Float[np.ndarray, " env"]
    terminated: Bool[np.ndarray, " env"]
    truncated: Bool[np.ndarray, " env"]
    alive: Bool[np.ndarray, " env"] | None = None
    """Which environments made a step, and were not only reset; None for all."""
    sim_state: Float[np.ndarray, "env state"] | None = None
    """The simulator before the step, where it is known."""

    def require_finite(self, env_id: str, step: int) -> None:
        """Raise NotFinite where nothing could learn from what came; `step` says when it was."""
        for obs in (self.next_obs,) if self.obs is self.next_obs else (self.next_obs, self.obs):
            require_finite(obs, self.true_reward, env_id, step)


class Stepper(Protocol):
    """Somebody's environments, as far as the time before training needs them."""

    def reset(self) -> Num[np.ndarray, "env *obs"]:
        """Begin anew everywhere."""
        ...

    def step(self, env_action: Shaped[np.ndarray, "env ..."]) -> Outcome:
        """One step of all, with actions in the environment's units."""
        ...

"""RandomActor: acts at random, evenly over what an environment takes."""

import jax
import numpy as np
from jaxtyping import Array, Num, PRNGKeyArray

from rl_teacher.core.actions import ActionSpec


class RandomActor:
    """Uniform random actions within the bounds: what gathers the first segments by default."""

    def __init__(self, actions: ActionSpec) -> None:
        self._actions = actions

    def noise(self, key: PRNGKeyArray, num_steps: int, num_envs: int) -> Num[np.ndarray, "time env ..."]:
        """All actions of a rollout."""
        shape = (num_steps, num_envs)
        if self._actions.distribution.is_discrete:
            return np.asarray(jax.random.randint(key, shape, 0, self._actions.size))
        return np.asarray(jax.random.uniform(key, (*shape, self._actions.size), minval=-1.0, maxval=1.0))

    def act(self, obs: Array | np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The drawn action, whatever is seen."""
        return noise

    def mode(self, obs: Array | np.ndarray) -> np.ndarray:
        """A random policy has no best action: zeros."""
        discrete = self._actions.distribution.is_discrete
        return np.zeros(len(obs), np.int64) if discrete else np.zeros((len(obs), self._actions.size), np.float32)

"""RandomActor: acts at random, evenly over what an environment takes."""

import jax
import numpy as np
from jaxtyping import Array, Num, PRNGKeyArray

from rl_teacher.core.actions import ActionSpec


class RandomActor:
    """Uniform random actions within the bounds: what gathers the first segments by default.

    Args:
        actions: what they are.
        hold_steps: how long every second environment repeats an action on average [steps]. Who acts anew at each step
            hardly gets anywhere: of 64 mountain cars none reaches its goal in 1,000 steps, while 100 do that repeat
            each action 15 times on average.

    Source: Dabney, Ostrovski & Barreto 2020, Temporally-Extended Epsilon-Greedy Exploration, arXiv:2006.01782.
    """

    def __init__(self, actions: ActionSpec, hold_steps: float = 1.0) -> None:
        self._actions, self._hold_steps = actions, hold_steps

    def noise(self, key: PRNGKeyArray, num_steps: int, num_envs: int) -> Num[np.ndarray, "time env ..."]:
        """All actions of a rollout."""
        shape = (num_steps, num_envs)
        if self._actions.distribution.is_discrete:
            drawn = np.asarray(jax.random.randint(key, shape, 0, self._actions.size))
        else:
            drawn = np.asarray(jax.random.uniform(key, (*shape, self._actions.size), minval=-1.0, maxval=1.0))
        return drawn if self._hold_steps <= 1 else self._held(drawn, key)

    def _held(self, drawn: np.ndarray, key: PRNGKeyArray) -> np.ndarray:
        """The same, but every second environment repeats what it does, for a geometrically distributed time."""
        is_new = np.asarray(jax.random.bernoulli(jax.random.fold_in(key, 1), 1 / self._hold_steps, drawn.shape[:2]))
        is_new = is_new | (np.arange(drawn.shape[1]) % 2 == 0)
        step = np.where(is_new, np.arange(len(drawn))[:, None], 0)
        return drawn[np.maximum.accumulate(step, axis=0), np.arange(drawn.shape[1])]

    def act(self, obs: Array | np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The drawn action, whatever is seen."""
        return noise

    def mode(self, obs: Array | np.ndarray) -> np.ndarray:
        """A random policy has no best action: zeros."""
        discrete = self._actions.distribution.is_discrete
        return np.zeros(len(obs), np.int64) if discrete else np.zeros((len(obs), self._actions.size), np.float32)

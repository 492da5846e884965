"""Evaluating a policy: whole episodes with the most likely action."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from rl_teacher.core.actions import ActionSpec
from rl_teacher.protocols import Envs

STEPS_WITHOUT_LIMIT = 1000
"""Of an episode that has no time limit: what it has brought by then is counted."""
MOST_STEPS = 10_000
"""Of any episode."""


def evaluate(
    envs: Envs,
    actions: ActionSpec,
    mode: Callable[[np.ndarray], np.ndarray],
    horizon: int | None,
    should_stop: Callable[[], bool],
) -> tuple[Float[np.ndarray, " env"], int | None] | None:
    """True return of one episode in each environment under the policy's most likely action.

    Args:
        envs: as many as episodes are wanted; they begin with a reset.
        actions: converts a policy's actions.
        mode: the policy's most likely action, for the observations of all environments.
        horizon: most steps of an episode; None: unlimited.
        should_stop: asked after every step.

    Returns:
        The returns, and after how many steps episodes were cut, None if all have ended. None if it should stop.
    """
    most = min(horizon or STEPS_WITHOUT_LIMIT, MOST_STEPS)
    obs, _ = envs.reset()
    returns, running = np.zeros(envs.num_envs), np.ones(envs.num_envs, bool)
    for _ in range(most):
        action = actions.to_env(actions.clamp(mode(obs)))
        obs, reward, terminated, truncated, _ = envs.step(action)
        returns += np.where(running, reward, 0.0)
        running &= ~(terminated | truncated)
        if not running.any():
            return returns, None
        if should_stop():
            return None
    return returns, most

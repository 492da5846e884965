"""Evaluating a policy: whole episodes with the most likely action."""

import numpy as np
from jaxtyping import Float

from rl_teacher.core.actions import ActionSpec
from rl_teacher.protocols import Actor, Envs

MAX_STEPS = 100_000
"""An episode that has not ended by then never will: it is counted as it stands."""


def evaluate(envs: Envs, actions: ActionSpec, actor: Actor) -> Float[np.ndarray, " env"]:
    """True return of one episode in each environment under the policy's most likely action."""
    obs, _ = envs.reset()
    returns, running = np.zeros(envs.num_envs), np.ones(envs.num_envs, bool)
    for _ in range(MAX_STEPS):
        action = actions.to_env(actions.clamp(actor.mode(obs)))
        obs, reward, terminated, truncated, _ = envs.step(action)
        returns += np.where(running, reward, 0.0)
        running &= ~(terminated | truncated)
        if not running.any():
            break
    return returns

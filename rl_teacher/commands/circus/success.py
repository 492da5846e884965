"""How well an agent does its trick: the act's measure over whole episodes, beside that of random actions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from rl_teacher.core.actions import ActionSpec
from rl_teacher.envs.catalog import make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.protocols import Actor

EPISODES = 32
SEED = 2_000_003
"""Of the episodes' starts, which no training has seen."""


class Success(NamedTuple):
    """Of one agent, in the act's unit."""

    mean: float
    """Over episodes of the policy's most likely actions."""
    spread: float
    """Standard deviation over these episodes."""
    random: float
    """Mean over as many episodes of random actions."""


def measure_success(
    spec: EnvSpec, actions: ActionSpec, actor: Actor, measure: Callable[[np.ndarray], float]
) -> Success:
    """The act's measure of an agent."""
    own = [measure(states) for states in episode_states(spec, actions, actor, EPISODES)]
    random = [measure(states) for states in episode_states(spec, actions, None, EPISODES)]
    return Success(float(np.mean(own)), float(np.std(own)), float(np.mean(random)))


def episode_states(
    spec: EnvSpec, actions: ActionSpec, actor: Actor | None, num: int
) -> Float[np.ndarray, "episode step state"]:
    """Simulator states of whole episodes of the most likely actions, or of random ones without an actor."""
    envs, generator = make_envs(spec, num, seed=SEED), np.random.default_rng(SEED)
    try:
        obs, _ = envs.reset()
        states = []
        for _ in range(spec.horizon or 1000):
            states.append(envs.sim_state().copy())
            if actor is None:
                action = generator.uniform(-1, 1, (num, actions.size))
            else:
                action = actions.clamp(actor.mode(obs))
            obs, *_ = envs.step(actions.to_env(np.asarray(action, np.float32)))
    finally:
        envs.close()
    return np.stack(states, 1)

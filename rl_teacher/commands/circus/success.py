"""How well an agent does its trick: the act's measure over whole episodes, beside that of random actions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from rl_teacher.core.actions import ActionSpec
from rl_teacher.envs.catalog import make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.protocols import Actor
from rl_teacher.rollouts.recorded_episodes import record_episodes

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
    own = [measure(states) for states in episode_states(spec, actions, actor.mode, EPISODES)]
    random = [
        measure(states) for states in episode_states(spec, actions, random_mode(EPISODES, actions.size), EPISODES)
    ]
    return Success(float(np.mean(own)), float(np.std(own)), float(np.mean(random)))


def episode_states(
    spec: EnvSpec, actions: ActionSpec, mode: Callable[[np.ndarray], np.ndarray], num: int
) -> Float[np.ndarray, "episode step state"]:
    """Simulator states of whole episodes, the same starts each time."""
    return record_episodes(make_envs(spec, num, seed=SEED), actions, mode, spec.horizon or 1000).states


def random_mode(num: int, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Random actions of `size` numbers for `num` episodes, the same each time."""
    generator = np.random.default_rng(SEED)
    return lambda obs: generator.uniform(-1, 1, (num, size)).astype(np.float32)

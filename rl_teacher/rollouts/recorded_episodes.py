"""Episodes as simulator states: what a film is drawn from, and what a trick is measured by."""

from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from rl_teacher.core.actions import ActionSpec
from rl_teacher.protocols import Envs


class RecordedEpisodes(NamedTuple):
    """Of several copies of an environment, from their starts on."""

    states: Float[np.ndarray, "episode step state"]
    """The simulator before each step."""
    true_rewards: Float[np.ndarray, "episode step"]


def record_episodes(
    envs: Envs, actions: ActionSpec, mode: Callable[[np.ndarray], np.ndarray], num_steps: int
) -> RecordedEpisodes:
    """Play an episode in each environment of a task from its start, and close them.

    Args:
        envs: fresh ones.
        actions: of the environments.
        mode: the action for the observations of all of them, as of a policy.
        num_steps: steps of each, at most a whole episode.
    """
    states, rewards = [], []
    with closing(envs):
        obs, _ = envs.reset()
        for _ in range(num_steps):
            states.append(envs.sim_state().copy())
            obs, reward, *_ = envs.step(actions.to_env(actions.clamp(mode(obs))))
            rewards.append(np.array(reward))
    return RecordedEpisodes(np.stack(states, 1), np.stack(rewards, 1))

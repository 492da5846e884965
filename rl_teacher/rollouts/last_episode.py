"""EpisodeFilm: what one environment did, collected across rollouts, to be drawn."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Num

from rl_teacher.core.arrays import Rollout


@dataclass(frozen=True, slots=True)
class Film:
    """An episode, or its end."""

    obs: Num[np.ndarray, "step *obs"]
    sim_state: Float64[np.ndarray, "step state"]
    env: int
    episode: int
    """Number of the episode in its environment."""
    start: int
    """Step of the episode at which the film starts."""
    iteration: int
    """In which the episode ended."""


class EpisodeFilm:
    """Follows environment 0; films are whole episodes, or their last `max_steps` steps."""

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps
        self._obs: list[Num[np.ndarray, "step *obs"]] = []
        self._states: list[Float64[np.ndarray, "step state"]] = []

    def add(self, rollout: Rollout, iteration: int) -> Film | None:
        """Follow one rollout: the newest episode that ended in it, if any did."""
        film, start = None, 0
        for end in map(int, np.flatnonzero(rollout.ended[:, 0])):
            self._take(rollout, start, end + 1)
            obs, states = (np.concatenate(parts)[-self._max_steps :] for parts in (self._obs, self._states))
            first = int(rollout.episode_step[end, 0]) + 1 - len(obs)
            film = Film(obs, states, 0, int(rollout.episode[end, 0]), first, iteration)
            self._obs, self._states, start = [], [], end + 1
        self._take(rollout, start, int(rollout.counted[:, 0].sum()))
        return film

    def _take(self, rollout: Rollout, start: int, end: int) -> None:
        self._obs.append(rollout.obs[start:end, 0].copy())
        self._states.append(rollout.sim_state[start:end, 0].copy())

"""ActionHistory: what environments were given in each episode, so that a segment of it can be played again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from rl_teacher.core.arrays import Rollout


@dataclass(frozen=True, slots=True)
class Recording:
    """An episode from its reset on."""

    seed: int
    """Given to reset."""
    actions: Shaped[np.ndarray, "step ..."]
    """As the vector environment was given them."""


class ActionHistory:
    """Actions of the newest rollouts, each from the start of its episodes on.

    Args:
        num_kept: rollouts of training that are remembered; those before training all are.
        reset_seed: (iteration, env, number of the episode) -> what the environment was reset with.
        numbers_go_on: whether episodes before training are numbered on from rollout to rollout; else `reset_seed` is
            asked of the first, second and so on of each.
    """

    def __init__(
        self, num_kept: int, reset_seed: Callable[[int, int, int], int], *, numbers_go_on: bool = False
    ) -> None:
        self._reset_seed, self._num_kept, self._numbers_go_on = reset_seed, num_kept, numbers_go_on
        self._kept: dict[int, dict[tuple[int, int], Recording]] = {}
        """Iteration -> (env, episode) -> the episode from step 0 on."""
        self._running: dict[tuple[int, int], Recording] = {}
        """The same of the episodes of training that are under way."""

    def add(self, rollout: Rollout, iteration: int) -> None:
        """Follow a rollout of training (iteration >= 0), or one that began with resets (iteration < 0)."""
        seen: dict[tuple[int, int], Recording] = {}
        for env in range(rollout.episode.shape[1]):
            counted = rollout.counted[:, env]
            base = int(rollout.episode[0, env]) if iteration < 0 and not self._numbers_go_on else 0
            for episode in map(int, np.unique(rollout.episode[counted, env])):
                rows = counted & (rollout.episode[:, env] == episode)
                first, key = int(rollout.episode_step[rows, env][0]), (env, episode)
                before = self._running.get(key) if first and iteration >= 0 else None
                actions = rollout.env_action[rows, env]
                if before is not None and len(before.actions) == first:
                    seen[key] = Recording(before.seed, np.concatenate([before.actions, actions]))
                elif not first:  # else its start was not seen, as after a resume
                    seen[key] = Recording(self._reset_seed(iteration, env, episode - base), actions.copy())
        if iteration >= 0:
            self._running = seen
        self._kept[iteration] = seen
        for old in [one for one in self._kept if one >= 0][: -self._num_kept]:
            del self._kept[old]

    def find(self, iteration: int, env: int, episode: int, num_steps: int) -> Recording | None:
        """The first `num_steps` steps of an episode; None if they are not known, or not any more."""
        found = self._kept.get(iteration, {}).get((env, episode))
        if found is None or len(found.actions) < num_steps:
            return None
        return Recording(found.seed, found.actions[:num_steps])

"""SpreadEnvs: one vector environment whose environments live with several workers."""

import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

from rl_teacher.envs.remote.parts import (
    Array,
    Arrays,
    Spaces,
    Standing,
    Stepped,
    join_snapshots,
    join_steps,
    ranges,
    split,
    split_snapshot,
)
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import WorkerLost


class Workers(Protocol):
    """Some EnvWorkers, wherever they are."""

    @property
    def num_workers(self) -> int:
        """How many, >= 1."""
        ...

    def new_set(self) -> int:
        """A number for another set of environments, which no set had before."""
        ...

    def ask(self, method: str, given: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a method of the first `len(given)` workers, all at once, each with its own arguments; their results.

        Raises:
            RlTeacherError: what the first of them raised that raised anything, or a worker is gone.
        """
        ...


class SpreadEnvs(VectorEnv[Array, Array, Array]):
    """`num_envs` copies of an environment, stepped by workers side by side; satisfies protocols.Envs.

    What an environment does depends on its number and not on who steps it, so everything is as it is with all of them
    in this process, to the last bit, with any number of workers; also a snapshot, which the environments of this
    process can be restored from, and the other way round. Each step goes to the workers and back: worth it where a step
    takes longer than that.
    """

    def __init__(self, workers: Workers, spec: EnvSpec, num_envs: int, *, seed: int, stagger: bool = False) -> None:
        """Make the environments; `reset` must follow.

        Args:
            workers: who steps them; they may have other sets of environments too.
            spec: from find_env.
            num_envs: how many, >= 1.
            seed: of all episodes, 0 to 2**64 - 1.
            stagger: see `make_envs`.

        Raises:
            RlTeacherError: what `make_envs` raises.
        """
        self._workers, self._set, self.env_id = workers, workers.new_set(), spec.env_id
        self._parts = ranges(num_envs, workers.num_workers)
        settings = [(spec, part, num_envs, seed, stagger) for part in self._parts]
        spaces: Spaces = self._ask("open", settings)[0]
        self.num_envs, self.metadata = num_envs, spaces.metadata
        self.single_observation_space, self.single_action_space = spaces.observation, spaces.action
        self.observation_space = batch_space(spaces.observation, num_envs)
        self.action_space = batch_space(spaces.action, num_envs)
        self._sim_state: npt.NDArray[np.float64] | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start a new episode everywhere; with `seed`, the episodes of that seed from the first on."""
        return self._at(self._ask("reset", [(seed,)] * len(self._parts))), {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Step every environment once: see protocols.Envs.

        Raises:
            EnvFault: an environment did what it must not do.
            WorkerLost: a worker is gone.
        """
        rows = split(np.asarray(actions), self._parts)
        stepped: Stepped = join_steps(self._ask("step", [(part,) for part in rows]))
        self._sim_state = stepped.sim_state
        ended = stepped.terminations | stepped.truncations
        infos = {} if stepped.final_obs is None else {"final_obs": stepped.final_obs, "_final_obs": ended}
        return stepped.obs, stepped.rewards, stepped.terminations, stepped.truncations, infos

    def sim_state(self) -> npt.NDArray[np.float64]:
        """[qpos, qvel] of every environment now, (num_envs, nq + nv)."""
        if self._sim_state is None:
            raise ResetNeeded(f"env '{self.env_id}': sim_state() before reset(). Call reset() first.")
        return self._sim_state

    def snapshot(self) -> Arrays:
        """What `restore` goes on from, with these workers, others or none."""
        return join_snapshots(self._ask("snapshot", [()] * len(self._parts)))

    def restore(self, snapshot: Arrays) -> Array:
        """Go on from a snapshot; its observations.

        Raises:
            CheckpointError: it is of another environment or another number of environments.
        """
        parts = split_snapshot(snapshot, self._parts, self.env_id)
        standing: list[Standing] = self._ask("restore", [(part,) for part in parts])
        for message in (message for one in standing for message in one.warnings):
            warnings.warn(message, stacklevel=2)
        return self._at(standing)

    def close_extras(self, **kwargs: Any) -> None:
        """Have the workers free the environments."""
        with suppress(WorkerLost):  # who is gone has freed them
            self._ask("close", [()] * len(self._parts))

    def _ask(self, method: str, given: Sequence[tuple[Any, ...]]) -> list[Any]:
        return self._workers.ask(method, [(self._set, *one) for one in given])

    def _at(self, standing: Sequence[Standing]) -> Array:
        """The observations of all; keeps their states."""
        self._sim_state = np.concatenate([one.sim_state for one in standing])
        return np.concatenate([one.obs for one in standing])

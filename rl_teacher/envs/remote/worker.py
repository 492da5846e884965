"""EnvWorker: some environments of each set that a run has, in a process of their own."""

import signal
import threading
import warnings
from typing import Any

import numpy as np

from rl_teacher.envs.catalog import make_envs
from rl_teacher.envs.remote.parts import Array, Arrays, Spaces, Standing, Stepped
from rl_teacher.envs.spec import EnvSpec


class EnvWorker:
    """Steps its part of every set of environments; a set has a number, the same for all workers of a run."""

    def __init__(self) -> None:
        self._sets: dict[int, Any] = {}

    def ignore_interrupts(self) -> None:
        """Go on at Ctrl-C, which a terminal sends to all of its processes: the run ends this one when it is done."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def open(self, number: int, spec: EnvSpec, numbers: range, total: int, seed: int, stagger: bool) -> Spaces:
        """Make the environments `numbers` of a set of `total`; `reset` or `restore` must follow.

        Raises:
            RlTeacherError: what `make_envs` raises.
        """
        envs = make_envs(
            spec, len(numbers), seed=seed, num_threads=1, stagger=stagger, first_env=numbers.start, total_envs=total
        )
        self._sets[number] = envs
        return Spaces(envs.single_observation_space, envs.single_action_space, dict(getattr(envs, "metadata", {})))

    def reset(self, number: int, seed: int | None) -> Standing:
        """Begin new episodes."""
        obs, _ = self._sets[number].reset(seed=seed)
        return Standing(obs.copy(), np.array(self._sets[number].sim_state()))

    def step(self, number: int, actions: Array) -> Stepped:
        """Step once.

        Raises:
            EnvFault: an environment did what it must not do.
        """
        envs = self._sets[number]
        obs, rewards, terminations, truncations, infos = envs.step(actions)
        final_obs = infos.get("final_obs")
        return Stepped(
            obs.copy(), rewards.copy(), terminations.copy(), truncations.copy(),
            None if final_obs is None else np.array(final_obs), np.array(envs.sim_state()),
        )  # fmt: skip

    def snapshot(self, number: int) -> Arrays:
        """Everything needed to go on bit for bit."""
        found: Arrays = self._sets[number].snapshot()
        return found

    def restore(self, number: int, snapshot: Arrays) -> Standing:
        """Go on from a snapshot.

        Raises:
            CheckpointError: it is of another environment.
        """
        envs = self._sets[number]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            obs = envs.restore(snapshot)
        told = tuple(str(one.message) for one in caught if issubclass(one.category, UserWarning))
        return Standing(obs.copy(), np.array(envs.sim_state()), told)

    def close(self, number: int) -> None:
        """Free the environments of a set."""
        envs = self._sets.pop(number, None)
        if envs is not None:
            envs.close()

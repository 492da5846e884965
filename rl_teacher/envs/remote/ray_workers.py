"""RayWorkers: EnvWorkers as actors of Ray, one processor each."""

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from rl_teacher.envs.remote.connection import connected, line_of, started
from rl_teacher.envs.remote.worker import EnvWorker
from rl_teacher.errors import ConfigError, RlTeacherError, WorkerLost

FLAG = "--rollout_workers"
START_S = 300.0
"""The longest wait for processors of a cluster that others use too [s]."""


class RayWorkers:
    """Satisfies envs.remote.spread.Workers. Nothing of it stays behind when it is closed, or when this process ends."""

    def __init__(self, num_workers: int, address: str) -> None:
        """Start them.

        Args:
            num_workers: how many, >= 1.
            address: of a cluster, see `connected`; empty: Ray is started on this machine, for this process alone.

        Raises:
            MissingExtra: Ray is not installed.
            ConfigError: no cluster answers there, or it has too few processors.
        """
        self.num_workers = num_workers
        self._sets = itertools.count()
        with ExitStack() as stack:
            stack.enter_context(connected(address, "--on") if address else started(num_workers, FLAG))
            self._actors = self._start()
            self._stack = stack.pop_all()

    def new_set(self) -> int:
        """A number for another set of environments."""
        return next(self._sets)

    def ask(self, method: str, given: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a method of the first `len(given)` workers, all at once; their results.

        Raises:
            RlTeacherError: what the first of them raised that raised anything.
            WorkerLost: a worker is gone, or cannot be reached.
        """
        import ray

        asked = [getattr(actor, method).remote(*one) for actor, one in zip(self._actors, given, strict=False)]
        found = []
        for worker, one in enumerate(asked):
            try:
                found.append(ray.get(one))
            except ray.exceptions.RayTaskError as error:
                cause = error.cause
                raise (cause if isinstance(cause, RlTeacherError) else self._lost(worker, error)) from None
            except ray.exceptions.RayError as error:
                raise self._lost(worker, error) from None
        return found

    def close(self) -> None:
        """End all workers, and the cluster, if it was started here."""
        import ray

        for actor in self._actors:
            ray.kill(actor)
        self._actors = []
        self._stack.close()

    def _start(self) -> list[Any]:
        import ray

        cpus = int(ray.cluster_resources().get("CPU", 0))
        if cpus < self.num_workers:
            raise ConfigError(
                f"{FLAG}: got {self.num_workers}, expected at most the {cpus} processors of the cluster. Take fewer, "
                "or add nodes (docs/cluster.md)."
            )
        actor = ray.remote(num_cpus=1, max_restarts=0)(EnvWorker)
        actors = [actor.remote() for _ in range(self.num_workers)]
        began = [one.ignore_interrupts.remote() for one in actors]
        try:
            ray.get(began, timeout=START_S)
        except ray.exceptions.GetTimeoutError:
            raise ConfigError(
                f"{FLAG}: got {self.num_workers}, for which the cluster had no free processors in {START_S:g} s. Take "
                "fewer, or try again when others are done."
            ) from None
        except ray.exceptions.RayError as error:
            raise ConfigError(f"{FLAG}: a worker did not start: {line_of(error)}") from None
        return actors

    def _lost(self, worker: int, error: Exception) -> WorkerLost:
        return WorkerLost(
            f"rollout worker {worker + 1} of {self.num_workers} is gone ({line_of(error)}). Nothing before the last "
            "checkpoint was lost: run the same command with --resume."
        )

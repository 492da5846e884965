"""Cells as tasks of a Ray cluster: each is the same training in a process of a node, and only its row comes back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rl_teacher.commands.bench.cells import Cell, Row
from rl_teacher.commands.bench.runner import FailedCell, LocalJob
from rl_teacher.envs.remote.connection import connected, line_of

RETRIES = 2
"""So often a cell begins anew because its node died; not because its training failed."""
THREADS = "OMP_NUM_THREADS"
"""Ray sets it to 1 in its tasks; a training has it as the driver has, so that its arithmetic is the same."""


@contextmanager
def cluster(address: str) -> Iterator["Cluster"]:
    """A Ray cluster that runs already, left as it was at the end.

    Args:
        address: see `connected`.

    Raises:
        MissingExtra: Ray is not installed.
        ConfigError: no cluster answers there.
    """
    with connected(address, "--on"):
        yield Cluster()


class Cluster:
    """Starts cells; as many go on at once as there are processors, and the others wait in Ray's queue."""

    def __init__(self) -> None:
        import ray

        self._train = ray.remote(num_cpus=1, max_retries=RETRIES)(train)

    def start(self, cell: Cell, flags: tuple[str, ...]) -> "RayJob":
        """Queue a training."""
        return RayJob(cell, self._train.remote(cell, flags, os.environ.get(THREADS)))


def train(cell: Cell, flags: tuple[str, ...], threads: str | None) -> Row | str:
    """On a node: the row of a training, or the last line of what it said in its place."""
    environment = {name: value for name, value in os.environ.items() if name != THREADS}
    job = LocalJob(cell, flags, environment if threads is None else environment | {THREADS: threads})
    try:
        job.process.wait()
        return job.row()
    except FailedCell as error:
        return str(error)
    finally:
        job.close()


class RayJob:
    """One training that waits or goes on somewhere in the cluster."""

    def __init__(self, cell: Cell, task: Any) -> None:
        self.cell, self._task = cell, task

    def is_over(self) -> bool:
        """Whether it has ended, or cannot end any more."""
        import ray

        return bool(ray.wait([self._task], timeout=0)[0])

    def row(self) -> Row:
        """What came out.

        Raises:
            FailedCell: nothing did.
        """
        import ray

        try:
            found = ray.get(self._task)
        except ray.exceptions.RayError as error:
            raise FailedCell(line_of(error)) from error
        if isinstance(found, str):
            raise FailedCell(found)
        return found  # type: ignore[no-any-return]

    def close(self) -> None:
        """Stop it if it goes on: the kernel ends a training when the process of its task ends."""
        import ray

        if not self.is_over():
            ray.cancel(self._task, force=True)

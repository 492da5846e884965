"""Refuse a snapshot that was taken of something else."""

from typing import Any

import numpy.typing as npt

from rl_teacher.errors import CheckpointError


def check_snapshot(got: dict[str, npt.NDArray[Any]], expected: dict[str, npt.NDArray[Any]], env_id: str) -> None:
    """Raise CheckpointError unless `got` has the arrays of `expected`, with the same shapes."""
    for name, array in expected.items():
        if name not in got:
            raise CheckpointError(f"env '{env_id}': the snapshot has no array '{name}', only {sorted(got)}.")
        if got[name].shape != array.shape:
            raise CheckpointError(
                f"env '{env_id}': '{name}' of the snapshot has shape {got[name].shape}, expected {array.shape}. "
                "Resume with the environment and the number of environments that the run was started with."
            )

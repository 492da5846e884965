"""Refuse a snapshot that was taken of something else."""

from collections.abc import Collection
from typing import Any

import numpy.typing as npt

from rl_teacher.errors import CheckpointError


def check_snapshot(
    got: dict[str, npt.NDArray[Any]],
    expected: dict[str, npt.NDArray[Any]],
    env_id: str,
    *,
    grows: Collection[str] = (),
) -> None:
    """Raise CheckpointError unless `got` has the arrays of `expected`, with the same shapes.

    Args:
        got: what should be restored.
        expected: a snapshot of what it should be restored into.
        env_id: named in the error.
        grows: names of arrays whose axis 1 may have any length.
    """
    for name, array in expected.items():
        if name not in got:
            raise CheckpointError(f"env '{env_id}': the snapshot has no array '{name}', only {sorted(got)}.")
        shape, wanted = got[name].shape, array.shape
        if name in grows:
            shape, wanted = shape[:1] + shape[2:], wanted[:1] + wanted[2:]
        if shape != wanted:
            raise CheckpointError(
                f"env '{env_id}': '{name}' of the snapshot has shape {got[name].shape}, expected {array.shape}. "
                "Resume with the environment and the number of environments that the run was started with."
            )

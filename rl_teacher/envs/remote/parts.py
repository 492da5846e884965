"""What workers return, and how their parts are joined and split: pure functions of arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt

from rl_teacher.errors import CheckpointError

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


class Spaces(NamedTuple):
    """What a vector environment says of itself."""

    observation: gymnasium.Space[Any]
    """Of one environment."""
    action: gymnasium.Space[Any]
    metadata: dict[str, Any]


class Standing(NamedTuple):
    """Where environments are."""

    obs: Array
    """(num_envs, *obs)"""
    sim_state: npt.NDArray[np.float64]
    """(num_envs, nq + nv)"""
    warnings: tuple[str, ...] = ()
    """What was warned of on the way."""


class Stepped(NamedTuple):
    """What one step of environments gave."""

    obs: Array
    """(num_envs, *obs)"""
    rewards: Array
    terminations: Array
    truncations: Array
    final_obs: Array | None
    """Like `obs`, before the resets; None where no episode ended."""
    sim_state: npt.NDArray[np.float64]
    """After the step, (num_envs, nq + nv)."""


def ranges(num_envs: int, num_workers: int) -> list[range]:
    """The numbers of the environments of each worker: neighbors, as evenly as can be; no worker has none.

    >>> ranges(7, 3)
    [range(0, 3), range(3, 5), range(5, 7)]
    >>> ranges(2, 3)
    [range(0, 1), range(1, 2)]
    """
    num = min(num_workers, num_envs)
    ends = np.cumsum([num_envs // num + (worker < num_envs % num) for worker in range(num)]).tolist()
    return [range(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def split(rows: Array, parts: Sequence[range]) -> list[Array]:
    """The rows (env, ...) of each worker."""
    return [rows[part.start : part.stop] for part in parts]


def join_steps(stepped: Sequence[Stepped]) -> Stepped:
    """One step of all; `final_obs` is zero where a worker had no episode that ended."""
    final_obs = None
    if any(one.final_obs is not None for one in stepped):
        final_obs = np.concatenate(
            [np.zeros_like(one.obs) if one.final_obs is None else one.final_obs for one in stepped]
        )
    obs, rewards, terminations, truncations, sim_state = (
        np.concatenate([one[field] for one in stepped]) for field in (0, 1, 2, 3, 5)
    )
    return Stepped(obs, rewards, terminations, truncations, final_obs, sim_state)


def join_snapshots(snapshots: Sequence[Arrays]) -> Arrays:
    """One snapshot of all, as if one process had stepped them.

    Arrays without axes are the same for all environments. Those with more have an environment on axis 0; where axis 1
    differs in length, it is the time of an episode, and shorter ones are padded with zeros at the end.
    """
    return {name: _joined([snapshot[name] for snapshot in snapshots]) for name in snapshots[0]}


def split_snapshot(snapshot: Arrays, parts: Sequence[range], env_id: str) -> list[Arrays]:
    """The snapshot of each worker, of one that any number of workers gave, or none.

    Raises:
        CheckpointError: it is of another number of environments.
    """
    num_envs = parts[-1].stop
    for name, array in snapshot.items():
        if array.ndim and len(array) != num_envs:
            raise CheckpointError(
                f"env '{env_id}': '{name}' of the snapshot has shape {array.shape}, expected {num_envs} environments. "
                "Resume with the environment and the number of environments that the run was started with."
            )
    return [
        {name: array[part.start : part.stop] if array.ndim else array for name, array in snapshot.items()}
        for part in parts
    ]


def _joined(arrays: Sequence[Array]) -> Array:
    if not arrays[0].ndim:
        assert all(array == arrays[0] for array in arrays), "it counts, or seeds, all environments together"
        return arrays[0]
    if len({array.shape[1:] for array in arrays}) > 1:
        longest = max(array.shape[1] for array in arrays)
        arrays = [_padded(array, longest) for array in arrays]
    return np.concatenate(arrays)


def _padded(array: Array, length: int) -> Array:
    """With zeros at the end of axis 1."""
    padding = [(0, length - array.shape[axis] if axis == 1 else 0) for axis in range(array.ndim)]
    return np.pad(array, padding)

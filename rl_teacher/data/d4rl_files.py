"""HDF5 files as D4RL has them: all steps one behind the other, with `terminals` and `timeouts`."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.episodes import AnyArray, EpisodeSet
from rl_teacher.data.extras import load_h5py
from rl_teacher.data.flat_steps import FlatSteps, require_as_many
from rl_teacher.errors import DataDamaged
from rl_teacher.files import writing

NEEDED = ("observations", "actions", "rewards", "terminals")
STATES = ("infos/qpos", "infos/qvel")


def open_d4rl(path: Path) -> EpisodeSet:
    """The episodes of a file.

    Raises:
        DataDamaged: it cannot be read, or lacks what D4RL's files have.
        MissingExtra: h5py is not installed.
    """
    steps = read_d4rl(path)
    with opened(path) as file:
        has_timeouts = "timeouts" in file
    return EpisodeSet(
        str(path), "d4rl", "", steps.obs.shape[1:], None, len(steps), steps.episodes, has_truncations=has_timeouts
    )


def read_d4rl(path: Path) -> FlatSteps:
    """All steps of a file.

    Raises:
        DataDamaged: it cannot be read, or lacks what D4RL's files have.
    """
    with opened(path) as file:
        if missing := [name for name in NEEDED if name not in file]:
            raise DataDamaged(f"{path}: has no {', '.join(missing)}, expected HDF5 as D4RL writes it.")
        found = {name: _array(path, file, name) for name in (*NEEDED, "timeouts", "next_observations", *STATES)}
    known = {name: array for name, array in found.items() if array is not None}
    require_as_many(str(path), found)
    qpos, qvel = (found[name] for name in STATES)
    ended = np.asarray(known["terminals"]).reshape(-1).astype(bool)
    timeouts = found["timeouts"]
    return FlatSteps(
        obs=known["observations"], action=known["actions"], reward=known["rewards"].reshape(-1), terminated=ended,
        truncated=np.zeros_like(ended) if timeouts is None else timeouts.reshape(-1).astype(bool),
        next_obs=found["next_observations"],
        sim_state=None if qpos is None or qvel is None else np.concatenate([qpos, qvel], 1),
    )  # fmt: skip


@contextlib.contextmanager
def opened(path: Path, mode: str = "r") -> Iterator[Any]:
    """An HDF5 file.

    Raises:
        DataDamaged: it cannot be read as one.
    """
    h5py = load_h5py(f"{path.name}")
    try:
        file = h5py.File(path, mode)
    except (OSError, RuntimeError) as error:
        raise DataDamaged(f"{path}: cannot be read as HDF5 ({short(error)}). Get the file anew.") from error
    with file:
        yield file


def _array(path: Path, file: Any, name: str) -> AnyArray | None:
    if name not in file:
        return None
    try:
        array = np.asarray(file[name][()])
    except (OSError, RuntimeError, TypeError, AttributeError, KeyError, ValueError) as error:
        raise DataDamaged(f"{path}: {name} cannot be read ({short(error)}). Get the file anew.") from error
    if array.dtype.kind not in "fiub" or not array.ndim:
        raise DataDamaged(f"{path}: {name} is {array.dtype} of shape {array.shape}, expected numbers, a row a step.")
    return array


def short(error: Exception) -> str:
    """What went wrong, in a few words."""
    return " ".join(str(error).split())[:120]


def write_d4rl(path: Path, to: Path, rewards: AnyArray, origin: Mapping[str, Any], *, keep_reward: bool) -> None:
    """Write the same file with other rewards; everything else in it stays.

    Args:
        path: of the file, which is only read.
        to: of the new one, which is whole or not there.
        rewards: of all steps.
        origin: what the rewards come from, into the file's attribute `rl_teacher`.
        keep_reward: keep the environment's rewards as `infos/true_reward`.

    Raises:
        FolderUnwritable: no room, or no right to.
    """
    beside = to.with_name(f".{to.name}.part-{os.getpid()}")
    try:
        with writing(to, "--to"):
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, beside)
        with writing(to, "--to"), opened(beside, "r+") as file:
            if keep_reward:
                file.require_group("infos")["true_reward"] = file["rewards"][()]
            replace_rewards(file, "rewards", rewards)
            file.attrs["rl_teacher"] = json.dumps(origin, sort_keys=True)
        with writing(to, "--to"):
            beside.replace(to)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def replace_rewards(group: Any, name: str, rewards: AnyArray) -> None:
    """Write other rewards over an array of a file: in their place, so that the old ones are nowhere in it."""
    stored = group[name]
    if stored.dtype.kind == "f" and stored.shape == rewards.shape:
        stored[...] = rewards
        return
    stored[...] = np.zeros(stored.shape, stored.dtype)
    del group[name]
    group.create_dataset(name, data=rewards, chunks=True, maxshape=(None,))

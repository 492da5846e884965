"""Tables of transitions: Parquet with a row for each step."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.episodes import AnyArray, EpisodeSet
from rl_teacher.data.extras import load_pyarrow
from rl_teacher.data.flat_steps import FlatSteps, require_as_many
from rl_teacher.errors import DataDamaged, DataRefused
from rl_teacher.files import writing

COLUMNS = {
    "obs": ("observations", "observation", "obs"),
    "action": ("actions", "action"),
    "reward": ("rewards", "reward"),
    "terminated": ("terminations", "terminated", "terminals"),
    "truncated": ("truncations", "truncated", "timeouts"),
    "next_obs": ("next_observations", "next_observation", "next_obs"),
    "episode_id": ("episode_id", "episode"),
}
"""What a column may be called."""
NEEDED = ("obs", "action", "reward", "terminated")
WHAT = "a data set in Parquet"


def open_transitions(path: Path) -> EpisodeSet:
    """The episodes of a table.

    Raises:
        DataDamaged: it cannot be read, or a column is missing.
        MissingExtra: PyArrow is not installed.
    """
    steps = read_transitions(path)
    names = _opened(path).schema_arrow.names
    return EpisodeSet(
        str(path), "transitions", "", steps.obs.shape[1:], None, len(steps), steps.episodes,
        has_truncations=any(name in names for name in (*COLUMNS["truncated"], *COLUMNS["episode_id"])),
    )  # fmt: skip


def read_transitions(path: Path) -> FlatSteps:
    """All steps of a table.

    Raises:
        DataDamaged: it cannot be read, a column is missing, or rows differ in length.
    """
    with _opened(path) as file:
        names = _columns(path, file.schema_arrow.names)
        table = _read(path, lambda: file.read(columns=list(names.values())))
    found = {key: _numbers(path, table.column(name).combine_chunks(), name) for key, name in names.items()}
    require_as_many(str(path), found)
    flags = {key: found[key].reshape(-1).astype(bool) for key in ("terminated", "truncated") if key in found}
    return FlatSteps(
        obs=found["obs"].reshape(len(found["obs"]), -1), action=found["action"],
        reward=found["reward"].reshape(-1), terminated=flags["terminated"],
        truncated=flags.get("truncated", np.zeros_like(flags["terminated"])),
        next_obs=found["next_obs"].reshape(len(found["obs"]), -1) if "next_obs" in found else None,
        episode_id=found.get("episode_id"),
    )  # fmt: skip


def _columns(path: Path, names: list[str]) -> dict[str, str]:
    """What each of our columns is called in the file."""
    found = {key: [name for name in options if name in names] for key, options in COLUMNS.items()}
    for key in NEEDED:
        if not found[key]:
            raise DataDamaged(f"{path}: has no column {' or '.join(COLUMNS[key])}; it has {', '.join(names)[:200]}.")
    if twice := next((one for one in found.values() if len(one) > 1), None):
        raise DataRefused(f"{path}: has the columns {' and '.join(twice)}, expected one of them. Leave one out.")
    return {key: one[0] for key, one in found.items() if one}


def _numbers(path: Path, column: Any, name: str) -> AnyArray:
    """A column as an array, (row, number) where each row has a list."""
    types = load_pyarrow(WHAT).types
    if column.null_count:
        raise DataDamaged(f"{path}: {name} is missing in {column.null_count} rows. Leave them out.")
    is_list = types.is_list(column.type) or types.is_large_list(column.type) or types.is_fixed_size_list(column.type)
    flat = column.flatten() if is_list else column
    if flat.null_count:
        raise DataDamaged(f"{path}: {name} holds {flat.null_count} numbers that are missing. Leave their rows out.")
    kind = flat.type
    if name in COLUMNS["episode_id"] and (types.is_string(kind) or types.is_large_string(kind)):
        return np.asarray(flat.to_pylist())
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise DataDamaged(f"{path}: {name} is {column.type}, expected numbers, or a list of numbers in each row.")
    array = np.asarray(flat.to_numpy(zero_copy_only=False))
    if not is_list:
        return array
    lengths = np.unique(load_pyarrow(WHAT).compute.list_value_length(column).to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise DataDamaged(f"{path}: {name} has lists of {lengths[:5].tolist()} numbers, expected one length.")
    return array.reshape(len(column), -1)


def _opened(path: Path) -> Any:
    return _read(path, lambda: load_pyarrow(WHAT).parquet.ParquetFile(path))


def _read(path: Path, read: Any) -> Any:
    pa = load_pyarrow(WHAT)
    try:
        return read()
    except (pa.ArrowException, OSError) as error:
        told = " ".join(str(error).split())[:200].rstrip(".")
        raise DataDamaged(f"{path}: cannot be read as Parquet ({told}). Get the file anew.") from error


def write_transitions(path: Path, to: Path, rewards: AnyArray, origin: Mapping[str, Any], *, keep_reward: bool) -> None:
    """Write the same table with other rewards, row group by row group.

    Args:
        path: of the file, which is only read.
        to: of the new one, which is whole or not there.
        rewards: of all rows.
        origin: what the rewards come from, into the metadata under `rl_teacher`.
        keep_reward: keep the environment's rewards as the column `true_reward`.

    Raises:
        FolderUnwritable: no room, or no right to.
    """
    pa = load_pyarrow(WHAT)
    beside = to.with_name(f".{to.name}.part-{os.getpid()}")
    try:
        with writing(to, "--to"), _opened(path) as file:
            to.parent.mkdir(parents=True, exist_ok=True)
            name = _columns(path, file.schema_arrow.names)["reward"]
            schema = _schema(file.schema_arrow, name, origin, keep_reward)
            with pa.parquet.ParquetWriter(beside, schema, compression="zstd") as writer:
                at = 0
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group)
                    new = pa.array(rewards[at : at + table.num_rows], pa.float32())
                    at += table.num_rows
                    columns = [new if field.name == name else table.column(field.name) for field in file.schema_arrow]
                    columns += [table.column(name)] if keep_reward else []
                    writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            beside.replace(to)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _schema(found: Any, name: str, origin: Mapping[str, Any], keep_reward: bool) -> Any:
    pa = load_pyarrow(WHAT)
    index = found.get_field_index(name)
    schema = found.set(index, pa.field(name, pa.float32()))
    if keep_reward:
        schema = schema.append(pa.field("true_reward", found.field(index).type))
    told = {b"rl_teacher": json.dumps(origin, sort_keys=True).encode()}
    return schema.with_metadata((found.metadata or {}) | told)

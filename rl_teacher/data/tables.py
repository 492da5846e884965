"""Comparisons and labels as tables of Arrow; table_reader.py is the way back."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from rl_teacher.data.about import DataAbout, about_as_json
from rl_teacher.data.extras import load_pyarrow
from rl_teacher.data.rows import NO_END, Answer, AnyArray, Rows, Side, Verdict
from rl_teacher.records import ComparisonId, SegmentId

KEY = b"rl_teacher"
"""In the metadata of a Parquet file: what `about_as_json` gives."""
GROUP_BYTES = 16 * 2**20
MOST_IN_GROUP = 1000
"""Comparisons that are written, and read, at once."""
SIDES = ("left", "right")
WHOLE_NUMBERS = ("env_index", "episode", "start", "iteration")
CLIP_NAME = "clips/{}.mp4"

pyarrow = partial(load_pyarrow, "preference data as Parquet")


def rows_per_group(about: DataAbout) -> int:
    """Comparisons of a row group: as many as a few megabytes hold, so that reading takes little memory."""
    return max(1, min(MOST_IN_GROUP, GROUP_BYTES // about.row_bytes))


def comparisons_schema(about: DataAbout) -> Any:
    """The columns of the table of comparisons."""
    pa = pyarrow()

    def per_step(value: Any) -> Any:
        return pa.list_(value, about.longest) if about.is_even else pa.list_(value)

    obs = per_step(pa.list_(pa.from_numpy_dtype(np.dtype(about.obs_dtype)), about.num_obs))
    action = pa.from_numpy_dtype(np.dtype(about.action_dtype))
    action = per_step(pa.list_(action, about.action_shape[0]) if about.action_shape else action)
    columns = [(name, pa.string()) for name in ("id", "left_id", "right_id")]
    columns += [
        ("target", pa.float64()), ("preference", pa.string()), ("labeler", pa.string()), ("answered_at", pa.string()),
        ("rt_ms", pa.int64()), ("strength", pa.float64()), ("step", pa.int64()),
    ]  # fmt: skip
    for side in SIDES:
        columns += [(f"{side}_obs", obs), (f"{side}_action", action)]
        columns += [(f"{side}_next_obs", obs)] if about.has_next_obs else []
        columns += [(f"{side}_true_reward", per_step(pa.float64()))] if about.has_true_reward else []
        columns += [(f"{side}_clip", pa.string())] if about.has_clips else []
        columns += [(f"{side}_{name}", pa.int64()) for name in (*WHOLE_NUMBERS, "end")]
    return pa.schema(columns, metadata={KEY: json.dumps(about_as_json(about), sort_keys=True).encode()})


def labels_schema() -> Any:
    """The columns of the table of labels: every answer, not only the newest."""
    pa = pyarrow()
    return pa.schema([
        ("comparison", pa.string()), ("labeler", pa.string()), ("preference", pa.string()),
        ("answered_at", pa.string()), ("rt_ms", pa.int64()), ("strength", pa.float64()),
    ])  # fmt: skip


def comparisons_batch(
    about: DataAbout, rows: Rows, said: Mapping[ComparisonId, Verdict], clips: frozenset[SegmentId]
) -> Any:
    """Rows as a record batch; `clips` are the segments of which there is one."""
    pa = pyarrow()
    schema = comparisons_schema(about)
    found = [said.get(one) for one in rows.id]
    newest = [one.newest if one else None for one in found]
    columns: dict[str, Any] = {
        "id": list(rows.id), "left_id": list(rows.left.id), "right_id": list(rows.right.id), "step": rows.step,
        "target": [one.target if one else None for one in found],
        "preference": [str(one.preference) if one else None for one in newest],
    }  # fmt: skip
    for name in ("labeler", "answered_at", "rt_ms", "strength"):
        columns[name] = [getattr(one, name) if one else None for one in newest]
    for name, side in zip(SIDES, (rows.left, rows.right), strict=True):
        lists = {"obs": side.obs, "action": side.action}
        if about.has_next_obs and side.next_obs is not None:
            lists["next_obs"] = side.next_obs
        if about.has_true_reward and side.true_reward is not None:
            lists["true_reward"] = side.true_reward
        for key, array in lists.items():
            columns[f"{name}_{key}"] = _lists(array, schema.field(f"{name}_{key}").type, side)
        if about.has_clips:
            columns[f"{name}_clip"] = [CLIP_NAME.format(one) if one in clips else None for one in side.id]
        for key in WHOLE_NUMBERS:
            columns[f"{name}_{key}"] = getattr(side, key)
        columns[f"{name}_end"] = pa.array(side.end, pa.int64(), mask=side.end == NO_END)
    arrays = [
        columns[field.name] if isinstance(columns[field.name], pa.Array) else pa.array(columns[field.name], field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _lists(array: AnyArray, kind: Any, side: Side) -> Any:
    """Steps one behind the other as one list for each segment."""
    pa = pyarrow()
    inner = kind.value_type
    if pa.types.is_fixed_size_list(inner):
        flat = pa.array(np.ascontiguousarray(array).reshape(-1), inner.value_type)
        values = pa.FixedSizeListArray.from_arrays(flat, type=inner)
    else:
        values = pa.array(np.ascontiguousarray(array), inner)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(values, type=kind)
    return pa.ListArray.from_arrays(pa.array(side.bounds(), pa.int32()), values, type=kind)


def regrouped(batches: Iterable[Any], size: int) -> Iterator[Any]:
    """The same rows as tables of `size` rows each; the last one may have fewer."""
    pa = pyarrow()
    waiting: list[Any] = []
    num = 0
    for batch in batches:
        waiting.append(batch)
        num += batch.num_rows
        while num >= size:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, size).combine_chunks()
            waiting, num = table.slice(size).to_batches(), num - size
    if num:
        yield pa.Table.from_batches(waiting).combine_chunks()


def labels_table(answers: Sequence[Answer]) -> Any:
    """Answers as a table."""
    said = [{
        "comparison": one.comparison, "labeler": one.labeler,
        "preference": None if one.preference is None else str(one.preference),
        "answered_at": one.answered_at, "rt_ms": one.rt_ms, "strength": one.strength,
    } for one in answers]  # fmt: skip
    return pyarrow().Table.from_pylist(said, schema=labels_schema())

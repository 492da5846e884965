"""Comparisons for the library imitation: two folders of trajectories, and a file of preferences. No pickle."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.about import DataAbout
from rl_teacher.data.extras import load_pyarrow
from rl_teacher.data.rows import NO_END, Side, Source, verdicts
from rl_teacher.errors import DataMismatch
from rl_teacher.files import make_folder, write_json, writing

LEFT_FOLDER, RIGHT_FOLDER, PREFERENCES = "left", "right", "preferences.npy"
TABLE = "data-00000-of-00001.arrow"
FINGERPRINT = "rlteacherdata0000"
"""`datasets` wants one in its state; the same for the same bytes."""


def write_imitation(source: Source, to: Path, *, with_true_reward: bool) -> int:
    """Write the comparisons with a target into an empty folder; how many.

    Each of the two folders is one that `imitation.data.serialize.load` reads. Trajectories have an observation more
    than steps: what was observed after the last one, or, where nobody knows it, the one before it once more.

    Raises:
        DataMismatch: there is no comparison with a target, or no true reward though it was asked for.
    """
    about = source.about
    if with_true_reward and not about.has_true_reward:
        raise DataMismatch("--with-true-reward: this source has no true rewards. Leave the flag out.")
    said = {one: verdict.target for one, verdict in verdicts(source.answers).items() if verdict.target is not None}
    sides: list[list[dict[str, Any]]] = [[], []]
    targets: list[float] = []
    for rows in source.read():
        kept = [i for i, one in enumerate(rows.id) if one in said]
        targets += [said[rows.id[i]] for i in kept]
        for found, side in zip(sides, (rows.left, rows.right), strict=True):
            found += [_trajectory(about, side, i, with_true_reward) for i in kept]
    if not targets:
        raise DataMismatch("this source holds no comparison that can be trained on. Answer some first.")
    for name, found in zip((LEFT_FOLDER, RIGHT_FOLDER), sides, strict=True):
        _write_table(to / name, found, with_true_reward)
    with writing(to / PREFERENCES):
        np.save(to / PREFERENCES, np.array(targets, np.float32), allow_pickle=False)
    return len(targets)


def _trajectory(about: DataAbout, side: Side, row: int, with_true_reward: bool) -> dict[str, Any]:
    bounds = side.bounds()
    steps = slice(int(bounds[row]), int(bounds[row + 1]))
    obs = side.obs[steps]
    after = obs[-1:] if side.next_obs is None else side.next_obs[steps][-1:]
    every = np.concatenate([obs, after]).reshape(-1, *about.obs_shape)
    found = {
        "obs": every.tolist(), "acts": side.action[steps].tolist(), "infos": ["{}"] * len(obs),
        "terminal": bool(side.end[row] != NO_END),
    }  # fmt: skip
    if with_true_reward and side.true_reward is not None:
        found["rews"] = side.true_reward[steps].tolist()
    return found


def _write_table(folder: Path, rows: list[dict[str, Any]], with_true_reward: bool) -> None:
    """A folder as `datasets.Dataset.save_to_disk` leaves it."""
    pa = load_pyarrow("trajectories of imitation")
    make_folder(folder)
    table = pa.Table.from_pylist(rows)
    with (
        writing(folder / TABLE),
        pa.OSFile(str(folder / TABLE), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as writer,
    ):
        writer.write_table(table)
    write_json(folder / "dataset_info.json", {"citation": "", "description": "", "homepage": "", "license": ""})
    state: dict[str, Any] = {
        "_data_files": [{"filename": TABLE}], "_fingerprint": FINGERPRINT, "_format_columns": None,
        "_format_kwargs": {}, "_format_type": None, "_output_all_columns": False, "_split": None,
    }  # fmt: skip
    with writing(folder / "state.json"):
        (folder / "state.json").write_text(json.dumps(state, indent=1) + "\n")

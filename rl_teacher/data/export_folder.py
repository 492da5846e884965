"""A folder that `rl-teacher export` wrote on a feedback server, read for its comparisons."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rl_teacher.data.experiment_source import ClipFacts, Event, Experiment
from rl_teacher.data.rows import Answer
from rl_teacher.errors import DataDamaged, DataRefused
from rl_teacher.files import BOM, read_lines
from rl_teacher.records import Preference, SegmentId

MANIFEST = "manifest.json"
SCHEMA = 1
SAID = {"a": Preference.LEFT, "b": Preference.RIGHT, "tie": Preference.TIE, "cant_tell": Preference.CANT_TELL}
T = TypeVar("T")


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the folder says of the experiment: `slug`, `env_id`, `config`.

    Raises:
        DataDamaged: it cannot be read.
        DataRefused: it is of another version.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_bytes().removeprefix(BOM))
        schema, experiment = found["schema"], found["experiment"]
        told = {name: experiment[name] for name in ("slug", "env_id", "config")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataDamaged(f"{path}: cannot be read ({' '.join(str(error).split())[:120]}). Export it again.") from error
    if schema != SCHEMA:
        raise DataRefused(f"{path}: schema {str(schema)[:40]!r}, expected {SCHEMA}. Update: pip install -U rl-teacher.")
    return told


def read_export(folder: Path, reward_settings: Mapping[str, Any]) -> Experiment:
    """The experiment in a folder.

    Args:
        folder: with manifest.json.
        reward_settings: of its reward model, as JSON values.

    Raises:
        DataDamaged: a table cannot be read.
    """
    events = [one for one in _table(folder / "labels.jsonl", _event) if one is not None]
    clips = dict(_table(folder / "clips.jsonl", _clip))
    return Experiment(
        read_manifest(folder)["slug"], events, clips, lambda one: _file(folder / "arrays" / f"{one}.npz", one),
        lambda one: _file(folder / "clips" / f"{one}.mp4", one), reward_settings,
    )  # fmt: skip


def _clip(row: Mapping[str, Any]) -> tuple[SegmentId, ClipFacts]:
    return str(row["id"]), ClipFacts(int(row["step"]), dict(row["meta"]))


def _event(row: Mapping[str, Any]) -> Event | None:
    """A line of labels.jsonl; None for one that only checked somebody, or came too late."""
    if row["assignment_kind"] != "normal" or row["extra"]:
        return None
    said = row["preferred"]
    answer = Answer(
        row["comparison"], row["labeler"], None if said is None else SAID[said], row["at"], row["rt_ms"],
        row["strength"],
    )  # fmt: skip
    return Event(answer, row["a"], row["b"])


def _table(path: Path, read: Callable[[Mapping[str, Any]], T]) -> list[T]:
    if not path.is_file():
        raise DataDamaged(f"{path}: there is no such file. Export it again.")
    found = []
    for number, row in enumerate(read_lines(path), 1):
        try:
            found.append(read(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataDamaged(f"{path}, entry {number}: {error!r}: no row of an export. Export it again.") from error
    return found


def _file(path: Path, one: SegmentId) -> bytes:
    if Path(one).name != one:
        raise DataDamaged(f"segment {one[:60]!r}: no file can be named so. Export it again.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataDamaged(f"{path}: cannot be read ({error.strerror}). Export it again.") from error

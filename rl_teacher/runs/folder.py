"""The run folder: its name, its lock, and the files that are written once."""

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from rl_teacher.config import RunConfig, differences, to_json
from rl_teacher.errors import BadRunName, RunChanged, RunExists, RunMissing
from rl_teacher.files import write_whole
from rl_teacher.runs.run_lock import take_lock, unwritable

CONFIG, SUMMARY, METRICS, CHECKPOINT = "config.json", "summary.json", "metrics.jsonl", "checkpoint.npz"


def slug(name: str) -> str:
    """The folder name of a run, made as the seed made it.

    Characters other than word characters, space and hyphen are removed, the rest is lower-cased, and runs of
    spaces and hyphens become one hyphen.
    """
    if name != Path(name).name or name in {".", ".."} or "\\" in name or "\0" in name:
        raise BadRunName(f"-n/--name {name!r}: a name with a path in it would leave the runs folder. Use a plain name.")
    made = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", name).strip().lower()).strip("-")
    if not made:
        raise BadRunName(f"-n/--name {name!r}: nothing is left of it as a folder name. Use letters and digits.")
    return made


def refuse_taken(config: RunConfig) -> None:
    """Raise RunExists when the name is taken and the run is not resumed."""
    folder = Path(config.runs_dir).expanduser() / slug(config.name)
    if (folder / CONFIG).exists() and not config.resume:
        raise RunExists(
            f"{folder}: a run of this name exists. Choose another -n, "
            "or continue it with the same command and --resume."
        )


def open_run(config: RunConfig) -> tuple[Path, IO[str]]:
    """Create the folder of a new run, or open that of a resumed one; both locked against a second process.

    Returns:
        The folder, and the lock, to be held as long as the run.
    """
    refuse_taken(config)
    folder = Path(config.runs_dir).expanduser() / slug(config.name)
    written = folder / CONFIG
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    lock = take_lock(folder)
    if written.exists():
        changed = differences(read_json(written), json.loads(json.dumps(to_json(config))))
        if changed:
            lock.close()
            raise RunChanged(
                f"{folder}: --resume with other settings: {'; '.join(changed)}. Use those of the first start."
            )
    else:
        write_json(written, to_json(config))
    return folder, lock


def find_run(runs_dir: str, name: str) -> Path:
    """The folder of an existing run, by its name or by its path."""
    for folder in (Path(runs_dir).expanduser() / name, Path(runs_dir).expanduser() / slug(Path(name).name), Path(name)):
        if (folder / CONFIG).exists():
            return folder
    raise RunMissing(f"no run named {name!r} in {runs_dir}. `rl-teacher runs` lists what is there.")


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file whole: a reader sees the old one or the new one, also after a crash."""
    write_whole(path, (json.dumps(values, indent=1, sort_keys=True) + "\n").encode())


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as the bytes of an uncompressed .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    values: dict[str, Any] = json.loads(path.read_text())
    return values

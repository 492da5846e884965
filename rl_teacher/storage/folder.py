"""The run folder: its name, its lock, and the files that are written once."""

import json
from pathlib import Path
from typing import IO

from rl_teacher.config.run import RunConfig, differences, to_json
from rl_teacher.errors import RunChanged, RunExists, RunMissing
from rl_teacher.files import read_json, write_json
from rl_teacher.storage.lock import take_lock, unwritable
from rl_teacher.storage.names import CONFIG, slug


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

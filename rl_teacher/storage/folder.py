"""The run folder: its name, its lock, and the files that are written once."""

import json
from pathlib import Path
from typing import IO

from rl_teacher.config.run import RunConfig, to_json
from rl_teacher.config.upgrades import as_begun, read_begun, refuse_other, stamped
from rl_teacher.errors import RunExists, RunMissing
from rl_teacher.files import make_folder, read_json, require_writable, user_path, write_json
from rl_teacher.storage.lock import take_lock
from rl_teacher.storage.names import CONFIG, is_there, slug


def folder_of(config: RunConfig) -> Path:
    """Of a run, whether it is there or not."""
    return user_path(config.runs_dir) / slug(config.name)


def tb_folder_of(config: RunConfig) -> Path:
    """Where TensorBoard finds the run."""
    return user_path(config.tb_dir) / slug(config.name)


def refuse_taken(config: RunConfig) -> None:
    """Raise RunExists when the name is taken and the run is not resumed."""
    folder = folder_of(config)
    if is_there(folder / CONFIG) and not config.resume:
        raise RunExists(
            f"{folder}: a run of this name exists. Choose another -n, "
            "or continue it with the same command and --resume."
        )


def resumed_settings(config: RunConfig, given: RunConfig | None = None) -> tuple[RunConfig, list[str]]:
    """The settings that a run goes on with if it is resumed, as the version that began it had them; what to tell.

    Args:
        config: complete.
        given: before it was completed, where something was.
    """
    written = folder_of(config) / CONFIG
    if not config.resume or not is_there(written):
        return config, []
    return as_begun(config, read_begun(read_json(written)), given=given)


def require_folders(config: RunConfig) -> None:
    """Make sure that both folders of a run take files, before anything depends on it, here or on a server.

    Raises:
        FolderUnwritable: one cannot be made, or takes nothing.
    """
    require_writable(folder_of(config), "--runs-dir")
    require_writable(tb_folder_of(config), "--tb-dir")


def open_run(config: RunConfig) -> tuple[Path, IO[str]]:
    """Create the folder of a new run, or open that of a resumed one; both locked against a second process.

    Both folders are tried before the first file: where one cannot be written, the same command works later.

    Returns:
        The folder, and the lock, to be held as long as the run.

    Raises:
        FolderUnwritable: the run folder or that of TensorBoard cannot be made, or takes nothing.
        RunExists: the name is taken, and the run is not resumed.
        RunChanged: it is resumed with other settings.
    """
    refuse_taken(config)
    folder = folder_of(config)
    written = folder / CONFIG
    make_folder(folder, "--runs-dir")
    lock = take_lock(folder)
    try:
        if is_there(written):
            refuse_other(config, read_begun(read_json(written)), str(folder))
        require_folders(config)
        if not is_there(written):
            write_json(written, stamped(json.loads(json.dumps(to_json(config)))))
    except BaseException:
        lock.close()
        raise
    return folder, lock


def find_run(runs_dir: str, name: str) -> Path:
    """The folder of an existing run, by its name or by its path."""
    folders = [user_path(runs_dir) / name]
    if Path(name).name.strip("."):
        folders.append(user_path(runs_dir) / slug(Path(name).name))
    for folder in (*folders, Path(name)):
        if is_there(folder / CONFIG):
            return folder
    raise RunMissing(f"no run named {name!r} in {runs_dir}. `rl-teacher runs` lists what is there.")

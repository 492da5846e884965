"""SOURCE: a run, an experiment on a feedback server, what a server exported, or a folder of comparisons."""

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from rl_teacher.commands.data.facts import actions_of, facts_of, facts_of_run
from rl_teacher.commands.data.settings import reward_settings
from rl_teacher.config.flags import run_from_json
from rl_teacher.data.experiment_source import experiment_source
from rl_teacher.data.export_folder import MANIFEST, read_export, read_manifest
from rl_teacher.data.folder import HEAD, read_folder
from rl_teacher.data.rows import Source
from rl_teacher.data.run_source import run_source
from rl_teacher.device import missing_for_people, require_people
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import RunMissing
from rl_teacher.files import read_json, user_path
from rl_teacher.storage.folder import find_run
from rl_teacher.storage.names import CONFIG, RUNS_DIR, is_there


def add_source_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say where a SOURCE is looked for."""
    parser.add_argument("--runs-dir", "--runs_dir", default=RUNS_DIR, help="folder of the run folders (%(default)s)")
    parser.add_argument(
        "--server", default=os.environ.get("RL_TEACHER_SERVER", ""), help="a server's address; unset: here"
    )
    parser.add_argument("--token", default="", help="a trainer's token; unset: RL_TEACHER_TOKEN")
    parser.add_argument("--data-dir", type=Path, help="of the server here; given: SOURCE is an experiment")


@contextlib.contextmanager
def found_source(name: str, given: argparse.Namespace, *, with_clips: bool = False) -> Iterator[Source]:
    """The comparisons that a word on the command line names.

    A folder is taken for what it is; else it is the name of a run; else of an experiment on a server.

    Args:
        name: the word.
        given: the flags of `add_source_flags`.
        with_clips: whether clips will be asked for.

    Raises:
        RunMissing: there is nothing of this name.
    """
    folder = user_path(name)
    if is_there(folder / HEAD):
        yield read_folder(folder)
    elif is_there(folder / MANIFEST):
        yield _of_export(folder)
    elif not given.server and given.data_dir is None and (run := _run(name, given.runs_dir)) is not None:
        with contextlib.ExitStack() as stack:
            yield _with_clips(run, stack) if with_clips else _of_run(run)
    elif is_there(folder) or (not given.server and not _has_server_here(given.data_dir)):
        raise RunMissing(
            f"no SOURCE {name!r}: it is no folder of comparisons, no export of a server, and no run in "
            f"{given.runs_dir}; and no server here has experiments. `rl-teacher runs` lists what is there."
        )
    else:
        require_people(f"rl-teacher data, where {name} is an experiment,")
        from rl_teacher.commands.data.experiments import experiment_on_server

        with experiment_on_server(name, given) as source:
            yield source


def _has_server_here(data_dir: Path | None) -> bool:
    """Whether a feedback server has ever run on this machine, in this folder."""
    if missing_for_people():
        return False
    from rl_teacher.people.client.embedded import default_data_dir

    return is_there((data_dir or default_data_dir()).expanduser() / "db.sqlite3")


def _of_export(folder: Path) -> Source:
    told = read_manifest(folder)
    facts = facts_of(told["env_id"])
    experiment = read_export(folder, reward_settings(told["config"]))
    return experiment_source(experiment, facts, actions_of(facts.action).to_env)


def _run(name: str, runs_dir: str) -> Path | None:
    try:
        return find_run(runs_dir, name)
    except RunMissing:
        return None


def _with_clips(folder: Path, stack: contextlib.ExitStack) -> Source:
    """The same, with clips that are drawn when they are wanted."""
    from rl_teacher.commands.data.run_clips import RunClips  # here, as it loads what draws

    source = _of_run(folder)
    clips = RunClips(folder, find_env(run_from_json(read_json(folder / CONFIG)).env_id))
    stack.callback(clips.close)
    return dataclasses.replace(source, about=dataclasses.replace(source.about, has_clips=True), clip=clips.mp4)


def _of_run(folder: Path) -> Source:
    config = read_json(folder / CONFIG)
    facts = facts_of_run(run_from_json(config).env_id, folder)
    return run_source(folder, facts, reward_settings(config))

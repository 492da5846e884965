"""SOURCE: a run, an experiment on a feedback server, what a server exported, or a folder of comparisons."""

import argparse
import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from rl_teacher.commands.data.facts import facts_of_run
from rl_teacher.config.flags import run_from_json
from rl_teacher.data.folder import HEAD, read_folder
from rl_teacher.data.rows import Source
from rl_teacher.data.run_source import run_source
from rl_teacher.errors import RunMissing
from rl_teacher.files import read_json, user_path
from rl_teacher.storage.folder import find_run
from rl_teacher.storage.names import CONFIG, RUNS_DIR, is_there

MANIFEST = "manifest.json"
"""Of a folder that `rl-teacher export` wrote."""


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
    elif not given.server and given.data_dir is None and (run := _run(name, given.runs_dir)) is not None:
        yield _of_run(run)
    else:
        raise RunMissing(f"no SOURCE named {name!r}: there is no such folder, and no run in {given.runs_dir}.")


def _run(name: str, runs_dir: str) -> Path | None:
    try:
        return find_run(runs_dir, name)
    except RunMissing:
        return None


def _of_run(folder: Path) -> Source:
    config = run_from_json(read_json(folder / CONFIG))
    settings = json.loads(json.dumps(dataclasses.asdict(config.reward)))
    return run_source(folder, facts_of_run(config.env_id, folder), settings)

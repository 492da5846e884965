"""`rl-teacher data export|import|check`: preference data out, in, and whether they are whole."""

import argparse
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from rl_teacher.commands.data.facts import facts_of
from rl_teacher.commands.data.sources import add_source_flags, found_source
from rl_teacher.config.flags import Parser
from rl_teacher.data.check import check_folder
from rl_teacher.data.folder import write_folder
from rl_teacher.data.imitation_layout import write_imitation
from rl_teacher.data.importers.forms import AUTO, FORMS, read_form
from rl_teacher.data.importers.pairs import Given
from rl_teacher.data.preference_transformer_layout import write_preference_transformer
from rl_teacher.data.rows import Source
from rl_teacher.errors import ConfigError, FolderUnwritable, require
from rl_teacher.files import make_folder, user_path, writing

OTHERS: dict[str, Callable[..., int]] = {
    "preference-transformer": write_preference_transformer, "imitation": write_imitation,
}  # fmt: skip
"""Forms of others that are written, by the word of `--format`."""
FORMATS = ("parquet", *OTHERS)


def main(argv: list[str]) -> int:
    """Run one of the commands; the exit code."""
    given = _parser().parse_args(argv)
    match given.action:
        case "check":
            print(check_folder(given.folder).text())
        case "import":
            bring_in(given)
        case _:
            with found_source(given.source, given, with_clips=given.with_clips) as source:
                take_out(source, given)
    return 0


def _parser() -> Parser:
    parser = Parser("rl-teacher data", description="Preference data out, in, and checked.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="export|import|check", parser_class=Parser)
    out = actions.add_parser("export", help="write the comparisons of a source into a folder")
    out.add_argument("source", metavar="SOURCE", help="a run, an experiment, an export of a server, or such a folder")
    out.add_argument("--to", type=user_path, required=True, metavar="DIR", help="a folder that does not exist")
    out.add_argument("--format", choices=FORMATS, default="parquet", help="(%(default)s)")
    out.add_argument("--with-true-reward", action="store_true", help="with the environment's reward of each step")
    out.add_argument("--with-clips", action="store_true", help="with an mp4 of each segment")
    add_source_flags(out)
    bring = actions.add_parser("import", help="read the preference data of others, and write them as such a folder")
    bring.add_argument("path", type=user_path, metavar="PATH", help="a file or a folder")
    bring.add_argument("--to", type=user_path, required=True, metavar="DIR", help="a folder that does not exist")
    bring.add_argument("--format", choices=(AUTO, *FORMS), default=AUTO, help="(%(default)s: what it looks like)")
    bring.add_argument(
        "--dataset", default="", metavar="D", help="the data set that the labels speak of: its id or path"
    )
    bring.add_argument("--env", default="", metavar="ID", help="the environment: its bounds and names; unset: unknown")
    bring.add_argument("--segment-steps", type=int, default=0, help="of a segment, where the files do not say")
    bring.add_argument("--best", choices=("lowest", "highest"), default="", help="of two numbers of rlhf-blender")
    bring.add_argument("--with-true-reward", action="store_true", help="with the data set's reward of each step")
    look = actions.add_parser("check", help="read all of a folder, and say what it holds")
    look.add_argument("folder", type=user_path, metavar="DIR")
    return parser


def take_out(source: Source, given: argparse.Namespace) -> None:
    """Write a source in the form that was asked for."""
    if given.format == "parquet":
        write_folder(source, given.to, with_true_reward=given.with_true_reward, with_clips=given.with_clips)
        print(f"{given.to}: {check_folder(given.to).text()}")
        return
    if given.with_clips:
        raise ConfigError(f"--with-clips: --format {given.format} has no place for clips. Leave the flag out.")
    write = OTHERS[given.format]
    num = _into(given.to, lambda folder: write(source, folder, with_true_reward=given.with_true_reward))
    print(f"{given.to}: {num:,} comparisons that can be trained on, for {given.format}.")


def _into(to: Path, write: Callable[[Path], int]) -> int:
    """Write into a folder that is whole, or not there."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise FolderUnwritable(f"--to {to}: is not empty. Name a folder that does not exist.")
    beside = to.with_name(f".{to.name}.part-{os.getpid()}")
    try:
        make_folder(beside, "--to")
        num = write(beside)
        with writing(to, "--to"):
            beside.replace(to)
        return num
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def bring_in(given: argparse.Namespace) -> None:
    """Read what others wrote, and write it as a folder of ours."""
    require(given.segment_steps >= 0, "--segment-steps", given.segment_steps, "at least 1")
    facts = facts_of(given.env) if given.env else None
    said = Given(given.dataset, facts, given.segment_steps, given.best)
    source = read_form(given.path, given.format, said)
    is_ours = source.clip is not None or (given.path / "rl_teacher.json").is_file()
    write_folder(
        source, given.to, with_true_reward=given.with_true_reward or (is_ours and source.about.has_true_reward),
        with_clips=source.clip is not None,
    )  # fmt: skip
    for note in source.notes:
        print(note)
    print(f"{given.to}: {check_folder(given.to).text()}")

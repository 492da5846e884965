"""`rl-teacher data export|check`: preference data out, and whether they are whole."""

from pathlib import Path

from rl_teacher.commands.data.sources import add_source_flags, found_source
from rl_teacher.config.flags import Parser
from rl_teacher.data.check import check_folder
from rl_teacher.data.folder import write_folder
from rl_teacher.files import user_path

FORMATS = ("parquet",)


def main(argv: list[str]) -> int:
    """Run one of the commands; the exit code."""
    parser = Parser("rl-teacher data", description="Preference data out, in, and checked.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="export|check", parser_class=Parser)
    out = actions.add_parser("export", help="write the comparisons of a source into a folder")
    out.add_argument("source", metavar="SOURCE", help="a run, an experiment, an export of a server, or such a folder")
    out.add_argument("--to", type=user_path, required=True, metavar="DIR", help="a folder that does not exist")
    out.add_argument("--format", choices=FORMATS, default="parquet", help="(%(default)s)")
    out.add_argument("--with-true-reward", action="store_true", help="with the environment's reward of each step")
    out.add_argument("--with-clips", action="store_true", help="with an mp4 of each segment")
    add_source_flags(out)
    look = actions.add_parser("check", help="read all of a folder, and say what it holds")
    look.add_argument("folder", type=user_path, metavar="DIR")
    given = parser.parse_args(argv)
    if given.action == "check":
        print(check_folder(given.folder).text())
        return 0
    with found_source(given.source, given, with_clips=given.with_clips) as source:
        write_folder(source, given.to, with_true_reward=given.with_true_reward, with_clips=given.with_clips)
    return say_written(given.to)


def say_written(folder: Path) -> int:
    """Say what was written where; the exit code."""
    print(f"{folder}: {check_folder(folder).text()}")
    return 0

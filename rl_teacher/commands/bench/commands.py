"""`rl-teacher bench`: train what is missing, then print the table and draw the picture."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rl_teacher.commands.bench.keys import whole
from rl_teacher.commands.bench.plan import Plan, check_names, choose_settings, read_plan
from rl_teacher.commands.bench.report import MOST_LIKELY, SAMPLED, Report
from rl_teacher.commands.bench.results import Results
from rl_teacher.commands.bench.settings import BASELINES
from rl_teacher.commands.bench.table import table
from rl_teacher.config.flags import Parser, whole_number
from rl_teacher.errors import ConfigError

PICTURES = (".png", ".svg", ".pdf")
DESCRIPTION = """Train tasks x label budgets x seeds x settings, and print the table of what they reached.

Each finished cell is appended to the file of results, and is not run again: the same command goes on where it was
stopped. Without a file it is the paper's figure: nine tasks, the true reward and 350, 100 and 50 labels, three seeds,
a million steps. docs/label-efficiency.md says what a score is."""


def main(argv: list[str]) -> int:
    """Run a benchmark; 1 if a training failed."""
    given = parser().parse_args(argv)
    plan = plan_of(given)
    results = Results(plan.results)
    results.check(plan.flags_of)
    num_failed = 0
    if not given.table:
        num_failed = _train(plan, results, given)
    report = Report(plan, results.rows, MOST_LIKELY if given.mean_policy else SAMPLED)
    _log(table(report))
    if given.figure:
        from rl_teacher.commands.bench.figure import draw

        draw(report, given.figure)
        _log(f"Figure: {given.figure}")
    if num_failed:
        _complain(f"{num_failed} of {len(plan.cells())} cells failed. The same command tries them again.")
    return 1 if num_failed else 0


def _train(plan: Plan, results: Results, given: argparse.Namespace) -> int:
    """Run the cells that are missing, here or on a cluster; the number of failures."""
    from rl_teacher.commands.bench.check import check_trainings
    from rl_teacher.commands.bench.runner import run_cells

    check_trainings(plan)
    results.mend()
    cells, flags = plan.cells(), plan.flags_of
    if not given.on:
        return run_cells(cells, results, flags, parallel=plan.parallel, log=_log, complain=_complain)
    from rl_teacher.commands.bench.ray_cells import cluster

    parallel = given.parallel or max(1, len(cells))  # the file's is of one machine; a cluster has a queue of its own
    with cluster(given.on) as far:
        return run_cells(cells, results, flags, parallel=parallel, log=_log, complain=_complain, start=far.start)


def parser() -> Parser:
    """What the command understands."""
    keep_lines = argparse.RawDescriptionHelpFormatter
    flags = Parser("rl-teacher bench", allow_abbrev=False, description=DESCRIPTION, formatter_class=keep_lines)
    flags.add_argument("file", nargs="?", type=Path, metavar="FILE.toml", help="tasks, labels, seeds, settings, ...")
    flags.add_argument("--tasks", type=_names, metavar="NAMES", help="instead of the file's, with commas")
    flags.add_argument("--labels", type=_numbers, metavar="NUMBERS", help="label budgets; 0 is the true reward")
    flags.add_argument("--seeds", type=_numbers, metavar="NUMBERS", help="such as 1,2,3 or 1-10")
    flags.add_argument("--steps", type=whole_number, help="environment steps of each training")
    flags.add_argument("--agents", type=_names, metavar="NAMES", help="for settings without an agent of their own")
    flags.add_argument("--teachers", type=_names, metavar="NAMES", help="who answers")
    flags.add_argument(
        "--settings", type=_names, metavar="NAMES", help=f"some of the file's; or of {', '.join(BASELINES)}"
    )
    flags.add_argument(
        "--parallel", type=whole_number, help="trainings side by side (default 1; with --on as many as the cluster can)"
    )
    flags.add_argument(
        "--on", metavar="ADDRESS", help="train on a Ray cluster: auto, or ray://HOST:10001 (needs rl-teacher[ray])"
    )
    flags.add_argument("--results", type=Path, metavar="FILE", help="finished cells, a line each")
    flags.add_argument("--table", action="store_true", help="train nothing, only print the table (and draw)")
    flags.add_argument("--figure", type=Path, metavar="FILE", help="draw true return against labels: .png, .svg, .pdf")
    flags.add_argument(
        "--mean-policy", "--mean_policy", action="store_true", help="returns of the most likely actions, 32 episodes"
    )
    return flags


def plan_of(given: argparse.Namespace) -> Plan:
    """The file's plan, or the paper's figure, with what the flags change.

    Raises:
        ConfigError: something in it does not exist, or is out of range.
    """
    if given.figure and given.figure.suffix not in PICTURES:
        raise ConfigError(f"--figure: got {str(given.figure)!r}, expected a name that ends in {', '.join(PICTURES)}.")
    plan = read_plan(given.file) if given.file else Plan()
    changes: dict[str, Any] = {
        name: value
        for name in ("tasks", "labels", "seeds", "steps", "agents", "teachers", "parallel", "results")
        if (value := getattr(given, name)) is not None
    }
    for name in ("steps", "parallel"):
        if name in changes:
            whole(changes[name], f"--{name}", 1)
    plan = replace(plan, **changes)
    return check_names(choose_settings(plan, given.settings) if given.settings else plan)


def _names(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected names with commas between them")
    return found


def _numbers(text: str) -> tuple[int, ...]:
    """1,2,5-7 as 1, 2, 5, 6, 7."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            found += range(int(first), int(last) + 1) if dash else [whole_number(part)]
        except (ValueError, argparse.ArgumentTypeError):
            found = []
            break
    if not found:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected whole numbers such as 1,2,3 or 1-10")
    return tuple(dict.fromkeys(found))


def _log(line: str) -> None:
    print(line, flush=True)


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

"""`rl-teacher plot` and `rl-teacher runs`."""

import argparse
from pathlib import Path

from rl_teacher.runs.folder import find_run
from rl_teacher.runs.listing import format_runs, list_runs
from rl_teacher.runs.plot import plot_runs

RUNS_DIR = "~/rl-teacher/runs"


def plot(argv: list[str]) -> int:
    """Draw the learning curves of several runs into one picture."""
    parser = argparse.ArgumentParser("rl-teacher plot", description="Draw the learning curves of runs into one PNG.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="names of runs")
    parser.add_argument("-o", "--out", type=Path, help="the picture (curves.png in the last run's folder)")
    parser.add_argument("--runs-dir", "--runs_dir", default=RUNS_DIR, help="folder of the run folders (%(default)s)")
    given = parser.parse_args(argv)
    folders = [find_run(given.runs_dir, name) for name in given.names]
    out = given.out or folders[-1] / "curves.png"
    plot_runs(folders, out)
    print(f"Learning curves: {out}")
    return 0


def runs(argv: list[str]) -> int:
    """List the runs of a folder."""
    parser = argparse.ArgumentParser("rl-teacher runs", description="List runs.")
    parser.add_argument("--runs-dir", "--runs_dir", default=RUNS_DIR, help="folder of the run folders (%(default)s)")
    given = parser.parse_args(argv)
    print(format_runs(list_runs(Path(given.runs_dir).expanduser())))
    return 0

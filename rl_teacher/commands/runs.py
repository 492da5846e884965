"""List the runs in a folder, as `rl-teacher runs` shows them."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rl_teacher.errors import RunMissing
from rl_teacher.files import user_path
from rl_teacher.storage.names import CONFIG, RUNS_DIR, SUMMARY, is_there
from rl_teacher.storage.run_reader import RunFacts, read_run

_HEADER = ("name", "env", "predictor", "agent", "labels", "steps", "state", "return", "age")
_RIGHT = {"labels", "steps", "return", "age"}


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the list."""

    name: str
    env_id: str
    predictor: str
    agent: str
    labels: int | None
    steps: int
    """Environment steps done."""
    total_steps: int | None
    """Environment steps wanted."""
    state: str
    """running, finished or stopped."""
    final_return: float | None
    """Last known mean true return [reward]."""
    age_seconds: float
    """Since the folder was last written [s]."""


def runs(argv: list[str]) -> int:
    """List the runs of a folder."""
    parser = argparse.ArgumentParser("rl-teacher runs", description="List runs.")
    parser.add_argument("--runs-dir", "--runs_dir", default=RUNS_DIR, help="folder of the run folders (%(default)s)")
    given = parser.parse_args(argv)
    print(format_runs(list_runs(user_path(given.runs_dir))))
    return 0


def list_runs(runs_dir: Path, *, now: float | None = None) -> list[RunRow]:
    """The runs in `runs_dir`, latest first; a folder without config.json and summary.json is no run.

    Raises:
        RunMissing: the folder cannot be read.
    """
    now = time.time() if now is None else now
    if not is_there(runs_dir):
        return []
    try:
        paths = list(runs_dir.iterdir())
    except OSError as error:
        raise RunMissing(f"--runs-dir {runs_dir}: cannot be read ({error.strerror}). Choose another folder.") from error
    folders = [path for path in paths if any(is_there(path / name) for name in (CONFIG, SUMMARY))]
    rows = [_row(read_run(folder), now) for folder in folders]
    return sorted(rows, key=lambda row: (row.age_seconds, row.name))


def format_runs(rows: Sequence[RunRow]) -> str:
    """A table for a terminal; one sentence if there are no runs."""
    if not rows:
        return "No runs yet. Start one: rl-teacher teach -p synth -l 300 -e Hopper-v1 -n my-first-run"
    cells = [_HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADER))]
    return "\n".join(_aligned(line, widths) for line in cells)


def _row(facts: RunFacts, now: float) -> RunRow:
    age = max(0.0, now - facts.written_at)
    state = "running" if facts.is_running else "finished" if facts.is_finished else "stopped"
    final = facts.returns[-1] if facts.returns else None
    return RunRow(
        name=facts.name,
        env_id=facts.env_id,
        predictor=facts.predictor,
        agent=facts.agent,
        labels=facts.labels,
        steps=facts.last_step,
        total_steps=facts.total_steps,
        state=state,
        final_return=final,
        age_seconds=age,
    )


def _cells(row: RunRow) -> tuple[str, ...]:
    total = "?" if row.total_steps is None else f"{row.total_steps:,}"
    return (
        row.name,
        row.env_id or "?",
        row.predictor or "?",
        row.agent or "?",
        "-" if row.labels is None else f"{row.labels:,}",
        f"{row.steps:,} of {total}",
        row.state,
        "-" if row.final_return is None else f"{row.final_return:,.1f}",
        format_age(row.age_seconds),
    )


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = zip(line, widths, _HEADER, strict=True)
    return "  ".join(text.rjust(width) if name in _RIGHT else text.ljust(width) for text, width, name in cells).rstrip()


def format_age(seconds: float) -> str:
    """A length of time in its largest whole unit: 59 s, 3 min, 5 h, 12 d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"

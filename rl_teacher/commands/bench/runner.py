"""Train the cells that are missing, several side by side, each in a process and a folder of its own."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from rl_teacher.commands.bench.cells import RESULT_KEYS, Cell, Row
from rl_teacher.commands.bench.origin import origin
from rl_teacher.commands.bench.results import Results
from rl_teacher.files import writing

POLL_SECONDS = 0.2
TRAINING = (
    "import ctypes, os, signal; ctypes.CDLL(None).prctl(1, signal.SIGKILL); "  # 1: PR_SET_PDEATHSIG
    "os.getppid() == {parent} or os._exit(1); "  # it may have ended before
    "from rl_teacher.cli import main; raise SystemExit(main())"
)
"""`python -m rl_teacher`, killed by Linux when its parent ends, however that ends: no training is left behind."""
Log = Callable[[str], None]


class Job(Protocol):
    """One training that goes on somewhere."""

    cell: Cell

    def is_over(self) -> bool:
        """Whether it has ended."""
        ...

    def row(self) -> Row:
        """What came out; FailedCell where nothing did."""
        ...

    def close(self) -> None:
        """Stop it if it goes on, and leave nothing behind."""
        ...


Start = Callable[[Cell, tuple[str, ...]], Job]
"""Starts the training of a cell, with the flags of its settings."""


class LocalJob:
    """One training on this machine; physics on one thread, since others go on beside it.

    Args:
        cell: which.
        flags: of its settings.
        environment: of its process; None: ours.
    """

    def __init__(self, cell: Cell, flags: tuple[str, ...], environment: Mapping[str, str] | None = None) -> None:
        self.cell, self.flags = cell, flags
        self.origin = origin()
        self.started_at = time.monotonic()
        with writing(Path(tempfile.gettempdir())):
            self._folder = tempfile.TemporaryDirectory(prefix="rl-teacher-bench-")
            self._errors: IO[str] = (self.folder / "stderr").open("w+")
        where = ["-n", "cell", "-w", "1", "--runs-dir", self._folder.name, "--tb-dir", f"{self._folder.name}/tb"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", TRAINING.format(parent=os.getpid()), "teach", "-V", *cell.words, *flags, *where],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors, start_new_session=True,
            env=environment,
        )  # fmt: skip

    @property
    def folder(self) -> Path:
        """Of its run and all else that it writes."""
        return Path(self._folder.name)

    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def row(self) -> Row:
        """What came out.

        Raises:
            FailedCell: nothing did.
        """
        if self.process.returncode != 0:
            self._errors.seek(0)
            lines = self._errors.read().strip().splitlines() or ["it said nothing"]
            raise FailedCell(f"exit code {self.process.returncode}: {lines[-1][:400]}")
        summary = json.loads((self.folder / "cell" / "summary.json").read_text())
        if summary["final_true_return"] is None:
            raise FailedCell(f"no episode ended in {self.cell.steps:,} steps. Use more steps.")
        result = {key: summary[key] for key in RESULT_KEYS}
        return Row(self.cell, self.flags, result, time.monotonic() - self.started_at, self.origin)

    def close(self) -> None:
        """Stop it if it goes on, and remove its folder."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._errors.close()
        self._folder.cleanup()


class FailedCell(Exception):
    """A training gave no result; run_cells makes a line of it."""


def run_cells(
    cells: Sequence[Cell], results: Results, flags_of: Mapping[str, tuple[str, ...]], *, parallel: int, log: Log,
    complain: Log, start: Start = LocalJob,
) -> int:  # fmt: skip
    """Train every cell that has no result yet, and append each result when it is there.

    Args:
        cells: in the order in which they are started.
        results: what is there; grows.
        flags_of: flags of each settings.
        parallel: trainings side by side, >= 1.
        log: takes one line per result.
        complain: takes one line per failure.
        start: on this machine, or elsewhere.

    Returns:
        Number of failures.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; what was finished is kept, what was going on is stopped.
    """
    missing = [cell for cell in cells if cell not in results.rows]
    log(f"{len(cells)} cells: {len(cells) - len(missing)} done before, {len(missing)} to run.")
    waiting, running, num_done, num_failed = deque(missing), list[Job](), 0, 0
    started_at = time.monotonic()
    with asked_to_stop() as stop:
        try:
            while (waiting or running) and not stop:
                while waiting and len(running) < parallel:
                    cell = waiting.popleft()
                    running.append(start(cell, flags_of[cell.settings]))
                over = [job for job in running if job.is_over()]
                for job in over:
                    running.remove(job)
                    num_done += 1
                    left = (time.monotonic() - started_at) * (len(missing) - num_done) / num_done
                    num_failed += not _finish(job, results, f"[{num_done}/{len(missing)}]", left, log, complain)
                if not over:
                    time.sleep(POLL_SECONDS)
        finally:
            for job in running:
                job.close()
    if stop:
        raise KeyboardInterrupt
    return num_failed


def _finish(job: Job, results: Results, place: str, seconds_left: float, log: Log, complain: Log) -> bool:
    """Keep what came out of a job; whether anything did."""
    try:
        row = job.row()
        results.append(row)
    except FailedCell as error:
        complain(f"{place} FAILED {job.cell}: {error}")
        return False
    finally:
        job.close()
    rest = f"; about {math.ceil(seconds_left / 60)} min to go" if seconds_left else ""
    log(f"{place} {job.cell}: {row.result['final_true_return']:.4g} in {row.wall:.0f} s{rest}")
    return True


@contextmanager
def asked_to_stop() -> Iterator[list[int]]:
    """A list that Ctrl-C and SIGTERM fill: an exception at any moment could leave a training without a parent."""
    asked: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        asked.append(signum)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

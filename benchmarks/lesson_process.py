"""A lesson as a stranger starts it: a command with a home folder of its own, and when it said what."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

LOGIN = r"http://\S+/enter\?\S+#\S+"
"""The one-time link that leads to the labeling page."""
LABEL_PAGE = r"(http://[^/\s]+)/enter\?next=/e/([^/]+)/label#"
"""Address of the server, and name of the experiment, in that link."""


class LessonProcess:
    """A command whose lines are read as they come; stopped as by Ctrl-C at the end of the block.

    Args:
        command: its words.
        home: of the command, where it keeps runs and answers; made if it is not there.
        folder: in which it runs.
    """

    def __init__(self, command: Sequence[str], home: Path, folder: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.lines: list[tuple[float, str]] = []
        """What it said, and when [s since it was started]."""
        self._news = threading.Condition()
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "HOME": str(home), "PYTHONUNBUFFERED": "1"}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def seconds(self) -> float:
        """Since it was started [s]."""
        return time.monotonic() - self._started

    @property
    def is_over(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.poll() is not None

    @property
    def token(self) -> str:
        """Of the trainer, with which clips and their arrays are read."""
        return (self.home / "rl-teacher" / "feedback" / "trainer.token").read_text().strip()

    def wait_for(self, pattern: str, timeout_s: float = 120.0) -> tuple[float, re.Match[str]]:
        """The first line in which the pattern is found, and when it came [s].

        Raises:
            TimeoutError: no such line came in time, or the command ended before; its last lines are in the message.
        """
        deadline, looked_at = time.monotonic() + timeout_s, 0
        with self._news:
            while True:
                for when, line in self.lines[looked_at:]:
                    if match := re.search(pattern, line):
                        return when, match
                looked_at = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    last = "\n".join(line for _, line in self.lines[-5:])
                    raise TimeoutError(
                        f"expected a line like {pattern!r} within {timeout_s:g} s; the last ones:\n{last}"
                    )
                self._news.wait(min(left, 1.0))

    def stop(self, timeout_s: float = 30.0) -> None:
        """End it as Ctrl-C does, and by force what does not end."""
        for number in (signal.SIGINT, signal.SIGKILL):
            if self.is_over:
                break
            os.killpg(self._process.pid, number)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                continue
        self._reader.join(timeout_s)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append((self.seconds, line.rstrip("\n")))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

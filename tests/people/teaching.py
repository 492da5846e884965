"""A real `rl-teacher teach -p human` in a process of its own, with its feedback server."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rl_teacher.people.client.api import FeedbackClient

ROOT = Path(__file__).parents[2]
FLAGS = ["--human.port", "0", "--no-human.stay", "--video-seconds", "5"]


class Teaching:
    """One run called `people`; started, killed and resumed by the test."""

    def __init__(self, home: Path, *words: str) -> None:
        self.home, self.words = home, words
        self.folder = home / "rl-teacher" / "runs" / "people"
        self.data = home / "rl-teacher" / "feedback"
        self.process: subprocess.Popen[bytes] | None = None
        self.output = home / "out.txt"

    def start(self, *more: str) -> "Teaching":
        command = [sys.executable, "rl_teacher/teach.py", "-p", "human", "-n", "people", *self.words, *FLAGS, *more]
        with self.output.open("ab") as output:
            environment = os.environ | {"HOME": str(self.home), "PYTHONPATH": str(ROOT)}
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=environment)
        return self

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, what: Callable[[], Any], seconds: float = 90.0) -> Any:
        """Until `what()` is true; fails when the run ends before."""
        deadline = time.monotonic() + seconds
        while not (found := what()):
            assert self.process is not None
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.text[-3000:]}"
            assert time.monotonic() < deadline, f"{seconds:g} s passed: {self.text[-3000:]}"
            time.sleep(0.05)
        return found

    def says(self, pattern: str, seconds: float = 90.0) -> str:
        """What the pattern's group found in the output, once it does."""
        return str(self.wait_for(lambda: re.search(pattern, self.text), seconds).group(1))

    def client(self) -> FeedbackClient:
        url = json.loads((self.data / "server.json").read_text())["url"]
        return FeedbackClient(url, (self.data / "trainer.token").read_text().strip(), "people")

    def login(self) -> str:
        command = [sys.executable, "-m", "rl_teacher", "login-url", "--data-dir", str(self.data)]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[0]

    def labels(self) -> list[dict[str, Any]]:
        path = self.folder / "labels.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def num_sent(self) -> int:
        """Clips and comparisons that the server has."""
        sent, outbox = self.folder / "sent.jsonl", self.folder / "outbox"
        return len(sent.read_text().splitlines()) if sent.exists() and not list(outbox.glob("*.item")) else 0

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 60.0) -> None:
        """Press Ctrl-C, and see it stop where it can go on later."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGINT)
        assert self.process.wait(seconds) == 130, self.text[-3000:]

    def finish(self, seconds: float = 240.0) -> dict[str, Any]:
        """Its summary, when it has ended by itself."""
        assert self.process is not None
        assert self.process.wait(seconds) == 0, self.text[-3000:]
        summary: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return summary

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        found = self.data / "server.json"
        if found.exists():  # a trainer that was killed leaves its server
            with contextlib.suppress(ProcessLookupError):
                os.kill(json.loads(found.read_text())["pid"], signal.SIGTERM)

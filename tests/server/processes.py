"""Server processes as an operator starts them, for tests that kill one and look at another."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import httpx

KEY = "a secret key that all processes of a test share"


class Serving:
    """`rl-teacher serve` in a process of its own."""

    def __init__(self, data_dir: Path, *flags: str, **variables: str) -> None:
        self.data_dir = data_dir
        known = {"HOME": str(data_dir), "RL_TEACHER_SECRET_KEY": KEY, "PYTHONWARNINGS": "default"}
        command = [sys.executable, "-m", "rl_teacher.server", "serve", "--data-dir", str(data_dir), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *flags],
            env={**os.environ, **known, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as file:
            for line in file:
                self.lines.append(line.rstrip("\n"))

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.said("From another machine") and self._is_up():
                return self
            time.sleep(0.05)
        raise AssertionError("\n".join(self.lines) or "it said nothing")

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._reader.join(10)

    def said(self, words: str) -> bool:
        return any(words in line for line in list(self.lines))

    @property
    def url(self) -> str:
        return next(line.split(": ", 1)[1] for line in self.lines if line.startswith("Feedback server"))

    @property
    def token(self) -> str:
        return (self.data_dir / "trainer.token").read_text()

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def children(self) -> list[int]:
        """Processes that it started and that run Python, without the tracker of multiprocessing."""
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                if b"spawn_main" in words:
                    found.append(int(pid))
        return sorted(found)

"""Makes a run folder, a server's data folder and an export of a released version, for the tests of upgrades.

A maintainer runs it once at each release, from the root of the repository, and commits what it wrote:

    python -m tests.upgrades.make PYTHON [FLAG ...]

PYTHON is the interpreter of an environment in which the released version is installed; flags are added to the run that
is taught by a synthetic teacher. All of it is small: tiny networks, a few labels, short clips.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.labelers import HttpLabeler
from rl_teacher.people.client.api import FeedbackClient

WORDS = [
    "-e", "ShortReacher-v1", "-c", "0.3", "-L", "4", "-V", "--ppo.num_envs", "4", "--ppo.rollout_steps", "32",
    "--ppo.hidden", "8,8", "--ppo.minibatch_size", "64", "--selection.segments_per_iteration", "4",
    "--selection.pool_iterations", "2",
]  # fmt: skip
SYNTH = ["-p", "synth", "-n", "synth", "-l", "12", "-t", "8000", *WORDS]
PEOPLE = ["-p", "human", "-n", "people", "-t", "8000", "--human.open_pairs", "1", "--human.port", "0", *WORDS]
STEPS = 10
"""Iterations after which a run is stopped, as by Ctrl-C."""
LEFT_OUT = ("lock", "outbox", "server.lock", "server.json", "server.log", "secret_key", "db.sqlite3-journal")
"""What only says that a process was there, or is made anew."""


def main(python: str, flags: list[str]) -> int:
    """Make everything below data/VERSION; prints how large it is."""
    ask = [python, "-P", "-c", "import importlib.metadata as m; print(m.version('rl-teacher'))"]
    version = subprocess.run(ask, check=True, capture_output=True, text=True, cwd="/").stdout.strip()
    out = Path(__file__).parent / "data" / version
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        program = Program(python, home)
        program.stopped(*SYNTH, *flags)
        program.stopped(*PEOPLE, meanwhile=lambda: program.answer(4))
        program.call("export", "people", "--data-dir", str(home / "feedback"), "--to", str(home / "export"))
        for name in ("runs", "feedback", "export"):
            shutil.copytree(home / name, out / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    commands = {"synth": [*SYNTH, *flags], "people": PEOPLE}
    (out / "commands.json").write_text(json.dumps(commands, indent=1) + "\n")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size:,} bytes")
    return 0


class Program:
    """The released program, in a home of its own."""

    def __init__(self, python: str, home: Path) -> None:
        self.python, self.home = python, home
        self.environment = os.environ | {"HOME": str(home), "RL_TEACHER_FEEDBACK_DIR": str(home / "feedback")}
        self.output = home / "output.txt"

    def call(self, *words: str) -> str:
        """What a command prints."""
        command = [self.python, "-m", "rl_teacher", *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment, cwd=self.home)
        return done.stdout

    def stopped(self, *words: str, meanwhile: Callable[[], Any] = lambda: None) -> None:
        """A run that is stopped when it has trained for some iterations."""
        folder = self.home / "runs" / words[words.index("-n") + 1]
        where = ["--runs-dir", str(self.home / "runs"), "--tb-dir", str(self.home / "tb")]
        command = [self.python, "-m", "rl_teacher", "teach", *words, *where]
        with self.output.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=self.environment, cwd=self.home)
        try:
            meanwhile()
            metrics = folder / "metrics.jsonl"
            self.wait_for(lambda: metrics.exists() and len(metrics.read_text().splitlines()) >= STEPS)
            process.send_signal(signal.SIGINT)
            code = process.wait(120)
        finally:
            process.kill()
        if code != 130 or not (folder / "checkpoint.npz").exists():
            raise SystemExit(f"{words}: ended with {code}, expected 130 and a checkpoint: {self.output.read_text()}")

    def answer(self, num: int) -> None:
        """Answer pairs of the run `people`, as somebody in a browser does."""
        self.wait_for(lambda: re.search("0/4 comparisons labeled", self.output.read_text()))
        data = self.home / "feedback"
        login = self.call("login-url", "--data-dir", str(data)).split()[0]
        url, token = json.loads((data / "server.json").read_text())["url"], (data / "trainer.token").read_text().strip()
        with FeedbackClient(url, token, "people") as client, HttpLabeler(login, client) as labeler:
            for _ in range(num):
                labeler.answer()

    def wait_for(self, what: Callable[[], Any]) -> None:
        """Until `what()` is true."""
        deadline = time.monotonic() + 180
        while not what():
            if time.monotonic() > deadline:
                raise SystemExit(f"it never came true: {self.output.read_text()}")
            time.sleep(0.01)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))

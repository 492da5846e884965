"""Ctrl-C at any moment: exit status 130, no traceback, nobody left behind, and the same command goes on."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SMALL = [
    "-e", "ShortReacher-v1", "-n", "x", "-t", "2000", "-V", "--pretrain-iters", "20", "--ppo.num-envs", "8",
    "--ppo.rollout-steps", "16", "--ppo.minibatch-size", "64", "--ppo.hidden", "8",
]  # fmt: skip
TEACH = ["teach", "-p", "synth", "-l", "12", *SMALL]
PEOPLE = ["teach", "-p", "human", "-L", "2", "--human.port", "0", *SMALL]


@pytest.fixture(autouse=True)
def as_in_a_terminal() -> Iterator[None]:
    """Processes inherit that Ctrl-C is ignored, as it is where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Program:
    """`rl-teacher` in a process of its own, with a home of its own."""

    def __init__(self, home: Path, *words: str) -> None:
        self.home = home
        self.out, self.err = home / "out.txt", home / "err.txt"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rl_teacher", *words],
                cwd=home, stdout=out, stderr=err, env=os.environ | {"HOME": str(home), "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def wait_until(self, is_so: Callable[[], object]) -> None:
        """Until something is so, or it has ended."""
        while self.process.poll() is None and not is_so():
            time.sleep(0.01)

    def says(self, words: str) -> Callable[[], bool]:
        return lambda: words in self.out.read_text()

    def interrupt(self) -> int:
        """Its exit status after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait()


def interrupted(program: Program) -> None:
    """Ctrl-C ends it as it should."""
    if program.process.poll() is not None:
        assert program.process.returncode == 0, program.err.read_text()
        return  # it was faster
    code, said = program.interrupt(), program.err.read_text()
    if code == -signal.SIGINT and not re.search(r'File ".*/rl_teacher/\w+\.py"', said):
        return  # Python itself was still starting
    assert code == 130, said
    assert said in ("", "Interrupted.\n")
    assert re.search("Interrupted|Stopp", program.out.read_text() + said)


def resumable(home: Path, words: list[str]) -> list[str]:
    """The same command, with --resume where the run has begun."""
    return [*words, "--resume"] if (home / "rl-teacher" / "runs" / "x" / "config.json").exists() else words


def to_its_end(home: Path, words: list[str]) -> dict[str, bytes]:
    """Run it to its end; what was learned and what was answered."""
    program = Program(home, *resumable(home, words))
    assert program.process.wait() == 0, program.err.read_text()
    folder = home / "rl-teacher" / "runs" / "x"
    with np.load(folder / "checkpoint.npz") as arrays:
        learned = {name: arrays[name].tobytes() for name in arrays.files if name.startswith(("agent/", "reward/"))}
    return learned | {name: (folder / name).read_bytes() for name in ("labels.jsonl", "comparisons.jsonl")}


def homes(tmp_path: Path, *names: str) -> list[Path]:
    found = [tmp_path / name for name in names]
    for home in found:
        home.mkdir()
    return found


def test_three_moments_and_the_same_command_goes_on(tmp_path: Path) -> None:
    words = ["teach", "-p", "rl", *SMALL]
    for moment in ("importing", "Training starts", "Evaluating"):
        program = Program(tmp_path, *resumable(tmp_path, words))
        if moment == "importing":
            time.sleep(0.5)
        else:
            program.wait_until(program.says(moment))
        interrupted(program)
    program = Program(tmp_path, *words, "--resume")
    assert program.process.wait() == 0, program.err.read_text()


@pytest.mark.slow
def test_every_tenth_of_a_second_and_what_was_learned_is_the_same(tmp_path: Path) -> None:
    cut, whole = homes(tmp_path, "cut", "whole")
    for tenths in range(1, 31):
        program = Program(cut, *resumable(cut, TEACH))
        time.sleep(tenths / 10)
        interrupted(program)
    program = Program(cut, *resumable(cut, TEACH))
    program.wait_until(program.says("Evaluating"))
    interrupted(program)
    assert to_its_end(cut, TEACH) == to_its_end(whole, TEACH)


def server_of(home: Path) -> int | None:
    """The process of its feedback server, if one has said where it is."""
    path = home / "rl-teacher" / "feedback" / "server.json"
    with contextlib.suppress(OSError, ValueError):
        return int(json.loads(path.read_text())["pid"])
    return None


def is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux which processes live")
def test_the_server_of_people_does_not_stay_behind(tmp_path: Path) -> None:
    seen: set[int] = set()
    for moment in (0.3, 1.0, "server", "Feedback server", "Starting random", "Please label"):
        program = Program(tmp_path, *resumable(tmp_path, PEOPLE))
        if isinstance(moment, float):
            time.sleep(moment)
        elif moment == "server":
            program.wait_until(lambda: server_of(tmp_path))
        else:
            program.wait_until(program.says(moment))
        pid = server_of(tmp_path)
        interrupted(program)
        for one in {pid, server_of(tmp_path)} - {None}:
            assert one is not None
            assert not is_alive(one)
            seen.add(one)
    assert len(seen) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "replay", "plot", "doctor", "bench", "fit"])
def test_other_commands_leave_at_once_too(tmp_path: Path, command: str) -> None:
    if command in ("replay", "plot"):
        to_its_end(tmp_path, TEACH)
    (tmp_path / "bench.toml").write_text(
        'tasks = ["ShortReacher-v1"]\nlabels = [0]\nseeds = [1]\nsteps = 20000\nresults = "r.jsonl"\n[settings.base]\n'
    )
    words = {
        "serve": ["serve", "--port", "0"], "replay": ["replay", "x"], "plot": ["plot", "x"], "doctor": ["doctor"],
        "bench": ["bench", "bench.toml"], "fit": ["fit", "x"],
    }[command]  # fmt: skip
    for tenths in (2, 4, 7, 10, 14, 18, 25):
        program = Program(tmp_path, *words)
        time.sleep(tenths / 10)
        if command == "fit" and program.process.poll() is not None:
            continue  # no server is there to be asked
        interrupted(program)
    if command == "serve":
        program = Program(tmp_path, *words)
        program.wait_until(program.says("From another machine"))
        assert program.interrupt() == 130
        assert not (tmp_path / "rl-teacher" / "feedback" / "server.json").exists()

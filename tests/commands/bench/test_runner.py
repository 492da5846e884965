"""Trainings in their processes: real tiny ones, through the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from rl_teacher.cli import main
from rl_teacher.commands.bench.origin import PACKAGE, commit, machine

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[3]
TINY = """
tasks = ["ShortReacher-v1"]
labels = [0, 8]
seeds = [1]
steps = 2000
parallel = 2

[settings.base]
ppo.num_envs = 16
ppo.rollout_steps = 32
reward.min_steps = 50
reward.max_steps = 50
[settings.constant]
ppo.num_envs = 16
ppo.rollout_steps = 32
reward.model = "constant"
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]


def test_a_benchmark_from_its_page_of_settings_to_table_and_picture_and_never_twice(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tiny.with_suffix(".png")
    assert main(["bench", str(tiny), "--figure", str(figure)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "3 cells: 0 done before, 3 to run." in out
    assert "[3/3] ShortReacher-v1, " in out
    rows = lines(tiny)
    assert sorted((row["settings"], row["labels"]) for row in rows) == [("base", 0), ("base", 8), ("constant", 8)]
    for row in rows:
        result = row["result"]
        assert isinstance(result, dict)
        assert result["labels"] == row["labels"]
        assert isinstance(result["final_true_return"], float)
        assert (row["commit"], row["machine"], row["teacher"]) == (commit(), machine(), "oracle")
    (constant,) = [row for row in rows if row["settings"] == "constant"]
    assert constant["flags"] == ["--ppo.num_envs", "16", "--ppo.rollout_steps", "32", "--reward.model", "constant"]
    assert constant["result"]["comparison_accuracy_holdout"] == 0.5  # type: ignore[index]
    assert "| ShortReacher-v1 | constant | -4.4 | " in out
    assert figure.stat().st_size > 10_000

    before = tiny.with_suffix(".jsonl").read_bytes()
    assert main(["bench", str(tiny)]) == 0
    assert "3 cells: 3 done before, 0 to run." in capsys.readouterr().out
    assert tiny.with_suffix(".jsonl").read_bytes() == before
    assert main(["bench", str(tiny), "--table"]) == 0
    assert "cells" not in capsys.readouterr().out


def start(path: Path, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "rl_teacher", "bench", str(path), *words]
    environ = {**os.environ, "TMPDIR": str(path.parent)}
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


THREE = ("--seeds", "1-3", "--labels", "0", "--settings", "base")


def stopped_after_one(tiny: Path, number: signal.Signals) -> tuple[int, str, bytes]:
    """Start three trainings one by one, and send a signal when the first is done: exit code, errors, results."""
    results = tiny.with_suffix(".jsonl")
    process = start(tiny, "--parallel", "1", *THREE)
    while process.poll() is None and not (results.exists() and results.read_bytes().count(b"\n")):
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate()
    return process.returncode, err, results.read_bytes()


def test_a_benchmark_killed_in_the_middle_goes_on_with_what_is_missing(tiny: Path) -> None:
    _, _, kept = stopped_after_one(tiny, signal.SIGKILL)
    num_kept = kept.count(b"\n")
    assert 1 <= num_kept < 3
    tiny.with_suffix(".jsonl").write_bytes(kept + b'{"settings": "base", "task": "ShortRea')  # and a line was torn
    again = start(tiny, "--parallel", "2", *THREE)
    out, err = again.communicate()
    assert again.returncode == 0, err
    assert f"3 cells: {num_kept} done before, {3 - num_kept} to run." in out
    assert tiny.with_suffix(".jsonl").read_bytes().startswith(kept)
    assert sorted(str(row["seed"]) for row in lines(tiny)) == ["1", "2", "3"]


def test_a_killed_benchmark_leaves_no_training_behind(tiny: Path) -> None:
    process = start(tiny, "--parallel", "1", *THREE, "--steps", "1e9")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def is_training(pid: str) -> bool:
        try:
            return b"\0teach\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):  # it may end between the list of children and this look
            return False

    while not (trainings := [pid for pid in children.read_text().split() if is_training(pid)]):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    patience = time.monotonic() + 10
    while is_training(trainings[0]):
        assert time.monotonic() < patience, "the training goes on"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_benchmark_stops_its_trainings_and_keeps_what_is_done(
    tiny: Path, number: signal.Signals
) -> None:
    code, err, kept = stopped_after_one(tiny, number)
    assert (code, err) == (130, "Interrupted.\n")
    assert 1 <= kept.count(b"\n") < 3
    assert not list(tiny.parent.glob("rl-teacher-bench-*")), "no training and no folder is left behind"


def test_a_training_that_fails_is_reported_counted_and_tried_again(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 10 steps of 20 make no episode; 2000 do
    assert main(["bench", str(tiny), "--settings", "base", "--labels", "0", "--steps", "10"]) == 1
    out, err = capsys.readouterr()
    assert "[1/1] FAILED ShortReacher-v1, base, ppo, true reward, seed 1: no episode ended in 10 steps." in err
    assert "1 of 1 cells failed. The same command tries them again." in err
    assert "| ShortReacher-v1 | base | -4.4 | - |" in out
    assert tiny.with_suffix(".jsonl").read_bytes() == b""


def test_what_a_failed_training_said_last_is_passed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teacher = tmp_path / "teacher.py"
    teacher.write_text("def odd(left, right):\n    return 'maybe'\n")
    words = ["--tasks", "ShortReacher-v1", "--labels", "8", "--seeds", "1", "--steps", "2000"]
    results = tmp_path / "r.jsonl"
    assert main(["bench", *words, "--teachers", f"{teacher}:odd", "--results", str(results)]) == 1
    assert "exit code 2: TeacherFault: " in capsys.readouterr().err
    assert results.read_bytes() == b""


def test_other_settings_under_the_same_name_do_not_mix(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "settings": "base", "task": "ShortReacher-v1", "agent": "ppo", "labels": 8, "seed": 1, "steps": 2000,
        "flags": [], "wall": 1.0, "result": {"final_true_return": 1.0},
    }  # fmt: skip
    tiny.with_suffix(".jsonl").write_text(json.dumps(row) + "\n")
    assert main(["bench", str(tiny)]) == 2
    assert capsys.readouterr().err.startswith("SettingsChanged: settings 'base': ")
    assert len(lines(tiny)) == 1


def test_a_package_outside_of_git_has_its_version(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    assert commit(tmp_path) == version("rl-teacher")


def test_a_changed_package_is_marked(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        done = subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "package").mkdir()
    source = tmp_path / "package" / "__init__.py"
    source.write_text("")
    git("add", ".")
    git("commit", "-qm", "first")
    head = git("rev-parse", "--short", "HEAD")
    (tmp_path / "results.jsonl").write_text("{}")  # results beside the package do not change it
    assert commit(source.parent) == head
    source.write_text("changed")
    assert commit(source.parent) == f"{head}-dirty"
    assert PACKAGE.name == "rl_teacher"


def test_a_cluster_without_ray_is_one_line(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["bench", str(tiny), "--on", "auto"]) == 2
    assert "MissingExtra: --on: Ray is not installed. pip install 'rl-teacher[ray]'" in capsys.readouterr().err
    assert tiny.with_suffix(".jsonl").read_bytes() == b""

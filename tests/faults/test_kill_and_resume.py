"""kill -9 at any moment, then --resume: no label lost, and the same bytes as without the kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import RlTeacherError
from tests.interrupted import stop_at_saves

pytestmark = pytest.mark.long

WORDS = ["-p", "synth", "-l", "40", "-e", "ShortReacher-v1", "-t", "9000", "--ppo.rollout-steps", "16"]


def command(folder: Path, *words: str) -> list[str]:
    where = ["--runs-dir", str(folder), "--tb-dir", str(folder / "tb")]
    return [sys.executable, "-m", "rl_teacher", "teach", *WORDS, "-n", "x", *where, *words]


def weights(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "x" / "checkpoint.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if name != "head.json"}


def run_until(folder: Path, ready: str, *words: str) -> None:
    """Start the run, and kill it as soon as the file `ready` has something in it."""
    process = subprocess.Popen(command(folder, *words), stdout=subprocess.DEVNULL)
    path = folder / "x" / ready
    while process.poll() is None and not (path.exists() and path.stat().st_size):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(whole), check=True, stdout=subprocess.DEVNULL)
    run_until(killed, "labels.jsonl")
    answered = (killed / "x" / "labels.jsonl").read_text().splitlines()
    assert answered, "it was killed after the first labels"
    run_until(killed, "checkpoint.npz", "--resume")
    subprocess.run(command(killed, "--resume"), check=True, stdout=subprocess.DEVNULL)

    assert (killed / "x" / "labels.jsonl").read_text().splitlines()[: len(answered)] == answered
    first, second = weights(whole), weights(killed)
    assert first.keys() == second.keys()
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    for name in ("labels.jsonl", "comparisons.jsonl"):
        assert (whole / "x" / name).read_bytes() == (killed / "x" / name).read_bytes()


def config(folder: Path, **changes: object) -> RunConfig:
    from rl_teacher.config.flags import parse

    words = [*WORDS, "-n", "x", "--runs-dir", str(folder), "--tb-dir", str(folder / "tb")]
    for name, value in changes.items():
        words += [f"--{name}", str(value)] if value is not True else [f"--{name}"]
    return parse(words)


SAC = {"agent": "sac", "sac.hidden": "16", "sac.updates_per_step": 0.02, "sac.explore_steps": 2000}
CHOICES: list[dict[str, object]] = [{"reward.model": model} for model in ("ensemble", "constant", "untrained")] + [SAC]

SORTED: dict[str, object] = {"selection.rule": "sorted", "teacher": "mistake", "selection.list_clips": 12}
LONG_CLIPS: dict[str, object] = {"env_id": "CartPole-v1", "clip_length": 0.7}
"""Of 35 steps, where rollouts have 16 and episodes can end early."""
SMALL: dict[str, object] = {"ppo.num_envs": 8, "num_timesteps": 1600, "n_labels": 12}
PONG: dict[str, object] = {"env_id": "Pong", **SMALL}
MINATAR: dict[str, object] = {"env_id": "MinAtar/Breakout-v1", **SMALL}


@pytest.mark.parametrize("chosen", [*CHOICES, SORTED], ids=("ensemble", "constant", "untrained", "sac", "sorted"))
def test_labels_and_steps_equal_the_budgets_exactly(chosen: dict[str, object], tmp_path: Path) -> None:
    assert train(config(tmp_path, num_timesteps=5001, n_labels=33, **chosen)) == 0  # neither is a multiple of anything
    summary = json.loads((tmp_path / "x" / "summary.json").read_text())
    assert (summary["timesteps"], summary["labels"]) == (5001, 33)
    lines = (tmp_path / "x" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == 5001
    assert len((tmp_path / "x" / "labels.jsonl").read_text().splitlines()) == 33


@pytest.mark.parametrize(
    "chosen",
    [*CHOICES, LONG_CLIPS, SORTED, *(pytest.param(game, marks=pytest.mark.slow) for game in (PONG, MINATAR))],
    ids=("ensemble", "constant", "untrained", "sac", "clips of many rollouts", "sorted", "Pong", "MinAtar"),
)
def test_an_interrupt_at_any_iteration_and_resuming_gives_the_same_bytes(
    chosen: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config(tmp_path / "whole", **chosen))
    stop_at_saves(monkeypatch, False, True, False, False, True)
    assert train(config(tmp_path / "cut", **chosen)) == 130
    assert train(config(tmp_path / "cut", resume=True, **chosen)) == 130
    assert train(config(tmp_path / "cut", resume=True, **chosen)) == 0
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    labels = [(tmp_path / folder / "x" / "labels.jsonl").read_bytes() for folder in ("whole", "cut")]
    assert labels[0] == labels[1]


def test_a_damaged_checkpoint_is_refused_and_the_labels_stay(tmp_path: Path) -> None:
    train(config(tmp_path, num_timesteps=2000))
    labels = (tmp_path / "x" / "labels.jsonl").read_bytes()
    (tmp_path / "x" / "checkpoint.npz").write_bytes(b"not a checkpoint")
    with pytest.raises(RlTeacherError, match="damaged"):
        train(config(tmp_path, num_timesteps=2000, resume=True))
    assert (tmp_path / "x" / "labels.jsonl").read_bytes() == labels

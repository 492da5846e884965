"""The examples for Gymnasium, and the programs of docs/plug.md that use it, as they stand but shorter."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from rl_teacher import load_reward
from tests.programs import ROOT, example, programs

pytestmark = pytest.mark.long

PROGRAMS = [program for program in programs("docs/plug.md") if "integrations.gymnasium" in program]


def mean_length(weights: np.ndarray) -> float:
    """Steps that a linear policy keeps CartPole's pole up."""
    env, lengths = gymnasium.make("CartPole-v1"), []
    for seed in range(10):
        (obs, _), steps, is_over = env.reset(seed=seed), 0, False
        while not is_over:
            obs, _, terminated, truncated, _ = env.step(int(obs @ weights > 0))
            steps, is_over = steps + 1, terminated or truncated
        lengths.append(steps)
    return float(np.mean(lengths))


@pytest.mark.parametrize(("name", "num_steps"), [("gymnasium_loop", 4000), ("gymnasium_single", 1500)])
def test_examples_learn_meet_their_budget_and_leave_a_reward(name: str, num_steps: int, tmp_path: Path) -> None:
    others: dict[str, Any] = {"runs_dir": str(tmp_path), "tb_dir": str(tmp_path / "tb"), "log": lambda line: None}
    weights = example(name).train(num_steps, "short", labels=20, seed=1, **others)
    assert load_reward(tmp_path / "short" / "reward").labels == 20
    assert mean_length(weights) > 40, "at random 22"
    assert len((ROOT / "examples" / f"{name}.py").read_text().splitlines()) <= 50


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_on_the_page_run(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(PROGRAMS) == 2
    monkeypatch.setenv("HOME", str(tmp_path))
    short = program.replace("50_000", "1_500").replace("labels=60", "labels=16")
    assert short != program
    exec(compile(short, "program", "exec"), {"__name__": "program"})
    (folder,) = (tmp_path / "rl-teacher" / "runs").iterdir()
    assert load_reward(folder / "reward").labels == 16

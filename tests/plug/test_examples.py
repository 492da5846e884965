"""The examples for Stable-Baselines3, and the programs of README and docs/plug.md, as they stand but shorter."""

import importlib.util
import sys
from pathlib import Path

import pytest

from rl_teacher import load_reward
from tests.programs import example, programs

PAGES = ("README.md", "docs/plug.md")
OF_SB3 = [
    pytest.param(program, id=f"{page} {number}")
    for page in PAGES
    for number, program in enumerate(programs(page))
    if "stable_baselines3" in program
]


@pytest.mark.parametrize(("name", "steps"), [("sb3_ppo", 12_288), ("sb3_sac", 1_600)])
def test_examples_meet_their_budget_and_leave_a_reward(name: str, steps: int, tmp_path: Path) -> None:
    folders = {"runs_dir": str(tmp_path / "runs"), "tb_dir": str(tmp_path / "tb")}
    taught = example(name).main("short", labels=24, steps=steps, **folders)
    reward = load_reward(tmp_path / "runs" / "short" / "reward")
    assert reward.labels == taught.training.learner.dataset.num_labels == 24
    assert reward.looks_at


@pytest.mark.parametrize("program", OF_SB3)
def test_programs_on_pages_run(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OF_SB3
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    short = program.replace("50_000", "6_000").replace("labels=60", "labels=20")
    assert short != program
    exec(compile(short, "program", "exec"), {"__name__": "program"})
    assert load_reward(tmp_path / "rl-teacher" / "runs" / "cart" / "reward").labels == 20


def test_the_readme_shows_one() -> None:
    assert any("stable_baselines3" in program for program in programs("README.md"))
    assert "stable_baselines3" in sys.modules or importlib.util.find_spec("stable_baselines3")

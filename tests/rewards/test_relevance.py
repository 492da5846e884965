"""A run says what its reward looks at: in a line after the first labels, and in its summary."""

import json
from pathlib import Path

import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.flags import parse
from rl_teacher.envs.catalog import find_env, input_names


def test_a_run_names_what_its_reward_looks_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-p", "synth", "-l", "48", "-e", "ShortHopper-v1", "-t", "4096", "-n", "x", "-V"]
    where = ["--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path / "tb")]
    assert train(parse([*words, *where])) == 0
    looks = json.loads((tmp_path / "x" / "summary.json").read_text())["reward_looks_at"]
    # the true reward is that and the height
    assert max(looks, key=looks.__getitem__) == "more forward velocity of the torso"
    assert 0.5 < sum(looks.values()) <= 1.001
    assert "It looks at: " in capsys.readouterr().out


def test_tasks_have_names_for_all_numbers_and_other_environments_count_them() -> None:
    assert input_names(find_env("ShortReacher-v1"), 11, 2)[:2] == (
        "cosine of the shoulder angle",
        "cosine of the elbow angle",
    )
    assert len(input_names(find_env("Humanoid-v1"), 292, 17)) == 309
    assert input_names(find_env("CartPole-v1"), 2, 1) == ("observation 0", "observation 1", "action 0")

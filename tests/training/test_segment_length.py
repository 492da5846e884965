"""How long a clip is where nobody says: 1.5 s, or a whole episode where that is shorter."""

import dataclasses
import json
from pathlib import Path

import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.flags import parse
from rl_teacher.config.run import RunConfig
from rl_teacher.envs.catalog import find_env
from rl_teacher.training.segment_length import steps_of_segment, with_clip_length
from tests.completed import completed_flags


def completed(env: str, *words: str) -> tuple[RunConfig, list[str]]:
    return completed_flags(["-p", "synth", "-l", "20", "-e", env, "-n", "x", *words])


@pytest.mark.parametrize("env", ["ShortReacher-v1", "Hopper-v1", "Acrobot-v1", "gymnasium:Pendulum-v1"])
def test_a_clip_has_a_second_and_a_half_wherever_episodes_may_end(env: str) -> None:
    assert completed(env)[0].clip_length == 1.5
    assert not completed(env)[1]
    assert completed(env, "-c", "0.5") == (dataclasses.replace(completed(env)[0], clip_length=0.5), [])


@pytest.mark.parametrize(("env", "seconds"), [("CartPole-v1", 64 / 50), ("Hopper-v5", 64 / 125)])
def test_where_episodes_can_end_early_a_clip_has_at_most_64_steps(env: str, seconds: float) -> None:
    assert completed(env)[0].clip_length == seconds
    assert completed(env, "-c", "1.5")[0].clip_length == 1.5


@pytest.mark.parametrize(
    ("horizon", "seconds", "steps"), [(74, 1.48, 74), (75, 1.5, 75), (7, 0.14, 7), (None, 1.5, 75)]
)
def test_no_clip_is_longer_than_the_longest_episode(horizon: int | None, seconds: float, steps: int) -> None:
    fixed = {"is_fixed_horizon": True, "horizon": horizon}
    spec = dataclasses.replace(find_env("CartPole-v1"), **fixed)  # 50 steps per second
    config = with_clip_length(parse(["-p", "synth", "-l", "20", "-e", "CartPole-v1", "-n", "x"]), spec)
    assert (config.clip_length, steps_of_segment(config, spec)) == (pytest.approx(seconds), steps)


@pytest.mark.parametrize("steps", [1, 7, 29, 57, 58, 74])
def test_a_number_of_steps_survives_being_written_in_seconds(steps: int) -> None:
    spec = find_env("CartPole-v1")
    config = dataclasses.replace(completed("CartPole-v1", "-c", "1")[0], clip_length=steps / spec.clip_fps)
    assert steps_of_segment(config, spec) == steps


@pytest.mark.parametrize("seconds", [[], ["-c", "6"]])
def test_cartpole_is_taught_by_clips_that_show_how_the_pole_falls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: list[str]
) -> None:
    where = ["--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path / "tb")]
    words = ["-p", "synth", "-l", "24", "-e", "CartPole-v1", "-n", "x", "-t", "3000", *seconds, *where]
    assert train(parse(words)) == 0
    summary = json.loads((tmp_path / "x" / "summary.json").read_text())
    assert summary["labels"] == 24
    # random episodes have some 20 steps, so each clip ends, and the longer one is better
    assert any("more survival" in what for what in summary["reward_looks_at"])
    assert "No labeled clip shows the end" not in capsys.readouterr().out


def test_where_no_clip_shows_an_end_the_rule_for_survival_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # the pendulum's episodes run into their time limit, which is no end
    where = ["--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path / "tb")]
    words = ["-p", "synth", "-l", "24", "-e", "gymnasium:Pendulum-v1", "-n", "x", "-t", "3000", *where]
    assert train(parse(words)) == 0
    said = capsys.readouterr().out
    assert said.count("No labeled clip shows the end of an episode yet") == 1
    assert "docs/ends.md" in said
    assert train(parse([*words, "-n", "constant", "--reward.model", "constant"])) == 0
    assert "No labeled clip" not in capsys.readouterr().out, "it pays 1 for each step, whatever is known"


def test_a_clip_of_freeway_is_long_enough_to_cross_the_road() -> None:
    assert completed("MinAtar/Freeway-v1")[0].clip_length == 75 / 15
    assert completed("MinAtar/Asterix-v1")[0].clip_length == 25 / 15

"""How long a clip is where nobody says: no longer than half of the episodes of random actions."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.flags import parse
from rl_teacher.config.run import RunConfig
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.errors import NoSegments
from rl_teacher.training.segment_length import random_rollout, steps_of_segment, usual_episode_steps
from tests.completed import completed_flags


def completed(env: str, *words: str) -> tuple[RunConfig, list[str]]:
    return completed_flags(["-p", "synth", "-l", "20", "-e", env, "-n", "x", *words])


def test_the_usual_length_is_the_median_and_episodes_that_go_on_count_once_they_are_long_enough() -> None:
    env = "ShortReacher-v1"
    rollout = random_rollout(completed(env)[0], find_env(env), 6)
    assert rollout.episode_step.shape == (6, 8)
    # four environments, all twice: episodes of 3 steps and a 3 that goes on; 2, 4; 5 and one begun; 6 so far
    ends = np.zeros((6, 4), bool)
    ends[2, 0] = ends[1, 1] = ends[5, 1] = ends[4, 2] = True
    steps = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [2, 0, 2, 2], [0, 1, 3, 3], [1, 2, 4, 4], [2, 3, 0, 5]])
    ends, steps = np.tile(ends, 2), np.tile(steps, 2)
    by_hand = dataclasses.replace(rollout, terminated=ends, truncated=np.zeros_like(ends), episode_step=steps)
    assert usual_episode_steps(by_hand, 6) == 4  # of 2, 3, 4, 5, 6
    assert usual_episode_steps(by_hand, 3) == 3  # of 2, 3, 3, 3, 3 and the 3 that goes on


@pytest.mark.parametrize("env", ["ShortReacher-v1", "Hopper-v1", "Acrobot-v1", "gymnasium:Pendulum-v1"])
def test_where_episodes_are_long_a_clip_has_a_second_and_a_half(env: str) -> None:
    config, notes = completed(env)
    assert config.clip_length == 1.5
    assert not notes


def test_a_clip_of_cartpole_is_as_long_as_half_of_its_random_episodes() -> None:
    config, notes = completed("CartPole-v1")
    steps = steps_of_segment(config, find_env("CartPole-v1"))
    envs = make_envs(find_env("CartPole-v1"), 8, seed=5, num_threads=1)
    lengths, begun = [], np.zeros(8, int)
    envs.reset(seed=5)
    generator = np.random.default_rng(5)
    for step in range(1, 2001):
        _, _, terminated, _, _ = envs.step(generator.integers(0, 2, 8))
        lengths += list(step - begun[terminated])
        begun[terminated] = step
    envs.close()
    assert abs(steps - np.median(lengths)) <= 3  # some 19, of other actions
    assert notes == [
        f"Half of the episodes of random actions last {steps} steps or fewer: a clip has {steps} steps "
        f"({steps / 50:.2g} s) instead of 75. Use -c for another length."
    ]
    assert completed("CartPole-v1")[0] == config, "the same seed, the same length: --resume compares it"
    assert completed("CartPole-v1", "-c", "0.5") == (dataclasses.replace(config, clip_length=0.5), [])


@pytest.mark.parametrize("steps", [1, 7, 29, 57, 58, 74])
def test_a_number_of_steps_survives_being_written_in_seconds(steps: int) -> None:
    spec = find_env("CartPole-v1")
    config = dataclasses.replace(completed("CartPole-v1", "-c", "1")[0], clip_length=steps / spec.clip_fps)
    assert steps_of_segment(config, spec) == steps


def test_cartpole_runs_with_the_defaults_and_says_that_its_reward_makes_all_clips_ties(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path / "tb")]
    words = ["-p", "synth", "-l", "12", "-e", "CartPole-v1", "-n", "x", "-t", "3000", *where]
    assert train(parse(words)) == 0
    assert json.loads((tmp_path / "x" / "summary.json").read_text())["labels"] == 12
    assert "Nothing could be learned: none of 6 answers prefers a clip." in capsys.readouterr().out


def test_clips_that_no_episode_holds_are_refused_with_a_length_that_fits(tmp_path: Path) -> None:
    where = ["--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path / "tb")]
    words = ["-p", "synth", "-l", "12", "-e", "CartPole-v1", "-n", "x", "-t", "3000", "-c", "6", *where]
    with pytest.raises(NoSegments, match=r"no episode of random actions had the 300 steps.*Use --clip-length"):
        train(parse(words))

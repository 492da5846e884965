"""`rl-teacher label` with a program that answers: budget met, reward learned, nothing lost, next command right."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from made import STEPS, write_set

from rl_teacher.cli import main as rl_teacher
from rl_teacher.commands.label import command
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import DataMismatch, DataRefused, RunChanged, RunExists
from rl_teacher.rewards.portable import load_reward
from rl_teacher.training.interrupt import Interrupt

Label = Callable[..., int]


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_answers_of_the_sets_own_rewards_teach_them(
    label: Label, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_set(tmp_path / "made.hdf5")
    assert label(path, "-l", "24", "-c", "0.5") == 0
    run = tmp_path / "runs" / "made"
    asked, answered = lines(run / "comparisons.jsonl"), lines(run / "labels.jsonl")
    assert len(asked) == len({one["comparison"] for one in answered}) == 24
    assert json.loads((run / "summary.json").read_text())["labels"] == load_reward(run / "reward").labels == 24
    said = capsys.readouterr().out
    assert "480 steps of 12 episodes, which end only where they are cut off" in said
    (what_next,) = [line for line in said.splitlines() if line.startswith("Next: ")]
    words = shlex.split(what_next.removeprefix("Next: rl-teacher "))
    assert rl_teacher(words) == 0
    with h5py.File(path) as old, h5py.File(tmp_path / "made-made.hdf5") as new:
        assert np.corrcoef(old["rewards"][()], new["rewards"][()])[0, 1] > 0.95
        assert not load_reward(run / "reward").about.ends


@pytest.mark.slow
def test_where_episodes_end_the_reward_is_of_ends_too(label: Label, tmp_path: Path) -> None:
    path = write_set(tmp_path / "made.hdf5", ends=True)
    assert label(path, "-l", "12", "-c", "0.5") == 0
    assert load_reward(tmp_path / "runs" / "made" / "reward").about.ends
    reward = ["relabel", "made", "--runs-dir", str(tmp_path / "runs")]
    assert rl_teacher([*reward, str(path), "--to", str(tmp_path / "new.hdf5")]) == 0


@pytest.mark.slow
def test_stopped_and_resumed_is_as_never_stopped(
    label: Label, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_set(tmp_path / "made.hdf5")
    assert label(path, "-n", "whole", "-l", "16", "-c", "0.5") == 0

    class Impatient(Interrupt):
        """Ctrl-C after a few looks."""

        num = 0

        @property
        def is_asked(self) -> bool:
            Impatient.num += 1
            return Impatient.num > 8

        @is_asked.setter
        def is_asked(self, value: bool) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr(command, "Interrupt", Impatient)
        assert label(path, "-n", "made", "-l", "16", "-c", "0.5") == 130
    assert "Continue with the same command and --resume" in capsys.readouterr().out
    kept = lines(tmp_path / "runs" / "made" / "labels.jsonl")
    assert 8 <= len(kept) < 16
    with pytest.raises(RunExists):
        label(path, "-n", "made", "-l", "16", "-c", "0.5")
    write_set(path, episodes=13)
    with pytest.raises(RunChanged, match=r"480 steps of 12 episodes, and .*made\.hdf5 has 520 of 13"):
        label(path, "-n", "made", "-l", "16", "-c", "0.5", "--resume")
    write_set(path)
    assert label(path, "-n", "made", "-l", "16", "-c", "0.5", "--resume") == 0
    after = lines(tmp_path / "runs" / "made" / "labels.jsonl")
    assert after[: len(kept)] == kept
    whole, made = (load_reward(tmp_path / "runs" / name / "reward") for name in ("whole", "made"))
    assert whole.version == made.version


@pytest.mark.slow
def test_a_tiny_set_has_fewer_pairs_than_the_budget_and_that_is_no_error(label: Label, tmp_path: Path) -> None:
    path = write_set(tmp_path / "made.hdf5", episodes=2)
    # Two episodes of as many steps as a segment are one pair, which is asked once, however often it comes again.
    assert label(path, "-l", "10", "-c", str(STEPS / 30)) == 0
    assert len(lines(tmp_path / "runs" / "made" / "comparisons.jsonl")) == 1


@pytest.mark.slow
def test_actions_beyond_one_need_an_environment_that_says_what_they_are(label: Label, tmp_path: Path) -> None:
    path = write_set(tmp_path / "made.hdf5")
    with h5py.File(path, "r+") as file:
        file["actions"][0] = 2.0
    with pytest.raises(DataRefused, match=r"they do not lie within -1 and 1\. Name the environment by -e"):
        label(path, "-l", "10")
    with pytest.raises(DataMismatch, match="an action is 2 numbers, which is none of the environment"):
        label(path, "-l", "10", "-e", "ShortHopper-v1")
    assert label(path, "-l", "10", "-e", "ShortReacher-v1", "-c", "0.4") == 0
    reward = load_reward(tmp_path / "runs" / "made" / "reward")
    assert reward.env_id == "ShortReacher-v1"
    assert reward.about.names[0] == "observation 0"  # of other observations than the task's


def test_the_task_in_a_file_cannot_make_this_machine_import_anything(tmp_path: Path) -> None:
    from rl_teacher.commands.label.described import _known

    assert _known("antigravity:Hopper-v5", is_given=False) == (None, None)


def test_settings_without_an_agent_are_no_flags(label: Label, tmp_path: Path) -> None:
    from rl_teacher.commands.label.settings import parse_label
    from rl_teacher.errors import ConfigError

    given = parse_label(["a/b-v0", "--human.port", "0", "--reward.model", "ensemble"])
    assert given.config.predictor == "human"
    assert (given.config.n_labels, given.config.name) == (100, "a-b-v0")
    assert given.config.reward.model == "ensemble"
    for word in ("--ppo.discount=0.9", "-t=5", "-a=sac"):
        with pytest.raises(ConfigError, match="rl-teacher label"):
            parse_label(["a/b-v0", word])
    assert isinstance(given.config, RunConfig)

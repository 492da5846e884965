"""docs/tutorial.md: its commands, its figures and its program are those of the code."""

import shlex
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_teacher.cli import main
from rl_teacher.config.flags import parse
from rl_teacher.preferences.schedules import labels_required
from rl_teacher.teachers.scripted import SegmentView
from tests.completed import completed_flags
from tests.programs import commands, example, programs, teach_words

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text()
COMMANDS = commands(TEXT)
CLICKS, PROGRAM = (words for command in COMMANDS if (words := teach_words(command)))
"""Flags of the two commands that teach."""
SMALL = (
    "-t 2000 -l 6 -w 1 --ppo.num_envs 1 --ppo.rollout_steps 300 --ppo.minibatch_size 300 --ppo.num_epochs 1 "
    "--reward.min_steps 1 --reward.max_steps 25 --selection.segments_per_iteration 4"
)


def test_people_teach_first_and_then_a_program() -> None:
    assert [parse(CLICKS).predictor, parse(PROGRAM).predictor] == ["human", "synth"]
    assert parse(CLICKS).env_id == parse(PROGRAM).env_id == "Hopper-v1"


def test_what_is_filmed_is_what_was_taught() -> None:
    filmed = [shlex.split(command)[2:] for command in COMMANDS if command.startswith("rl-teacher replay ")]
    assert filmed == [[parse(CLICKS).name], [parse(PROGRAM).name]]
    assert f"`~/rl-teacher/runs/{parse(CLICKS).name}/replay.mp4`" in TEXT


def test_the_numbers_of_answers_are_those_of_the_commands() -> None:
    first = completed_flags(CLICKS)[0].pretrain_labels
    assert first is not None
    words = " ".join(TEXT.split())
    assert f"`0/{first} comparisons labeled`. After {labels_required(first)} answers" in words
    assert f"only which clip is better, {completed_flags(PROGRAM)[0].n_labels} times" in words


def test_the_judge_that_is_shown_is_the_one_that_is_named() -> None:
    """Both give the same answers about all pairs of some clips."""
    (shown,) = programs("docs/tutorial.md")
    namespace: dict[str, Any] = {}
    exec(shown, namespace)
    generator, clips = np.random.default_rng(5), []
    for turn in (0.0, 0.0, 0.03, -0.04, 0.5, -0.5, 6.0):
        states = generator.normal(1.0, 0.3, (20, 12))
        states[:, 2] = np.linspace(0, turn, 20)
        clips.append(SegmentView(states, states[:, :3], states, states[:, 0], dt=0.008))
    path, name = parse(PROGRAM).teacher.split(":")
    assert (ROOT / path).is_file()
    theirs = getattr(example(Path(path).stem), name)
    answers = [(namespace[name](left, right), theirs(left, right)) for left in clips for right in clips]
    assert all(here == there for here, there in answers)
    assert {here for here, _ in answers} == {"left", "right", "tie"}


@pytest.mark.slow
def test_the_part_without_people_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, name = signal.getsignal(signal.SIGINT), parse(PROGRAM).name
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(ROOT)
    assert main([*PROGRAM, *SMALL.split()], command="teach") == 0
    assert main(["replay", name]) == 0
    signal.signal(signal.SIGINT, before)
    out = capsys.readouterr().out
    assert "It looks at: " in out
    assert f"{tmp_path}/rl-teacher/runs/{name}/replay.mp4" in out

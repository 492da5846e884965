"""What people are told a run is about: the user's words, those of a guide, or ours."""

import dataclasses

import pytest

from rl_teacher.commands.bench.tasks import RANDOM_RETURNS
from rl_teacher.config.flags import parse
from rl_teacher.config.run import MAX_TASK, to_json
from rl_teacher.config.upgrades import read_begun, refuse_other
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError
from rl_teacher.integrations.settings import settings
from rl_teacher.people.connection import experiment_spec
from rl_teacher.training.complete import complete
from rl_teacher.training.task_sentence import is_own_task


def completed(env_id: str, *words: str, predictor: str = "human") -> tuple[str, list[str]]:
    """The task of a run, and what its user is told."""
    config, notes = complete(parse(["-p", predictor, "-e", env_id, "-n", "x", *words]), find_env(env_id))
    return config.task, [note for note in notes if "task" in note]


@pytest.mark.parametrize("env_id", RANDOM_RETURNS)
def test_each_of_the_nine_tasks_has_a_sentence_that_fits_above_the_clips(env_id: str) -> None:
    task, notes = completed(env_id)
    assert 10 < len(task) <= MAX_TASK
    assert task in notes[0]
    assert "Use --task for another sentence" in notes[0]


def test_colors_of_the_sentence_are_those_of_the_clips() -> None:
    assert (
        completed("ShortReacher-v1")[0] == "Bring the blue tip to the orange ball and keep it there"
    )  # video/paint.py


def test_the_users_words_win() -> None:
    said = ["--task", "Stand on one leg, the other foot high"]
    assert completed("Hopper-v1", *said) == (said[1], [])
    assert completed("CartPole-v1", *said, "--human.guideline", "# Other") == (said[1], [])


def test_the_first_line_of_a_guide_is_the_task_as_it_always_was() -> None:
    assert completed("Hopper-v1", "--human.guideline", "# Hop far\n\n- Lying is bad.")[0] == "Hop far"
    assert completed("Hopper-v1", "--human.guideline", "x" * 200)[0] == "x" * 139 + "…"


def test_where_nobody_knows_the_task_the_page_asks_and_the_program_says_so() -> None:
    task, notes = completed("CartPole-v1")
    assert task == ""
    assert notes == ['The labeling page asks you what the agent should learn; --task "..." says it here.']


@pytest.mark.parametrize("words", [("--resume",), ("--resume", "--human.guideline", "Hop far")])
def test_a_run_that_goes_on_says_nothing_unless_its_user_does(words: tuple[str, ...]) -> None:
    assert completed("Hopper-v1", *words) == ("", [])
    assert completed("Hopper-v1", "--task", "Stand", *words) == ("Stand", [])


def test_nobody_is_told_anything_where_a_program_answers() -> None:
    assert completed("Hopper-v1", "-l", "100", predictor="synth") == ("", [])


@pytest.mark.parametrize("task", ["x" * 141, "two\nlines", " padded"])
def test_what_is_no_line_is_refused(task: str) -> None:
    with pytest.raises(ConfigError, match=r"--task: got .*, expected one line of at most 140 characters"):
        parse(["-p", "human", "-e", "Hopper-v1", "-n", "x", "--task", task])


def test_another_task_is_no_other_run() -> None:
    config, _ = complete(parse(["-p", "human", "-e", "Hopper-v1", "-n", "x"]), find_env("Hopper-v1"))
    other = dataclasses.replace(config, task="Stand")
    refuse_other(other, read_begun(to_json(config)), "run 'x'")
    assert experiment_spec(config).config_hash == experiment_spec(other).config_hash
    assert experiment_spec(other).task == "Stand"


def test_other_libraries_say_it_too() -> None:
    words = {"labels": 4, "steps": 100, "teacher": "people"}
    config, _ = settings("x", find_env("CartPole-v1"), "a", task="Keep it up", **words)  # type: ignore[arg-type]
    assert experiment_spec(config).task == "Keep it up"
    assert settings("x", find_env("CartPole-v1"), "a", **words)[0].task == ""  # type: ignore[arg-type]


def test_a_task_of_ones_own_is_another_one_than_the_robots_and_what_a_judge_of_ones_own_teaches() -> None:
    hopper = find_env("Hopper-v1")
    usual, _ = complete(parse(["-p", "human", "-e", "Hopper-v1", "-n", "x"]), hopper)
    assert not is_own_task(usual, hopper)
    assert is_own_task(dataclasses.replace(usual, task="Stand"), hopper)
    judged = ["-p", "synth", "-e", "Hopper-v1", "-n", "x", "-l", "9", "--teacher"]
    assert is_own_task(parse([*judged, "examples/circus/backflip.py:prefer"]), hopper)
    assert not is_own_task(parse([*judged, "oracle"]), hopper)

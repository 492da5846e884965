"""What people are told of their lesson, and what the terminal says at its end."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.run import RunConfig
from rl_teacher.envs.catalog import find_env, find_task
from rl_teacher.people.client.messages import Lesson
from rl_teacher.training.build import build_agent, build_run
from rl_teacher.training.complete import complete
from rl_teacher.training.farewell import farewell
from rl_teacher.training.interrupt import Interrupt
from rl_teacher.training.lesson import LessonReport, next_commands
from rl_teacher.training.parts import build_teacher
from rl_teacher.training.run import Run
from rl_teacher.training.segment_length import with_clip_length
from rl_teacher.training.state import TeachState
from rl_teacher.training.summary import evaluate_random
from rl_teacher.training.task_sentence import is_own_task
from rl_teacher.training.world import open_world
from tests.completed import parse

SUMMARY = {"labels": 1, "timesteps": 40_000, "final_true_return_deterministic": -3.14159}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that has ended, with 20 labels, of which 10 came before training."""
    folder = tmp_path_factory.mktemp("runs")
    config = parse(
        ["-p", "synth", "-l", "20", "-L", "10", "-e", "ShortReacher-v1", "--no-videos", "--runs-dir", str(folder),
         "--tb-dir", str(folder / "tb"), "-n", "my x", "-t", "2000", "-w", "1"]
    )  # fmt: skip
    assert train(config) == 0
    spec = find_env(config.env_id)
    config, _ = complete(config, spec)
    config = with_clip_length(config, spec)
    world = open_world(config, spec)
    made = build_run(config, world, folder / "my-x", build_teacher(config, spec), Interrupt(print), log=print)
    assert made.checkpoints.restore(TeachState(0, 0, build_agent(config, world))) is not None
    yield made
    made.reporter.close()
    world.collector.close()


def test_each_thing_is_told_once_and_the_first_answers_are_three_quarters(run: Run) -> None:
    told: list[Lesson] = []
    assert run.learner is not None
    report = LessonReport(run.config, run.learner, run.world.input_names, told.append)
    report.waits()
    report.waits()
    assert told == [Lesson(first_labels=7, label_budget=20)]  # 3 * 10 // 4
    report.goes_on()
    report.goes_on()
    assert len(told) == 2
    assert (told[1].has_begun, told[1].ending) == (True, None)
    shares = [int(share) for share in re.findall(r"\((\d+) %\)", told[1].relevances)]
    assert shares
    assert min(shares) >= 5
    report.ends(2000, -10.0, None)
    assert told[2].relevances == told[1].relevances
    assert told[2].ending is not None
    assert (told[2].ending.labels, told[2].ending.before, told[2].ending.after) == (20, -10.0, None)
    assert told[2].ending.commands == tuple(
        f"rl-teacher {word} my-x --runs-dir {run.config.runs_dir}" for word in ("replay", "plot")
    )


def test_who_teaches_something_else_is_not_told_the_true_return(run: Run) -> None:
    told: list[Lesson] = []
    assert run.learner is not None
    LessonReport(run.config, run.learner, run.world.input_names, told.append, is_own_task=True).ends(2000, -10.0, -4.0)
    ending = told[0].ending
    assert ending is not None
    assert (ending.before, ending.after, ending.is_true) == (None, None, False)
    spec = run.world.spec
    sentence = find_task(spec.canonical_id).sentence
    tasks = {"": False, sentence: False, "Spin the arm": True}
    assert {task: is_own_task(replace(run.config, task=task), spec) for task in tasks} == tasks


def test_random_actions_are_measured_in_whole_episodes_and_the_same_each_time(run: Run) -> None:
    # 20 steps; random actions bring -4.4 on average (README), 32 episodes with a spread of some 1.5
    found = evaluate_random(run)
    assert found is not None
    assert -6.0 < found < -3.0
    for others in ("random_actions", "held_actions"):  # what they are measured by is not what is asked about
        assert evaluate_random(replace(run, config=replace(run.config, pretrain_rollouts=others))) == found


def test_who_keeps_runs_where_they_belong_types_no_folder() -> None:
    assert next_commands(RunConfig(name="a b")) == ("rl-teacher replay a-b", "rl-teacher plot a-b")


def test_the_farewell_is_two_sentences() -> None:
    config = RunConfig(env_id="ShortReacher-v1", predictor="human", name="x")
    folder = Path("runs/x")
    told, then = farewell(config, SUMMARY, -10.25, folder)
    assert told == (
        "Done after 40,000 steps with 1 label: an episode of ShortReacher-v1 now returns -3.1, "
        "with random actions -10.2."
    )
    assert then == "`rl-teacher replay x` shows the agent, and the figures are in runs/x/summary.json."
    without = farewell(config, SUMMARY | {"final_true_return_deterministic": None, "labels": 1400}, None, folder)[0]
    assert without == "Done after 40,000 steps with 1,400 labels."
    own = farewell(config, SUMMARY, -10.25, folder, is_own_task=True)[0]
    assert own == told.partition(":")[0] + "."
    by_rl = farewell(RunConfig(env_id="E", predictor="rl", name="x"), SUMMARY, None, folder)[0]
    assert by_rl == "Done after 40,000 steps with the true reward: an episode of E now returns -3.1."

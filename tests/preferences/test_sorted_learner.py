"""The learner with `selection.rule = sorted`: budgets, ids, who waits for whom, and what a crash leaves."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.segment import Segment
from rl_teacher.errors import ConfigError
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.preferences.rounds import sizes
from rl_teacher.preferences.schedules import ConstantInSeconds
from rl_teacher.preferences.sorting import AT_ONCE
from rl_teacher.ranking.ranking import rank
from rl_teacher.records import Comparison, Label, Preference
from rl_teacher.rewards.baselines import ConstantReward
from rl_teacher.teachers.synthetic import SyntheticTeacher, preset
from tests.preferences.test_learner import STEPS, Patient, finish, learner, rollout, rollouts, turns

SORTED = SelectionConfig(rule="sorted", segments_per_iteration=12, list_clips=12)


def sorting(folder: Path, teacher: object = None, **changes: object) -> PreferenceLearner:
    one = learner(folder, teacher or SyntheticTeacher("mistake", preset("mistake"), 1), **changes)  # type: ignore[arg-type]
    one._selection = SORTED
    one._reward = ConstantReward.build(RewardModelConfig())  # which questions come does not depend on it
    return one


def lines(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()


def test_the_budget_is_met_exactly_and_each_comparison_has_an_id_of_its_own(tmp_path: Path) -> None:
    one = sorting(tmp_path)
    finish(one.pretrain(rollouts()))
    assert one.dataset.num_labels == 8
    turns(one, 1, 11)
    asked = one.dataset.comparisons
    assert one.dataset.num_labels == len(asked) == len({each.id for each in asked}) == 40
    shown = {clip for each in asked for clip in (each.left, each.right)}
    assert len(shown) < 40, "random pairs would have shown 80 clips"


def test_only_what_was_asked_is_trained_on_and_stored(tmp_path: Path) -> None:
    one = sorting(tmp_path)
    finish(one.pretrain(rollouts()))
    turns(one, 1, 11)
    labeled = one.dataset.labeled()
    assert labeled is not None
    assert len(labeled) == len(lines(tmp_path, "comparisons.jsonl").splitlines()) == 40


def test_the_log_alone_gives_the_same_list(tmp_path: Path) -> None:
    one = sorting(tmp_path)
    finish(one.pretrain(rollouts()))
    turns(one, 1, 11)
    again = sorting(tmp_path)
    again._log.read(again.dataset)
    assert rank(again.dataset.answers()) == rank(one.dataset.answers())
    assert len(rank(one.dataset.answers())[0].clips) >= 8


def test_programs_are_asked_few_at_a_time_and_what_is_next_depends_on_what_they_said(tmp_path: Path) -> None:
    rounds: list[int] = []

    class Counting(SyntheticTeacher):
        def ask(self, comparisons: Sequence[Comparison], segments: Mapping[str, Segment]) -> None:
            rounds.append(len(comparisons))
            super().ask(comparisons, segments)

    one = sorting(tmp_path, Counting("oracle", preset("oracle"), 1))
    finish(one.pretrain(rollouts()))
    turns(one, 1, 11)
    assert rounds[0] == 8
    assert max(rounds[1:]) <= AT_ONCE
    assert sum(rounds) == 40


def test_fifteen_questions_are_asked_in_three_parts() -> None:
    assert list(sizes(15, SORTED, at_once=True)) == [6, 6, 3]
    assert list(sizes(15, SORTED, at_once=False)) == [15]
    assert list(sizes(15, SelectionConfig(), at_once=True)) == [15]


def test_people_have_several_clips_to_place_at_once_and_none_twice(tmp_path: Path) -> None:
    teacher = Patient(room=4)
    one = sorting(tmp_path, teacher, schedule=ConstantInSeconds(8, seconds_per_label=1.0))
    for step in one.pretrain(rollouts()):
        if step.is_waiting:
            teacher.coming = [Label(id_, Preference.LEFT, "somebody", "") for id_ in teacher.asked]
    one.observe(rollout(1), 1, STEPS)
    one.ask_and_listen(seconds=50.0)
    open_now = one.dataset.open()
    assert len(open_now) == 4
    clips = Counter(clip for each in open_now for clip in (each.left, each.right))
    assert max(clips.values()) == 1
    # One of them answers: one more question, about clips that wait for nothing.
    teacher.coming, teacher.wants = [Label(open_now[0].id, Preference.RIGHT, "somebody", "")], 0
    one.ask_and_listen(seconds=50.0)
    teacher.wants = 1
    one.ask_and_listen(seconds=50.0)
    clips = Counter(clip for each in one.dataset.open() for clip in (each.left, each.right))
    assert len(one.dataset.open()) == 4
    assert max(clips.values()) == 1


def test_who_cannot_tell_is_asked_about_other_pairs(tmp_path: Path) -> None:
    told = itertools.count()

    class Silent(SyntheticTeacher):
        def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
            return [
                dataclasses.replace(label, preference=Preference.CANT_TELL) if next(told) % 3 == 0 else label
                for label in super().poll(timeout_s)
            ]

    one = sorting(tmp_path, Silent("oracle", preset("oracle"), 1))
    finish(one.pretrain(rollouts()))
    turns(one, 1, 11)
    assert one.dataset.num_labels == 40


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_what_a_crash_takes_back_is_asked_again_under_the_same_ids(cut: int, tmp_path: Path) -> None:
    whole = sorting(tmp_path / "whole")
    finish(whole.pretrain(rollouts()))
    turns(whole, 1, 11)
    first = sorting(tmp_path / "cut")
    finish(first.pretrain(rollouts()))
    turns(first, 1, cut)
    kept = first.snapshot()
    turns(first, cut, min(cut + 2, 11))
    again = sorting(tmp_path / "cut")
    again.recall()
    again.restore(kept, cut, (cut - 1) * STEPS)
    turns(again, cut, 11)
    for name in ("labels.jsonl", "comparisons.jsonl"):
        assert lines(tmp_path / "cut", name) == lines(tmp_path / "whole", name)


def test_lists_have_a_length_that_makes_sense() -> None:
    for wrong in (7, 129):
        with pytest.raises(ConfigError, match=rf"selection.list_clips: got {wrong}, expected in 8..128"):
            SelectionConfig(list_clips=wrong)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made = sorting(tmp_path / name)
        finish(made.pretrain(rollouts()))
        turns(made, 1, 6)
    assert lines(tmp_path / "one", "labels.jsonl") == lines(tmp_path / "two", "labels.jsonl")
    assert np.array_equal(
        *(np.frombuffer(lines(tmp_path / name, "comparisons.jsonl"), np.uint8) for name in ("one", "two"))
    )

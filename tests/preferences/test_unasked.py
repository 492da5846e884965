"""Labels of comparisons that people made themselves: kept with their arrays, and trained on."""

from pathlib import Path

import numpy as np

from rl_teacher.preferences.schedules import ConstantInSeconds
from rl_teacher.records import Label, Preference, make_id
from tests.preferences.test_learner import STEPS, Patient, learner, rollout, rollouts


def pretrained(folder: Path):
    teacher = Patient(room=0)
    one = learner(folder, teacher, ConstantInSeconds(8, seconds_per_label=1.0))
    for step in one.pretrain(rollouts()):
        if step.is_waiting:
            teacher.coming = [Label(id_, Preference.LEFT, "somebody", "") for id_ in teacher.asked]
    one.observe(rollout(1), 1, STEPS)
    return one, teacher


def by_hand(number: int, left: str, right: str) -> Label:
    """What the server sends when a clip was put above another."""
    return Label(make_id("by hand", number), Preference.LEFT, "somebody", "now", (left, right))


def test_a_comparison_that_nobody_asked_for_is_kept_and_trained_on(tmp_path: Path) -> None:
    one, teacher = pretrained(tmp_path)
    first, second = one.dataset.comparisons[:2]
    teacher.coming = [by_hand(0, first.left, second.right), by_hand(1, second.left, first.right)]
    one.listen()
    assert one.dataset.num_labels == 10
    made = one.dataset.comparisons[8]
    assert (made.id, made.left, made.right, made.step) == (make_id("by hand", 0), first.left, second.right, STEPS)
    labeled = one.dataset.labeled()
    assert labeled is not None
    left = one.dataset.segment(first.left)
    assert left is not None
    np.testing.assert_array_equal(labeled.obs[8, 0], left.obs[0])
    assert labeled.target[8] == 1.0


def test_it_is_on_disk_and_comes_back_with_its_arrays(tmp_path: Path) -> None:
    one, teacher = pretrained(tmp_path)
    first, second = one.dataset.comparisons[:2]
    teacher.coming = [by_hand(0, first.left, second.right)]
    one.listen()
    again = learner(tmp_path, Patient())
    again.recall()
    assert again.dataset.num_labels == 9
    before, after = one.dataset.labeled(), again.dataset.labeled()
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.obs, after.obs)


def test_hearing_it_twice_changes_nothing(tmp_path: Path) -> None:
    one, teacher = pretrained(tmp_path)
    first, second = one.dataset.comparisons[:2]
    for _ in range(2):  # after a crash the feed is read from its beginning
        teacher.coming = [by_hand(0, first.left, second.right), by_hand(0, first.left, second.right)]
        one.listen()
    assert one.dataset.num_labels == 9
    assert len((tmp_path / "comparisons.jsonl").read_text().splitlines()) == 9
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == 9


def test_clips_of_another_run_are_left_alone(tmp_path: Path) -> None:
    one, teacher = pretrained(tmp_path)
    teacher.coming = [
        by_hand(0, one.dataset.comparisons[0].left, "unknown"),
        Label("x", Preference.LEFT, "somebody", ""),
    ]
    one.listen()
    assert one.dataset.num_labels == 8


def test_it_uses_up_budget_so_that_fewer_are_asked(tmp_path: Path) -> None:
    one, teacher = pretrained(tmp_path)
    first, second = one.dataset.comparisons[:2]
    teacher.coming = [by_hand(0, first.left, second.right)]
    one.listen()
    teacher.wants = 12
    one.ask_and_listen(seconds=3.0)  # 11 are wanted by now: 8 before training, one by hand, two asked
    assert len(teacher.asked) == 10

import dataclasses

import numpy as np
import pytest

from rl_teacher.core.arrays import Segments
from rl_teacher.core.frame_stacks import FrameStacks
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.records import Comparison, Label, Preference, make_id
from tests.preferences.rollouts import pool

NUM = 6
COMPARISONS = [Comparison(make_id("run", i), f"segment {i}", f"segment {i + 1}", 0) for i in range(NUM)]


def label(row: int, preference: Preference | None, labeler: str = "someone") -> Label:
    return Label(COMPARISONS[row].id, preference, labeler, "")


@pytest.fixture
def dataset() -> Dataset:
    filled = Dataset()
    segments = pool(NUM + 1)
    filled.add(COMPARISONS, segments.take(np.arange(NUM)), segments.take(np.arange(1, NUM + 1)))
    return filled


def test_open_comparisons_use_budget_and_are_not_trained_on(dataset: Dataset):
    assert (dataset.num_budgeted, dataset.num_answered, dataset.num_labels) == (NUM, 0, 0)
    assert dataset.labeled() is None


def test_cant_tell_is_an_answer_that_costs_nothing_and_teaches_nothing(dataset: Dataset):
    dataset.label([label(0, Preference.CANT_TELL), label(1, Preference.TIE), label(2, Preference.LEFT)])
    assert (dataset.num_budgeted, dataset.num_answered) == (NUM - 1, 3)
    assert (dataset.num_labels, dataset.num_decisive) == (2, 1)
    assert len(dataset.labeled()) == 2


def test_targets_are_the_probability_that_left_is_preferred(dataset: Dataset):
    dataset.label([label(0, Preference.LEFT), label(1, Preference.RIGHT), label(2, Preference.TIE)])
    assert dataset.labeled().target.tolist() == [1.0, 0.0, 0.5]


def test_labeled_comparisons_stand_in_the_order_of_asking_with_left_first(dataset: Dataset):
    dataset.label([label(4, Preference.LEFT), label(1, Preference.RIGHT)])
    batch = dataset.labeled()
    assert batch.target.tolist() == [0.0, 1.0]
    # comparison i is of segments i and i + 1, whose action and rewards are their row; four steps each
    np.testing.assert_array_equal(batch.action[:, :, 0, 0], [[1, 2], [4, 5]])
    np.testing.assert_array_equal(batch.obs[:, :, 0, 0], [[1, 2], [4, 5]])
    np.testing.assert_array_equal(batch.true_return, [[4, 8], [16, 20]])


def test_a_revision_replaces_and_does_not_count_twice(dataset: Dataset):
    dataset.label([label(0, Preference.LEFT)])
    dataset.label([label(0, Preference.RIGHT), label(0, Preference.TIE)])
    assert dataset.labeled().target.tolist() == [0.5]
    assert (dataset.num_answered, dataset.num_labels, dataset.num_budgeted) == (1, 1, NUM)


def test_a_withdrawn_label_is_not_trained_on_and_its_question_is_open_again(dataset: Dataset):
    dataset.label([label(0, Preference.LEFT), label(0, None)])
    assert (dataset.num_answered, dataset.num_labels, dataset.num_open) == (0, 0, NUM)
    assert dataset.labeled() is None
    dataset.label([label(0, Preference.RIGHT)])
    assert (dataset.num_labels, dataset.num_open, dataset.num_budgeted) == (1, NUM - 1, NUM)


def test_a_question_that_was_taken_back_costs_nothing_and_takes_a_late_answer(dataset: Dataset):
    dataset.label([label(0, Preference.TAKEN_BACK, "trainer")])
    assert (dataset.num_answered, dataset.num_open, dataset.num_budgeted) == (0, NUM - 1, NUM - 1)
    assert COMPARISONS[0] not in dataset.open()
    dataset.label([label(0, Preference.RIGHT)])  # it was on a screen when it was taken back
    assert (dataset.num_answered, dataset.num_labels, dataset.num_budgeted) == (1, 1, NUM)


def test_several_labelers_of_a_comparison_are_one_row_with_their_mean(dataset: Dataset):
    dataset.label([label(0, Preference.LEFT, "ann"), label(0, Preference.LEFT, "bob"), label(0, Preference.TIE, "cid")])
    dataset.label([label(0, Preference.CANT_TELL, "dan")])
    assert dataset.labeled().target.tolist() == [pytest.approx(2.5 / 3)]
    assert (dataset.num_answered, dataset.num_labels) == (1, 1)


def test_changes_are_counted_where_what_is_trained_on_changes(dataset: Dataset):
    said = [label(0, Preference.LEFT), label(1, Preference.CANT_TELL), label(0, Preference.LEFT)]
    assert dataset.label(said) == [COMPARISONS[0].id]
    assert dataset.label([label(0, Preference.RIGHT), label(0, None)]) == [COMPARISONS[0].id] * 2
    assert dataset.num_changes == 3


def test_keys_belong_to_comparisons_whatever_else_is_labeled(dataset: Dataset):
    dataset.label([label(3, Preference.LEFT)])
    (key,) = dataset.labeled().key.tolist()
    dataset.label([label(0, Preference.LEFT), label(3, Preference.RIGHT)])
    keys = dataset.labeled().key.tolist()
    assert keys[1] == key
    assert len(set(keys)) == 2
    assert all(0 <= one < 2**60 for one in keys)


def test_asking_again_changes_nothing(dataset: Dataset):
    segments = pool(1)
    dataset.add([COMPARISONS[2]], segments, segments)
    assert len(dataset.comparisons) == NUM
    dataset.label([label(2, Preference.LEFT)])
    np.testing.assert_array_equal(dataset.labeled().action[0, :, 0, 0], [2, 3])


def test_answers_to_unknown_comparisons_are_left_out(dataset: Dataset):
    dataset.label([Label("of another run", Preference.LEFT, "someone", "")])
    assert dataset.num_answered == 0


def test_asked_pairs_are_known_in_either_order(dataset: Dataset):
    assert frozenset(("segment 1", "segment 0")) in dataset.asked
    assert len(dataset.asked) == NUM


# -- pictures ---------------------------------------------------------------------------------------------------------


def picture_pool(num: int, *, is_stacked: bool = True) -> Segments:
    """Segments of pictures, each of the newest three frames; or of pictures that have nothing to do with each other."""
    drawn = pool(num)
    steps = drawn.true_reward.shape[1]
    frames = np.random.default_rng(0).integers(0, 256, (num, steps + 2, 9, 8, 1), np.uint8)
    obs = np.asarray(FrameStacks(frames, 3)) if is_stacked else np.repeat(frames[:, 2:], 3, -1)
    return dataclasses.replace(drawn, obs=obs)


@pytest.mark.parametrize("is_stacked", [True, False])
def test_pictures_come_back_as_they_were(is_stacked: bool):
    dataset, segments = Dataset(), picture_pool(NUM + 1, is_stacked=is_stacked)
    dataset.add(COMPARISONS, segments.take(np.arange(NUM)), segments.take(np.arange(1, NUM + 1)))
    dataset.label([label(2, Preference.LEFT), label(4, Preference.TIE)])
    labeled = dataset.labeled()
    assert labeled is not None
    assert isinstance(labeled.obs, FrameStacks) is is_stacked
    expected = np.stack([segments.obs[[2, 4]], segments.obs[[3, 5]]], 1)
    np.testing.assert_array_equal(np.asarray(labeled.obs), expected)
    ((_, left, right),) = dataset.pairs([COMPARISONS[3].id])
    np.testing.assert_array_equal(np.concatenate([left.obs, right.obs]), segments.obs[[3, 4]])


def test_a_segment_is_kept_once_however_often_it_is_asked_about():
    dataset, segments = Dataset(), picture_pool(2)
    many = [Comparison(make_id("run", i), "segment 0", "segment 1", 0) for i in range(50)]
    rows = np.zeros(50, np.int64)
    dataset.add(many, segments.take(rows), segments.take(rows + 1))
    dataset.label([Label(one.id, Preference.LEFT, "someone", "") for one in many])
    labeled = dataset.labeled()
    assert labeled is not None
    np.testing.assert_array_equal(np.asarray(labeled.obs)[:, 0], segments.obs[[0] * 50])
    assert len(dataset._segments) == 2

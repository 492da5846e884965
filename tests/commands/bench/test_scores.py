"""Scores and what is said of many of them, by hand."""

import numpy as np
import pytest

from rl_teacher.commands.bench.scores import bootstrap_interval, interquartile_mean, mean, score, spread
from rl_teacher.commands.bench.tasks import PAPER_TASKS, RANDOM_RETURNS
from tests.envs.test_returns import QUICK, SLOW


def test_a_score_is_0_for_random_and_1_for_the_true_reward() -> None:
    # (550 - 100) / (1100 - 100) = 0.45; negative returns too: (-4.4 - -4.4) / 2, (-2.4 - -4.4) / 2, (-3.4 - -4.4) / 2
    np.testing.assert_allclose(score(np.array([100.0, 1100, 550, 1200]), 100, 1100), [0, 1, 0.45, 1.1])
    np.testing.assert_allclose(score(np.array([-4.4, -2.4, -3.4]), -4.4, -2.4), [0, 1, 0.5])


def test_there_is_no_score_where_the_true_reward_taught_nothing() -> None:
    assert np.isnan(score(np.array([5.0, 7.0]), 10, 10)).all()
    assert np.isnan(score(np.array([5.0, 7.0]), 10, 9)).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([4.0, 1, 100, 2], 3.0),  # sorted 1 2 4 100; the middle half is 2 and 4
        ([0.0, 1, 2, 3, 4, 5, 6, 99], 3.5),  # 2 3 4 5
        ([0.0, 1, 5], (0.25 * 0 + 1 + 0.25 * 5) / 1.5),  # 0.75 is cut from each end: a quarter of 0 and of 5 is left
        ([1.0, 2], 1.5),  # half of each
        ([7.0], 7.0),
        ([9.0, 0, 1, 2, 3], (0.75 * 1 + 2 + 0.75 * 3) / 2.5),  # 1.25 is cut from each end
    ],
)
def test_the_interquartile_mean_is_the_mean_of_the_middle_half(values: list[float], expected: float) -> None:
    assert interquartile_mean(np.array(values)) == pytest.approx(expected)


def test_the_interquartile_mean_of_rows_is_that_of_each() -> None:
    rows = np.array([[4.0, 1, 100, 2], [1.0, 1, 1, 1]])
    np.testing.assert_allclose(interquartile_mean(rows), [3, 1])


def test_one_wild_seed_in_nine_does_not_move_the_middle() -> None:
    # 9 values, 2.25 cut from each end: 0.75 of the third and of the seventh, three whole ones between them
    tame = np.linspace(0.8, 1.0, 9)
    wild = np.where(np.arange(9) == 8, 50.0, tame)
    assert interquartile_mean(wild) == pytest.approx(interquartile_mean(tame)) == pytest.approx(0.9)


def test_seeds_are_resampled_within_their_task_and_never_mixed() -> None:
    # each task has equal seeds, so each draw has the same mean: (0 + 0 + 1 + 1) / 4
    low, high = bootstrap_interval([np.zeros(2), np.ones(2)], mean)
    assert (low, high) == (0.5, 0.5)


def test_the_interval_of_two_seeds_is_that_of_their_four_draws() -> None:
    # draws of {0, 1} twice: means 0, 0.5, 0.5, 1 with a quarter each; 2.5 % and 97.5 % lie at the ends
    assert bootstrap_interval([np.array([0.0, 1.0])], mean) == (0.0, 1.0)


def test_the_interval_is_about_two_standard_errors_to_each_side() -> None:
    # 400 standard normals: the standard error is 1 / 20, 1.96 of it is 0.098
    values = np.random.default_rng(3).normal(size=400)
    low, high = bootstrap_interval([values], mean)
    assert low == pytest.approx(values.mean() - 0.098, abs=0.015)
    assert high == pytest.approx(values.mean() + 0.098, abs=0.015)


def test_the_same_scores_have_the_same_interval() -> None:
    groups = [np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.4])]
    assert bootstrap_interval(groups, interquartile_mean) == bootstrap_interval(groups, interquartile_mean)
    assert bootstrap_interval(groups, interquartile_mean) != bootstrap_interval(groups, interquartile_mean, seed=1)


def test_the_spread_of_seeds_is_that_of_a_sample() -> None:
    # mean 2; (1 + 0 + 1) / (3 - 1) = 1
    assert spread(np.array([1.0, 2, 3])) == 1
    assert np.isnan(spread(np.array([1.0])))


def test_random_returns_are_those_that_were_measured() -> None:
    assert {task: values[0] for task, values in {**QUICK, **SLOW}.items()} == RANDOM_RETURNS
    assert set(PAPER_TASKS) <= set(RANDOM_RETURNS)

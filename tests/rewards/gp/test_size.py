"""Of more comparisons than a Gaussian process takes, a random part is the same in each fit."""

import jax
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.rewards.gp import size
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.gp.size import part_of, suits
from tests.rewards.synthetic_labels import ACT, OBS, comparisons, fit_data


@pytest.mark.parametrize(
    ("functions", "most"),
    [
        (2, 20),
        (6, 13),  # 13 * 6 * 6 = 468
        (10, 7),  # as many directions as comparisons: 7 * 7 * 7 = 343, and 8 * 8 * 8 = 512
        (200, 5),  # 5 * 200 = 1000
        (5000, 1),
    ],
)
def test_how_many_are_taken_depends_on_the_functions(
    functions: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size, "MOST_COMPARISONS", 20)
    monkeypatch.setattr(size, "MOST_NUMBERS", 1000)
    monkeypatch.setattr(size, "MOST_PRODUCTS", 500)
    assert len(part_of(comparisons(30), functions)) == most


def test_all_are_taken_where_there_are_few() -> None:
    labeled = comparisons(30)
    assert part_of(labeled, 100) is labeled


def test_whoever_answers_1400_of_hopper_is_heard_to_the_last_answer() -> None:
    fresh = GaussianProcessReward.build((11,), 3, RewardModelConfig(), center=True, key=jax.random.key(0))
    labeled = comparisons(1400)
    assert part_of(labeled, sum(fresh.basis.sizes)) is labeled


def test_the_part_is_decided_by_keys_and_only_loses_to_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "MOST_COMPARISONS", 20)
    older, all_of_them = comparisons(60), comparisons(60)
    first = part_of(jax.tree.map(lambda column: column[:40], older), 1)
    later = part_of(all_of_them, 1)
    assert len(first) == len(later) == 20
    new = set(all_of_them.key[40:].tolist())
    assert set(later.key.tolist()) - new <= set(first.key.tolist())
    rows = [all_of_them.key.tolist().index(key) for key in later.key.tolist()]
    assert rows == sorted(rows)
    np.testing.assert_array_equal(later.obs, all_of_them.obs[rows])


def test_a_fit_says_how_many_it_was_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = GaussianProcessReward.build((OBS,), ACT, RewardModelConfig(), center=True, key=jax.random.key(0))
    _, whole = fresh.fit(fit_data(comparisons(60)), None, jax.random.key(1))
    assert "predictor/fitted_to" not in whole
    monkeypatch.setattr(size, "MOST_COMPARISONS", 50)
    model, metrics = fresh.fit(fit_data(comparisons(60)), None, jax.random.key(1))
    assert metrics["predictor/fitted_to"] == 50.0
    assert not model.wants_fit(60)


@pytest.mark.parametrize(
    ("comparisons", "functions", "fits"),
    [(7, 20, True), (8, 20, False), (13, 6, True), (14, 6, True), (1000, 14, True), (1000, 15, False)],
)
def test_it_suits_all_comparisons_or_at_least_half_as_many_as_functions(
    comparisons: int, functions: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size, "MOST_PRODUCTS", 500)  # 13 comparisons with 6 functions, 7 with 10 and with more
    assert suits(comparisons, functions) is fits

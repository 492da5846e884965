import numpy as np
import pytest

from rl_teacher.core.logistic import fit_logistic
from rl_teacher.rewards.gp.ard import FIRST_VARIANCE, Posterior, fit_posterior, maximize_evidence


def gaps(num: int, width: int = 8, seed: int = 0) -> np.ndarray:
    """Sums of five points on the left less those on the right, then the same of their waves; mean square 1."""
    x = np.random.default_rng(seed).normal(size=(num, 2, 5, width))
    both = np.concatenate([x, np.cos(2 * x), np.sin(2 * x)], -1).sum(2)
    both = both[:, 0] - both[:, 1]
    return np.asarray(both / np.sqrt(np.square(both).mean(0)))


GROUPS = np.r_[np.arange(8), np.tile(8 + np.arange(8), 2)]
"""Each of eight numbers by itself, and the two waves of each together."""


def explained(truth: np.ndarray, num: int, coin: float = 0.0) -> Posterior:
    features = gaps(num)
    return maximize_evidence(features, GROUPS, (features @ truth > 0).astype(float), coin)


def used(found: Posterior) -> set[int]:
    return set(GROUPS[found.variances > 0].tolist())


@pytest.mark.parametrize("num", [20, 200])  # fewer comparisons than functions, and more
def test_a_truth_of_one_number_isfit_posterior_by_it_alone(num: int):
    found = explained(np.eye(24)[3], num)
    assert 3 in used(found)
    assert len(used(found)) <= 4
    unseen = gaps(500, seed=9)
    assert ((unseen @ found.weights > 0) == (unseen[:, 3] > 0)).mean() > (0.85 if num == 20 else 0.97)


def test_the_waves_of_a_number_are_used_where_it_alone_is_not_enough():
    found = explained(np.eye(24)[8 + 5], 150)  # cos(2 x_5)
    assert 8 + 5 in used(found)
    shares = np.square(found.weights)
    assert shares[[8 + 5, 16 + 5]].sum() > 0.8 * shares.sum()


def test_a_share_of_coin_flips_explains_wrong_answers():
    """A tenth of the answers is flipped, as if a fifth were thrown with a coin."""
    features, unseen = gaps(200), gaps(500, seed=9)
    target = (features[:, 3] > 0).astype(float)
    target = np.where(np.random.default_rng(1).random(200) < 0.1, 1 - target, target)
    doubting, believing = (maximize_evidence(features, GROUPS, target, prob) for prob in (0.2, 0.0))
    assert doubting.fit.log_evidence > believing.fit.log_evidence + 5
    assert ((unseen @ doubting.weights > 0) == (unseen[:, 3] > 0)).mean() > 0.95


def test_what_is_not_allowed_is_not_used():
    features = gaps(100)
    allowed = np.arange(16) < 8
    found = maximize_evidence(features, GROUPS, (features[:, 8 + 5] > 0).astype(float), allowed=allowed)  # cos(2 x_5)
    assert used(found) <= set(range(8))


def test_a_group_with_a_hyperprior_needs_more_to_be_used():
    """A number and its copy explain the same; the one whose hyperprior is 1 is left out."""
    features = np.repeat(gaps(40)[:, :4], 2, axis=1)
    target = (features[:, 0] + features[:, 4] > 0).astype(float)
    found = maximize_evidence(features, np.arange(8), target, 0.0, np.tile([0.0, 1.0], 4))
    assert found.variances[0] > 0
    assert found.variances[4] > 0
    assert (found.variances[1::2] < 0.1 * found.variances[::2].max()).all()
    alike = maximize_evidence(features, np.arange(8), target)
    np.testing.assert_allclose(alike.variances[1::2], alike.variances[::2], rtol=1e-6)


def test_where_there_is_nothing_to_find_hardly_anything_is_believed():
    features = gaps(60)
    target = np.random.default_rng(5).integers(0, 2, 60).astype(float)
    found = maximize_evidence(features, GROUPS, target)
    all_equal = fit_posterior(features, np.full(24, FIRST_VARIANCE), target, 0.0)
    assert found.fit.log_evidence > all_equal.fit.log_evidence + 10
    assert np.abs(features @ found.weights).mean() < 1.5


def test_few_directions_say_the_same_as_all_functions():
    features = gaps(12)
    target = (features[:, 0] > 0).astype(float)
    variances = np.r_[np.full(16, 3.0), np.zeros(8)]  # 16 functions in use, 12 comparisons
    few = fit_posterior(features, variances, target, 0.0)
    whole = fit_logistic(features[:, :16] * np.sqrt(3.0), target)
    assert few.directions.shape == (12, 24)
    np.testing.assert_allclose(few.weights[:16], np.sqrt(3.0) * whole.weights, atol=1e-4)
    np.testing.assert_array_equal(few.weights[16:], 0.0)
    assert few.fit.log_evidence == pytest.approx(whole.log_evidence, abs=1e-4)
    np.testing.assert_allclose(few.fit.left_out, whole.left_out, atol=1e-3)
    covariance = np.linalg.inv(whole.precision_root @ whole.precision_root.T)
    np.testing.assert_allclose(few.variance_of_weights()[:16], 3.0 * np.diag(covariance), atol=1e-4)


@pytest.mark.parametrize("num", [12, 100])
def test_draws_are_as_wide_as_the_posterior(num: int):
    found = explained(np.eye(24)[3] - np.eye(24)[6], num)
    draws = found.draw(np.random.default_rng(0).normal(size=(24, 20_000)))
    np.testing.assert_allclose(draws.var(1), found.variance_of_weights(), rtol=0.1, atol=1e-3)


def test_equal_segments_and_single_answers_are_no_trouble():
    for num in (1, 3):
        found = maximize_evidence(np.zeros((num, 4)), np.array([0, 1, 1, 2]), np.ones(num))
        assert np.isfinite(found.weights).all()
        # whatever the weights, both segments are alike: ln 2 for each answer
        assert found.fit.log_evidence == pytest.approx(-num * np.log(2), abs=1e-6)


def test_the_order_and_the_sides_do_not_matter():
    features = gaps(40)
    target = (features[:, 2] > 0).astype(float)
    one, other = (
        maximize_evidence(features, GROUPS, target),
        maximize_evidence(-features[::-1], GROUPS, 1.0 - target[::-1]),
    )
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-3)

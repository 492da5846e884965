import numpy as np
import pytest

from rl_teacher.core.logistic import answer_loss, fit_logistic, probability_of_left


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def answers(num: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(num, 3))
    return design, (rng.random(num) < sigmoid(design @ np.array([2.0, -1.0, 0.5]))).astype(float)


def test_one_answer_by_hand():
    # the peak of log sigmoid(w) - w^2 / 2 has w = 1 - sigmoid(w): w = 0.401058, as 1 / (1 + e^0.401058) = 0.401058
    fit = fit_logistic(np.array([[1.0]]), np.array([1.0]))
    np.testing.assert_allclose(fit.weights, [0.401058], atol=1e-5)
    # precision 1 + s (1 - s) = 1 + 0.401058 * 0.598942 = 1.240211; its root 1.113648
    np.testing.assert_allclose(fit.precision_root, [[1.113648]], atol=1e-5)
    # -ln(1 + e^-0.401058) - 0.401058^2 / 2 - ln 1.113648 = -0.512590 - 0.080424 - 0.107642 = -0.700656
    assert fit.log_evidence == pytest.approx(-0.700656, abs=1e-5)
    # without the only answer nothing is known
    np.testing.assert_allclose(fit.left_out, [0.0], atol=1e-3)


@pytest.mark.parametrize("coin", [0.0, 0.1])
def test_the_peak_is_where_no_weight_wants_to_move(coin: float):
    design, target = answers(50)
    fit = fit_logistic(design, target, coin)

    def objective(weights: np.ndarray) -> float:
        return float(-answer_loss(design @ weights, target, coin).sum() - 0.5 * weights @ weights)

    for step in np.eye(3) * 1e-3:
        slope = (objective(fit.weights + step) - objective(fit.weights - step)) / 2e-3
        assert abs(slope) < 1e-3


def test_where_the_search_begins_does_not_matter():
    design, target = answers(40)
    fit, far = fit_logistic(design, target), fit_logistic(design, target, start=np.array([-30.0, 50.0, 8.0]))
    np.testing.assert_allclose(far.weights, fit.weights, atol=1e-3)
    assert far.log_evidence == pytest.approx(fit.log_evidence, abs=1e-4)
    assert fit_logistic(design, target, start=fit.weights).log_evidence == pytest.approx(fit.log_evidence, abs=1e-6)


def test_the_evidence_is_the_integral_over_all_weights():
    design, target = answers(20, seed=3)
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(3, 200_000))
    loss = answer_loss(design @ draws, np.broadcast_to(target[:, None], (20, draws.shape[1]))).sum(0)
    integral = np.log(np.exp(-loss).mean())
    assert fit_logistic(design, target).log_evidence == pytest.approx(integral, abs=0.2)


def test_leaving_one_out_is_like_fitting_without_it():
    design, target = answers(30, seed=1)
    left_out = fit_logistic(design, target).left_out
    for i in range(30):
        rest = np.arange(30) != i
        fit = fit_logistic(design[rest], target[rest])
        variance = np.square(np.linalg.solve(fit.precision_root, design[i])).sum()
        logit = design[i] @ fit.weights / np.sqrt(1 + np.pi * variance / 8)
        assert left_out[i] == pytest.approx(logit, abs=0.15)


def test_draws_are_as_wide_as_the_posterior():
    design, target = answers(40)
    fit = fit_logistic(design, target)
    draws = fit.draw(np.random.default_rng(0).normal(size=(3, 100_000)))
    np.testing.assert_allclose(np.cov(draws), np.linalg.inv(fit.precision_root @ fit.precision_root.T), atol=0.01)


def test_swapping_sides_and_answers_changes_nothing():
    design, target = answers(25)
    one, other = fit_logistic(design, target), fit_logistic(-design, 1.0 - target)
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)
    assert one.log_evidence == pytest.approx(other.log_evidence, abs=1e-6)


def test_ties_pull_to_no_preference():
    fit = fit_logistic(np.ones((10, 1)), np.full(10, 0.5))
    np.testing.assert_array_equal(fit.weights, [0.0])


def test_contradicting_answers_weigh_less_when_some_are_coin_flips():
    design = np.ones((20, 1)) * 5
    target = np.r_[np.ones(18), np.zeros(2)]
    # without coins the best logit says 18 of 20: P = 0.9; with a tenth of coins P = 0.9 p + 0.05, so p is larger
    plain, forgiving = (fit_logistic(design, target, coin).weights[0] for coin in (0.0, 0.1))
    assert forgiving > plain


@pytest.mark.parametrize("coin", [0.0, 0.1])
@pytest.mark.parametrize("size", [0.0, 1e-12, 1e4])
def test_extremes_stay_finite(size: float, coin: float):
    fit = fit_logistic(np.array([[size], [-size], [size]]), np.array([1.0, 0.0, 1.0]), coin)
    assert all(np.isfinite(part).all() for part in fit)
    loss = answer_loss(np.array([-1e4, 1e4, 0.0]), np.array([0.0, 1.0, 1.0]), coin)
    # P = 1 - coin / 2 for a sure and right answer
    np.testing.assert_allclose(loss, [-np.log1p(-coin / 2), -np.log1p(-coin / 2), np.log(2)], atol=1e-9)


def test_probabilities_of_both_sides_are_exact_in_the_tails():
    left, right = probability_of_left(np.array([-50.0, 0.0, 50.0]))
    np.testing.assert_allclose(left, [np.exp(-50), 0.5, 1.0], rtol=1e-12)
    np.testing.assert_allclose(right, [1.0, 0.5, np.exp(-50)], rtol=1e-12)

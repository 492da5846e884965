import numpy as np
import pytest

from rl_teacher.rewards.evidence import OFF, GapPrior

START = np.array([4.0, OFF])


def gaps(num: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two blocks: the sums of five points, and those of their waves."""
    x = np.random.default_rng(seed).normal(size=(num, 2, 5, width))
    return (block.sum(2)[:, 0] - block.sum(2)[:, 1] for block in (x, np.cos(2 * x)))  # type: ignore[return-value]


@pytest.mark.parametrize("num", [30, 200])
def test_a_linear_truth_needs_no_other_functions(num: int):
    linear, waves = gaps(num, 8)
    target = (linear @ np.arange(8.0) > 0).astype(float)
    prior = GapPrior([linear, waves], target, 0.0)
    found = prior.search(START)
    assert np.exp2(found[1]) < 0.05 * np.exp2(found[0])


@pytest.mark.parametrize("num", [60, 200])
def test_a_truth_of_waves_switches_them_on_and_the_linear_block_down(num: int):
    linear, waves = gaps(num, 8)
    target = (waves @ np.arange(8.0) > 0).astype(float)
    found = GapPrior([linear, waves], target, 0.0).search(START)
    assert np.exp2(found[0]) < 0.1 * np.exp2(found[1])


def test_the_search_never_ends_with_less_evidence_and_never_with_nothing():
    linear, waves = gaps(40, 4)
    target = np.random.default_rng(5).integers(0, 2, 40).astype(float)  # nothing to find
    prior = GapPrior([linear, waves], target, 0.0)
    found = prior.search(START)
    assert np.isfinite(found).any()
    assert prior.fit(found).log_evidence >= prior.fit(START).log_evidence


def test_few_directions_say_the_same_as_all_functions():
    linear, waves = gaps(12, 8)
    target = (linear[:, 0] > 0).astype(float)
    variances = np.array([3.0, 1.0])
    wide = GapPrior([linear, waves], target, 0.0)  # 16 functions, 12 comparisons
    features = wide.features(variances)
    from rl_teacher.core.logistic import fit_logistic

    whole, few = fit_logistic(features, target), wide.fit(variances)
    np.testing.assert_allclose(wide.directions(variances).T @ few.weights, whole.weights, atol=1e-4)
    assert few.log_evidence == pytest.approx(whole.log_evidence, abs=1e-4)
    np.testing.assert_allclose(few.left_out, whole.left_out, atol=1e-3)


def test_a_variance_of_1_is_a_mean_squared_gap_of_1():
    linear, waves = gaps(500, 3)
    features = GapPrior([linear * 1000, waves], np.ones(500), 0.0).features(np.array([0.0, OFF]))
    assert np.square(features).sum(1).mean() == pytest.approx(1.0)


@pytest.mark.parametrize("num", [1, 3])
def test_equal_segments_and_few_answers_are_no_trouble(num: int):
    prior = GapPrior([np.zeros((num, 4)), np.zeros((num, 0))], np.ones(num), 0.0)
    fit = prior.fit(prior.search(START))
    assert np.isfinite(fit.weights).all()
    # whatever the weights, both segments are alike: ln 2 for each answer
    assert fit.log_evidence == pytest.approx(-num * np.log(2), abs=1e-6)

import numpy as np
import pytest

from rl_teacher.core.logistic import fit_logistic
from rl_teacher.rewards.gp.ard import Posterior, maximize_evidence
from rl_teacher.rewards.gp.averaging import Candidate, Mixture, average_models, weigh
from tests.rewards.gp.test_ard import GROUPS, gaps

ALL = np.ones(16, bool)
CANDIDATES = (Candidate(ALL), Candidate(np.arange(16) < 8))


def wrong(target: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(len(target)) < share, 1 - target, target)


def known(weights: list[float], log_evidence: float, random_answer_prob: float = 0.0) -> Posterior:
    """A posterior with these weights, each known to a standard deviation of 1."""
    num = len(weights)
    fit = fit_logistic(np.zeros((1, num)), np.ones(1))
    left_out = np.array([sum(weights)])
    fit = fit._replace(weights=np.array(weights), log_evidence=log_evidence, left_out=left_out)
    return Posterior(np.ones(num), np.eye(num), fit, random_answer_prob)


def test_models_count_as_much_as_they_make_the_answers_probable():
    """Evidences e and 3 e: a quarter and three quarters."""
    mixture = weigh([known([4.0, 0.0], -5.0, 0.4), known([0.0, 8.0], -5.0 + np.log(3))], [-5.0, -5.0 + np.log(3)])
    np.testing.assert_allclose(mixture.probs, [0.25, 0.75])
    np.testing.assert_allclose(mixture.weights, [1.0, 6.0])
    np.testing.assert_allclose(mixture.left_out, [7.0])
    assert mixture.random_answer_prob == pytest.approx(0.1)
    assert mixture.noise_probability == pytest.approx(0.25)
    assert mixture.log_evidence == pytest.approx(-5.0 + np.log(3))


def test_what_is_hardly_probable_is_left_out():
    mixture = weigh([known([1.0], -3.0), known([5.0], -8.3)], [-3.0, -3.0 - np.log(200)])
    np.testing.assert_array_equal(mixture.probs, [1.0])
    np.testing.assert_array_equal(mixture.weights, [1.0])


def test_draws_have_the_mean_and_the_spread_of_all_models():
    """Mean 0.25 * 4 = 1; variance 1 within each, and 0.25 * 3^2 + 0.75 * 1^2 = 3 between them."""
    mixture = weigh([known([4.0], 0.0), known([0.0], 1.1)], [0.0, np.log(3)])
    draws = mixture.draw(np.random.default_rng(0).normal(size=(1, 20_000)))
    assert draws.mean() == pytest.approx(0.0, abs=0.03)
    assert draws.var() == pytest.approx(4.0, rel=0.03)
    assert mixture.draw(np.zeros((1, 4))).ravel() == pytest.approx([3.0, -1.0, -1.0, -1.0])


def test_wrong_answers_are_taken_as_coin_flips_as_often_as_they_come():
    """A tenth of the answers is flipped, as if a fifth were thrown with a coin."""
    features, unseen = gaps(200), gaps(500, seed=9)
    target = wrong((features[:, 3] > 0).astype(float), 0.1)
    found = average_models(features, GROUPS, target, CANDIDATES)
    assert 0.1 <= found.random_answer_prob <= 0.3
    assert found.noise_probability > 0.99
    assert ((unseen @ found.weights > 0) == (unseen[:, 3] > 0)).mean() > 0.95
    given = average_models(features, GROUPS, target, CANDIDATES, 0.4)
    assert {part.random_answer_prob for part in given.parts} == {0.4}


def test_where_no_answer_is_wrong_no_noise_is_found():
    """There is one part then, that of the first candidate."""
    features = gaps(200)
    target = (features[:, 3] > 0).astype(float)
    found = average_models(features, GROUPS, target, CANDIDATES)
    assert found.random_answer_prob == found.noise_probability == 0.0
    np.testing.assert_array_equal(found.weights, maximize_evidence(features, GROUPS, target).weights)
    noise = np.random.default_rng(0).normal(size=(24, 3))
    np.testing.assert_array_equal(found.draw(noise), maximize_evidence(features, GROUPS, target).draw(noise))


def test_of_the_preferred_candidates_the_most_probable_one_is_taken():
    features = gaps(200)
    target = (features[:, 3] > 0).astype(float)
    few, better = np.arange(16) < 2, np.arange(16) < 8  # the first lacks what the answers are given by
    models = (Candidate(few), Candidate(better))
    first, best = (average_models(features, GROUPS, target, models, num_preferred=num) for num in (1, 2))
    assert best.log_evidence > first.log_evidence
    np.testing.assert_array_equal(best.weights, maximize_evidence(features, GROUPS, target, allowed=better).weights)


def test_a_group_with_a_price_must_make_the_answers_more_probable_by_as_much():
    features = gaps(200)
    target = (features[:, 3] > 0).astype(float)
    models = (Candidate(np.arange(16) < 2), Candidate(np.arange(16) < 8))
    cheap, dear = (average_models(features, GROUPS, target, models, num_preferred=2, price=price * (np.arange(16) == 3))
                   for price in (1.0, 1000.0))  # fmt: skip
    assert cheap.log_evidence > dear.log_evidence
    np.testing.assert_array_equal(dear.weights, average_models(features, GROUPS, target, models[:1]).weights)


def test_a_line_is_not_taken_for_a_curve_because_of_wrong_answers():
    """What one search makes of 25 answers with some mistakes depends on its first steps; the mean does not."""
    unseen = gaps(500, seed=99)
    alone, together = np.zeros(20), np.zeros(20)
    for seed in range(20):
        features = gaps(25, seed=seed)
        target = wrong((features[:, 3] > 0).astype(float), 0.1, seed)
        for accuracy, candidates in ((alone, (Candidate(ALL),)), (together, CANDIDATES)):
            weights = average_models(features, GROUPS, target, candidates).weights
            accuracy[seed] = ((unseen @ weights > 0) == (unseen[:, 3] > 0)).mean()
    assert together.mean() > alone.mean() + 0.05


def test_the_same_answers_give_the_same_mixture():
    features = gaps(40)
    target = wrong((features[:, 2] > 0).astype(float), 0.1)
    one, other = (average_models(features, GROUPS, target, CANDIDATES) for _ in range(2))
    assert isinstance(one, Mixture)
    np.testing.assert_array_equal(one.weights, other.weights)

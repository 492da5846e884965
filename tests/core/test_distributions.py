import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from rl_teacher.core.distributions import Categorical, Distribution, Gaussian

MEAN = jnp.array([[0.3, -1.2], [2.0, 0.0], [0.0, 0.5]])
LOG_STD = jnp.array([-0.7, 0.4])
LOGITS = jnp.array([[0.1, 2.0, -1.0], [0.0, 0.0, 0.0]])
NONE = jnp.zeros(3)


def test_gaussian_log_prob_and_entropy_match_scipy():
    action = jnp.array([[0.0, 1.0], [3.0, -1.0], [0.2, 0.1]])
    normal = stats.norm(np.asarray(MEAN), np.exp(np.asarray(LOG_STD)))
    gaussian = Gaussian(2)
    np.testing.assert_allclose(gaussian.log_prob(MEAN, LOG_STD, action), normal.logpdf(action).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(gaussian.entropy(MEAN, LOG_STD), normal.entropy().sum(-1), rtol=1e-5)


def test_gaussian_kl_matches_hand_computation():
    # KL(N(0, 1) | N(1, 2)) = ln 2 + (1 + 1) / (2 * 4) - 1/2 = 0.443147
    kl = Gaussian(1).kl(jnp.zeros((1, 1)), jnp.zeros(1), jnp.ones((1, 1)), jnp.log(jnp.full(1, 2.0)))
    np.testing.assert_allclose(kl, [0.443147], atol=1e-6)


def test_gaussian_samples_are_mean_plus_scaled_noise():
    # std = e^0 and e^ln 2
    sample = Gaussian(2).sample(jnp.array([1.0, 2.0]), jnp.log(jnp.array([1.0, 2.0])), jnp.array([0.5, -1.0]))
    np.testing.assert_allclose(sample, [1.5, 0.0], atol=1e-6)


def test_categorical_log_prob_and_entropy_match_arithmetic():
    p = np.exp(np.asarray(LOGITS))
    p /= p.sum(-1, keepdims=True)
    categorical = Categorical(3)
    np.testing.assert_allclose(
        categorical.log_prob(LOGITS, NONE, jnp.array([1, 2])), [np.log(p[0, 1]), np.log(1 / 3)], rtol=1e-5
    )
    np.testing.assert_allclose(categorical.entropy(LOGITS, NONE), [stats.entropy(p[0]), np.log(3)], rtol=1e-5)
    kl = categorical.kl(LOGITS, NONE, LOGITS[::-1], NONE)
    np.testing.assert_allclose(kl, [stats.entropy(p[0], p[1]), stats.entropy(p[1], p[0])], rtol=1e-5)


def test_certain_choices_have_finite_entropy_and_kl():
    sure, other = jnp.array([[1e4, 0.0]]), jnp.array([[0.0, 0.0]])
    categorical, none = Categorical(2), jnp.zeros(2)
    np.testing.assert_allclose(categorical.entropy(sure, none), [0.0], atol=1e-6)
    np.testing.assert_allclose(categorical.kl(sure, none, other, none), [np.log(2)], rtol=1e-5)


@pytest.mark.parametrize(("family", "params"), [(Gaussian(2), MEAN), (Categorical(3), LOGITS)])
def test_a_distribution_has_no_divergence_from_itself_and_some_from_others(family: Distribution, params: jax.Array):
    log_std = LOG_STD if family.num_params == 2 else NONE
    np.testing.assert_allclose(family.kl(params, log_std, params, log_std), 0.0, atol=1e-6)
    shifted = params.at[:, 0].add(0.5)
    assert (np.asarray(family.kl(params, log_std, shifted, log_std)) > 0).all()


def test_gumbel_noise_picks_choices_as_often_as_their_probabilities_say():
    categorical, num = Categorical(3), 20_000
    noise = categorical.noise(jax.random.key(0), (num,))
    picked = np.asarray(categorical.sample(jnp.broadcast_to(LOGITS[:1], (num, 3)), NONE, noise))
    frequency = np.bincount(picked, minlength=3) / num
    expected = np.exp(np.asarray(jax.nn.log_softmax(LOGITS[0])))
    # four standard errors of a share: 4 * sqrt(0.25 / 20000) = 0.014
    np.testing.assert_allclose(frequency, expected, atol=0.014)


def test_gaussian_noise_is_standard_normal():
    noise = np.asarray(Gaussian(2).noise(jax.random.key(0), (100, 100)))
    assert noise.shape == (100, 100, 2)
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.001


def test_modes_are_the_mean_and_the_largest_logit():
    np.testing.assert_array_equal(Gaussian(2).mode(MEAN), MEAN)
    np.testing.assert_array_equal(Categorical(3).mode(LOGITS[:1]), [1])


def test_log_prob_of_a_policy_with_axes_time_and_env_has_those_axes():
    params = jnp.zeros((4, 5, 2))
    assert Gaussian(2).log_prob(params, LOG_STD, params).shape == (4, 5)
    assert Categorical(2).log_prob(params, jnp.zeros(2), jnp.zeros((4, 5), jnp.int32)).shape == (4, 5)

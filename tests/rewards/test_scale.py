import jax.numpy as jnp
import numpy as np

from rl_teacher.rewards.scale import Scale, measure

RAW = np.array([[1.0, 3.0, 5.0, 7.0], [0.0, 0.0, 0.0, 40.0]], np.float32)


def test_each_member_gets_mean_0_and_deviation_1():
    scale = measure(RAW, center=True)
    # first member: mean 4, deviation sqrt((9 + 1 + 1 + 9) / 4) = sqrt 5
    np.testing.assert_allclose(scale.apply(jnp.asarray(RAW))[0], np.array([-3, -1, 1, 3]) / 5**0.5, rtol=1e-6)
    scaled = np.asarray(scale.apply(jnp.asarray(RAW)))
    np.testing.assert_allclose(scaled.mean(1), 0.0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(1), 1.0, rtol=1e-6)


def test_without_centering_nothing_is_shifted():
    scale = measure(RAW, center=False)
    np.testing.assert_allclose(scale.apply(jnp.asarray(RAW))[0], np.array([1, 3, 5, 7]) / 5**0.5, rtol=1e-6)
    np.testing.assert_array_equal(scale.apply(jnp.zeros((2, 3))), np.zeros((2, 3)))


def test_a_constant_member_is_not_blown_up():
    constant = np.full((1, 50), 0.3, np.float32)
    np.testing.assert_allclose(measure(constant, center=True).apply(jnp.asarray(constant)), 0.0, atol=1e-6)
    np.testing.assert_allclose(measure(constant, center=False).apply(jnp.asarray(constant)), 0.3, rtol=1e-6)


def test_the_identity_changes_nothing_over_any_axes():
    raw = jnp.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(Scale.identity(2).apply(raw), raw)

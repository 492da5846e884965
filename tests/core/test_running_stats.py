import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_teacher.core.running_stats import RunningStats


def test_merged_batches_equal_numpy_on_all_of_them():
    rng = np.random.default_rng(0)
    batches = [rng.normal(loc, scale, (40, 3)) for loc, scale in ((0, 1), (5, 0.1), (-3, 10))]
    stats = RunningStats.of_shape((3,))
    for batch in batches:
        stats = stats.merge(jnp.asarray(batch, jnp.float32), jnp.ones(40))
    everything = np.concatenate(batches)
    assert float(stats.count) == 120
    np.testing.assert_allclose(stats.mean, everything.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(stats.variance, everything.var(0), rtol=1e-4)


def test_values_count_as_often_as_they_weigh():
    stats = RunningStats.of_shape(()).merge(jnp.array([1.0, 5.0, 1e9]), jnp.array([3.0, 1.0, 0.0]))
    # 1, 1, 1, 5: mean 2, variance (3*1 + 9) / 4 = 3
    assert (float(stats.count), float(stats.mean), float(stats.variance)) == (4.0, 2.0, 3.0)


def test_fractional_weights_are_weights_too():
    stats = RunningStats.of_shape(()).merge(jnp.array([1.0, 5.0]), jnp.array([0.3, 0.1]))
    np.testing.assert_allclose([stats.mean, stats.variance], [2.0, 3.0], rtol=1e-6)


def test_nothing_changes_nothing():
    stats = RunningStats(jnp.float32(7), jnp.float32(2), jnp.float32(3))
    after = stats.merge(jnp.array([5.0]), jnp.zeros(1))
    assert (float(after.count), float(after.mean), float(after.variance)) == (7.0, 2.0, 3.0)
    fresh = RunningStats.of_shape(()).merge(jnp.array([5.0]), jnp.zeros(1))
    assert (float(fresh.count), float(fresh.mean), float(fresh.variance)) == (0.0, 0.0, 1.0)


@given(split=st.integers(1, 19), shift=st.sampled_from([0.0, 100.0]))
@settings(max_examples=10)
def test_how_a_batch_is_split_does_not_matter(split: int, shift: float):
    values = jnp.asarray(np.random.default_rng(split).normal(shift, 2, 20), jnp.float32)
    weight = jnp.ones(20)
    at_once = RunningStats.of_shape(()).merge(values, weight)
    first = (jnp.arange(20) < split).astype(jnp.float32)
    in_two = RunningStats.of_shape(()).merge(values, first).merge(values, weight - first)
    np.testing.assert_allclose(in_two.mean, at_once.mean, rtol=1e-5)
    np.testing.assert_allclose(in_two.variance, at_once.variance, rtol=1e-3)


def test_normalizing_matches_hand_computation_over_any_leading_axes():
    stats = RunningStats(jnp.float32(9), jnp.array([1.0, -2.0]), jnp.array([4.0, 0.25]))
    # (3 - 1) / 2 = 1;  (-1 + 2) / 0.5 = 2;  (1001 - 1) / 2 is clipped to 10
    np.testing.assert_allclose(
        stats.normalize(jnp.array([[[3.0, -1.0], [1001.0, -2.0]]])), [[[1, 2], [10, 0]]], atol=1e-6
    )
    np.testing.assert_allclose(stats.normalize(jnp.array([3.0, -1.0])), [1, 2], atol=1e-6)


def test_a_constant_component_is_normalized_to_zero():
    stats = RunningStats.of_shape((1,)).merge(jnp.full((50, 1), 7.0), jnp.ones(50))
    np.testing.assert_allclose(stats.normalize(jnp.full((2, 1), 7.0)), 0.0, atol=1e-2)

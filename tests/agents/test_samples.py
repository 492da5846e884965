import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.agents.actor_critic import denormalize, rescale_value_head
from rl_teacher.agents.observations import features
from rl_teacher.agents.samples import standardize
from rl_teacher.core.networks import orthogonal_mlp
from rl_teacher.core.running_stats import RunningStats


def stats(mean: float, variance: float) -> RunningStats:
    return RunningStats(jnp.float32(1), jnp.float32(mean), jnp.float32(variance))


@pytest.mark.parametrize(("mean", "variance"), [(3.0, 100.0), (-5.0, 0.01), (0.0, 1.0)])
def test_rescaling_the_value_head_keeps_its_outputs(mean: float, variance: float):
    net = orthogonal_mlp((3, 8, 1), "tanh", last_scale=1.0, key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (20, 3))
    old, new = stats(2.0, 4.0), stats(mean, variance)
    rescaled = rescale_value_head(net, old, new)
    np.testing.assert_allclose(denormalize(rescaled(x), new), denormalize(net(x), old), atol=1e-4)


def test_denormalized_values_match_hand_computation():
    # 2 * sqrt(9) + 1
    np.testing.assert_allclose(denormalize(jnp.array([2.0]), stats(1.0, 9.0)), [7.0], rtol=1e-6)


def test_standardized_values_have_weighted_mean_0_and_deviation_1():
    # weights 1, 1, 0: mean 3, deviation 2; the value without weight is moved alike and counts for nothing
    values = standardize(jnp.array([1.0, 5.0, 9.0]), jnp.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(values, [-1.0, 1.0, 3.0], rtol=1e-5)


def test_a_lone_or_constant_advantage_standardizes_to_zero():
    np.testing.assert_allclose(standardize(jnp.array([7.0, 2.0]), jnp.array([1.0, 0.0]))[0], 0.0)
    np.testing.assert_allclose(standardize(jnp.full(4, 7.0), jnp.ones(4)), np.zeros(4))


def test_observations_of_any_shape_become_vectors():
    assert features(jnp.zeros((4, 5, 2, 3), jnp.uint8), 2).shape == (4, 5, 6)
    assert features(jnp.zeros((4, 5), jnp.int32), 2).shape == (4, 5, 1)
    assert features(jnp.zeros((4, 2), jnp.uint8), 1).dtype == jnp.float32

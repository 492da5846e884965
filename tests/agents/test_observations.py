import jax.numpy as jnp
import numpy as np

from rl_teacher.agents.observations import acting_inputs, acting_scale, features, network_inputs, num_inputs
from rl_teacher.core.running_stats import RunningStats

OBS = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)
STATS = RunningStats(jnp.float32(9), jnp.linspace(-1.0, 1.0, 6), jnp.linspace(0.01, 4.0, 6))


def test_acting_and_learning_see_the_same():
    acting = acting_inputs(jnp.asarray(OBS), acting_scale(STATS))
    assert acting.shape == (5, num_inputs((2, 3)))
    np.testing.assert_allclose(acting, network_inputs(jnp.asarray(OBS), STATS, 1), rtol=1e-5, atol=1e-6)


def test_what_is_far_from_the_mean_is_clipped():
    far = jnp.full((1, 2, 3), 1e6)
    np.testing.assert_array_equal(network_inputs(far, STATS, 1), 10.0)
    np.testing.assert_array_equal(acting_inputs(-far, acting_scale(STATS)), -10.0)


def test_features_that_were_kept_give_the_same_inputs_as_the_observations():
    kept = features(OBS, 1)
    np.testing.assert_array_equal(
        network_inputs(jnp.asarray(kept), STATS, 1), network_inputs(jnp.asarray(OBS), STATS, 1)
    )

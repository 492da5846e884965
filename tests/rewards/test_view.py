import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.protocols import FitData
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.view import model_inputs, no_stats, num_inputs

CONFIG = RewardModelConfig(joint_features=16, hidden=(8,), min_steps=5, max_steps=5)


def test_observations_are_normalized_and_clipped_and_actions_are_not():
    stats = (jnp.array([1.0, 0.0]), jnp.array([4.0, 1e-12]))
    inputs = model_inputs(jnp.array([[5.0, 3.0]]), jnp.array([[7.0]]), stats)
    # (5 - 1) / 2 = 2; 3 / sqrt(1e-8) is far beyond 10
    np.testing.assert_allclose(inputs, [[2.0, 10.0, 7.0]], rtol=1e-6)


def test_a_frame_has_as_many_inputs_as_are_counted():
    obs, action = jnp.zeros((4, 6, 2, 3), jnp.uint8), jnp.zeros((4, 6, 5))
    assert model_inputs(obs, action, no_stats((2, 3))).shape == (4, 6, num_inputs((2, 3), 5))


@pytest.mark.parametrize("kind", [GaussianProcessReward, RewardEnsemble])
def test_a_model_says_the_same_of_observations_in_another_shape(
    kind: type[GaussianProcessReward] | type[RewardEnsemble],
):
    """Twelve comparisons of four frames of 2 x 3 numbers, and the same as six numbers."""
    rng = np.random.default_rng(0)
    obs, action = rng.normal(size=(12, 2, 4, 2, 3)).astype(np.float32), np.zeros((12, 2, 4, 1), np.float32)
    returns = obs[..., 0, 0].sum(-1)
    target = (returns[:, 0] > returns[:, 1]).astype(np.float32)

    def rewards(shape: tuple[int, ...]) -> np.ndarray:
        shaped = obs.reshape(12, 2, 4, *shape)
        labeled = LabeledBatch(shaped, action, returns, target, np.arange(12))
        window = RewardInput(shaped.reshape(-1, *shape), action.reshape(-1, 1))
        data = FitData(labeled, window, RunningStats.of_shape((6,)), 12)
        model = kind.build(shape, 1, CONFIG, center=True, key=jax.random.key(0))
        return np.asarray(model.fit(data, None, jax.random.key(1))[0](window))

    square = rewards((2, 3))
    assert square.std() > 0.5
    np.testing.assert_array_equal(square, rewards((6,)))

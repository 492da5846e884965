import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.core.networks import MLP, orthogonal_mlp, uniform_mlp


def test_a_network_matches_hand_computation():
    net = MLP(
        (jnp.array([[1.0, -1.0], [2.0, 0.0]]), jnp.array([[3.0], [100.0]])),
        (jnp.array([0.5, -1.0]), jnp.array([0.25])),
        "leaky_relu",
    )
    # x = (1, 2): hidden = (1 + 4 + 0.5, -1 - 1) = (5.5, -2) -> (5.5, -0.02); 16.5 - 2 + 0.25
    np.testing.assert_allclose(net(jnp.array([1.0, 2.0])), [14.75], rtol=1e-6)


def test_leading_axes_are_batches():
    net = orthogonal_mlp((3, 8, 2), "tanh", last_scale=1.0, key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (4, 5, 3))
    batched = net(x)
    assert batched.shape == (4, 5, 2)
    np.testing.assert_allclose(batched[2, 3], net(x[2, 3]), atol=1e-6)


def test_orthogonal_weights_have_orthogonal_columns_of_the_stated_length():
    net = orthogonal_mlp((16, 8, 4), "tanh", last_scale=0.01, key=jax.random.key(0))
    np.testing.assert_allclose(net.weights[0].T @ net.weights[0], 2.0 * np.eye(8), atol=1e-5)
    np.testing.assert_allclose(net.weights[1].T @ net.weights[1], 1e-4 * np.eye(4), atol=1e-7)
    assert all(not np.asarray(bias).any() for bias in net.biases)


def test_uniform_weights_lie_within_torchs_bound():
    net = uniform_mlp((100, 400, 1), "leaky_relu", last_scale=0.01, key=jax.random.key(0))
    first = np.asarray(net.weights[0])
    # bound 1 / sqrt(100) = 0.1, standard deviation 0.1 / sqrt(3)
    assert np.abs(first).max() <= 0.1
    np.testing.assert_allclose(first.std(), 0.057735, rtol=0.02)
    # 0.01 / sqrt(400)
    assert np.abs(np.asarray(net.weights[1])).max() <= 0.0005


def test_layers_and_keys_give_different_weights():
    nets = [uniform_mlp((4, 4, 4), "tanh", last_scale=1.0, key=jax.random.key(seed)) for seed in (0, 1)]
    assert not np.allclose(nets[0].weights[0], nets[1].weights[0])
    assert not np.allclose(nets[0].weights[0], nets[0].weights[1])

"""Multi-layer perceptrons over any number of leading axes."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": lambda x: jnp.where(x > 0, x, 0.01 * x),
}


class MLP(eqx.Module):
    """Dense layers with one activation between them and none at the end."""

    weights: tuple[Float[Array, "_fan_in _fan_out"], ...]
    biases: tuple[Float[Array, " _fan_out"], ...]
    activation: str = eqx.field(static=True)

    def __call__(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch outputs"]:
        """The outputs for a batch of features."""
        act = ACTIVATIONS[self.activation]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = act(x @ weight + bias.reshape((1,) * (x.ndim - 1) + bias.shape))
        last = self.biases[-1]
        return x @ self.weights[-1] + last.reshape((1,) * (x.ndim - 1) + last.shape)


def orthogonal_mlp(
    sizes: Sequence[int], activation: str, *, last_scale: float, key: PRNGKeyArray, hidden_scale: float = 2**0.5
) -> MLP:
    """Orthogonal weights times sqrt(2), the last layer's times `last_scale`, and zero biases.

    Source: the initialization of OpenAI baselines' ppo2, number 2 of "The 37 implementation details of PPO".
    """
    scales = [hidden_scale] * (len(sizes) - 2) + [last_scale]
    keys = jax.random.split(key, len(scales))
    weights = tuple(
        jax.nn.initializers.orthogonal(scale)(k, (fan_in, fan_out), jnp.float32)
        for k, fan_in, fan_out, scale in zip(keys, sizes[:-1], sizes[1:], scales, strict=True)
    )
    return MLP(weights, tuple(jnp.zeros(size) for size in sizes[1:]), activation)


def uniform_mlp(sizes: Sequence[int], activation: str, *, last_scale: float, key: PRNGKeyArray) -> MLP:
    """Weights uniform within +-1/sqrt(fan_in), as torch's default, the last layer's times `last_scale`; zero biases."""
    keys = jax.random.split(key, len(sizes) - 1)
    weights = [
        jax.random.uniform(k, (fan_in, fan_out), jnp.float32, -1.0, 1.0) / fan_in**0.5
        for k, fan_in, fan_out in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]
    weights[-1] = weights[-1] * last_scale
    return MLP(tuple(weights), tuple(jnp.zeros(size) for size in sizes[1:]), activation)

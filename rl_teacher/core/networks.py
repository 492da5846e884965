"""Multi-layer perceptrons over any number of leading axes."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from rl_teacher.core.streams import host_generator

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

    Orthogonal layers neither swell nor shrink what passes through them: Saxe et al. 2014, arXiv:1312.6120.

    Args:
        sizes: inputs, units of each hidden layer, outputs.
        activation: a name in ACTIVATIONS.
        last_scale: of the last layer's weights.
        key: draws the weights.
        hidden_scale: of all other layers' weights.

    Source: OpenAI baselines' ppo2; Huang et al. 2022, "The 37 Implementation Details of Proximal Policy Optimization",
    core 2.
    """
    scales = [hidden_scale] * (len(sizes) - 2) + [last_scale]
    generator = host_generator(key)
    weights = tuple(
        jnp.asarray(scale * _orthogonal(generator, fan_in, fan_out), jnp.float32)
        for fan_in, fan_out, scale in zip(sizes[:-1], sizes[1:], scales, strict=True)
    )
    return MLP(weights, _zero_biases(sizes), activation)


def uniform_mlp(sizes: Sequence[int], activation: str, *, last_scale: float, key: PRNGKeyArray) -> MLP:
    """Weights uniform within +-1/sqrt(fan_in), the last layer's times `last_scale`, and zero biases.

    Source: the default of PyTorch's Linear, but for the biases.
    """
    generator = host_generator(key)
    scales = [1.0] * (len(sizes) - 2) + [last_scale]
    weights = tuple(
        jnp.asarray(scale * generator.uniform(-1.0, 1.0, (fan_in, fan_out)) / fan_in**0.5, jnp.float32)
        for fan_in, fan_out, scale in zip(sizes[:-1], sizes[1:], scales, strict=True)
    )
    return MLP(weights, _zero_biases(sizes), activation)


def _orthogonal(generator: np.random.Generator, fan_in: int, fan_out: int) -> Float[np.ndarray, "fan_in fan_out"]:
    """Orthonormal rows or columns, whichever are fewer, uniform among all such matrices.

    Source: QR of a Gaussian matrix, with the signs of R's diagonal made positive: Mezzadri 2007, How to Generate Random
    Matrices from the Classical Compact Groups, math-ph/0609050.
    """
    long, short = max(fan_in, fan_out), min(fan_in, fan_out)
    q, r = np.linalg.qr(generator.standard_normal((long, short)))
    q = q * np.sign(np.diag(r))
    return q if fan_in >= fan_out else q.T


def _zero_biases(sizes: Sequence[int]) -> tuple[Float[Array, " fan_out"], ...]:
    return tuple(jnp.asarray(np.zeros(size, np.float32)) for size in sizes[1:])

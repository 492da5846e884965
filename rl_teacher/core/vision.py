"""A small convolutional network for pictures, written as matrix products.

XLA's convolutions are ten to twenty times slower on processors inside a loop (`jax.lax.scan`), where all our updates
run: jax-ml/jax issue 12868. Cutting a picture into blocks, laying neighboring blocks side by side and multiplying them
by one matrix is the same function, and as fast inside a loop as outside.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.core.networks import orthogonal_mlp

SMALLEST = 8
"""Observations with three axes whose first two are shorter are no pictures [pixels]."""
TINY = 16
"""Up to this many pixels a side each pixel means something of its own, as in MinAtar's games."""
LEAST_STD = 4.0
"""Of a pixel [levels of 0 to 255]: one that hardly ever changed must not drown all others when it does."""
CHUNK = 64
"""Pictures that are looked at together: more of them leave the processor's cache."""


def is_picture(shape: tuple[int, ...]) -> bool:
    """Whether an observation of this shape is a picture: (height, width, channels).

    >>> is_picture((42, 42, 4)), is_picture((11,)), is_picture((2, 3, 4))
    (True, False, False)
    """
    return len(shape) == 3 and min(shape[:2]) >= SMALLEST


class PictureNet(eqx.Module):
    """One or two layers of filters, and a dense layer, each followed by a ReLU.

    Filters of pictures: 8 x 8 pixels at every 4th, then 4 x 4 at every 2nd, as the two layers of Mnih et al. 2013,
    arXiv:1312.5602. Of tiny pictures: 3 x 3 at every pixel, as in MinAtar (Young & Tian 2019, arXiv:1903.03176).
    """

    weights: tuple[Float[Array, "_fan_in _fan_out"], ...]
    biases: tuple[Float[Array, " _fan_out"], ...]
    is_tiny: bool = eqx.field(static=True)

    @classmethod
    def build(
        cls, shape: tuple[int, ...], num_features: int, key: PRNGKeyArray, *, filters: tuple[int, int] = (16, 32)
    ) -> "PictureNet":
        """Fresh orthogonal weights times sqrt(2), and zero biases.

        Args:
            shape: (height, width, channels) of a picture.
            num_features: numbers that come out.
            key: draws the weights.
            filters: of the first layer, and of the second; tiny pictures have the first alone.
        """
        height, width, channels = shape
        is_tiny = max(height, width) <= TINY
        if is_tiny:
            sizes = [(9 * channels, filters[0]), ((height - 2) * (width - 2) * filters[0], num_features)]
        else:
            cells = _second_cells(height) * _second_cells(width)
            sizes = [(64 * channels, filters[0]), (16 * filters[0], filters[1]), (cells * filters[1], num_features)]
        layers = [
            orthogonal_mlp(size, "relu", last_scale=2**0.5, key=jax.random.fold_in(key, layer))
            for layer, size in enumerate(sizes)
        ]
        return cls(tuple(one.weights[0] for one in layers), tuple(one.biases[0] for one in layers), is_tiny)

    @property
    def num_features(self) -> int:
        """Numbers that come out."""
        return int(self.biases[-1].shape[0])

    def __call__(self, x: Float[Array, "picture height width channel"]) -> Float[Array, "picture feature"]:
        """The features of pictures that are standardized."""
        if self.is_tiny:
            x = self._layer(0, neighbors(x, 3))
        else:
            x = self._layer(0, neighbors(blocks(x, 4), 2))
            x = self._layer(1, neighbors(blocks(x, 2), 2))
        return self._layer(-1, x.reshape(len(x), -1))

    def _layer(self, index: int, x: Float[Array, "..."]) -> Float[Array, "..."]:
        bias = self.biases[index]
        return jax.nn.relu(x @ self.weights[index] + bias.reshape((1,) * (x.ndim - 1) + bias.shape))


def blocks(
    x: Float[Array, "picture height width channel"], size: int
) -> Float[Array, "picture block_row block_column numbers"]:
    """Squares of `size` pixels a side as one cell each; pictures are filled up with zeros at the bottom and right.

    >>> blocks(jnp.arange(16.0).reshape(1, 4, 4, 1), 2)[0, 0, 0].tolist()
    [0.0, 1.0, 4.0, 5.0]
    """
    num, height, width, channels = x.shape
    rows, columns = -(-height // size), -(-width // size)
    if (rows * size, columns * size) != (height, width):
        x = jnp.pad(x, ((0, 0), (0, rows * size - height), (0, columns * size - width), (0, 0)))
    x = x.reshape(num, rows, size, columns, size, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(num, rows, columns, size * size * channels)


def neighbors(
    x: Float[Array, "picture row column number"], size: int
) -> Float[Array, "picture fewer_rows fewer_columns joined"]:
    """Each cell with its neighbors below and to the right, `size` a side, side by side: one `size` - 1 shorter."""
    rows, columns = x.shape[1] - size + 1, x.shape[2] - size + 1
    shifted = [x[:, i : i + rows, j : j + columns] for i in range(size) for j in range(size)]
    return jnp.concatenate(shifted, -1)


def in_chunks(
    function: Callable[[Num[Array, "chunk ..."]], Float[Array, "chunk ..."]], x: Num[Array, "picture ..."]
) -> Float[Array, "picture ..."]:
    """The function of many pictures, CHUNK by CHUNK in one compiled loop."""
    if len(x) <= CHUNK:
        return function(x)
    whole = len(x) // CHUNK * CHUNK
    _, out = jax.lax.scan(lambda _, part: (None, function(part)), None, x[:whole].reshape(-1, CHUNK, *x.shape[1:]))
    out = out.reshape(whole, *out.shape[2:])
    return out if whole == len(x) else jnp.concatenate([out, function(x[whole:])])


Scale = tuple[Float[Array, " number"], Float[Array, " number"]]
"""Mean of each number of a picture, and 1 / standard deviation."""


def picture_scale(mean: Float[Array, " number"], variance: Float[Array, " number"]) -> Scale:
    """What `standardized` needs of statistics of pictures as vectors, computed once for many of them."""
    return mean, 1.0 / jnp.maximum(jnp.sqrt(variance), LEAST_STD)


def standardized(pictures: Num[Array | np.ndarray, "picture ..."], scale: Scale) -> Float[Array, "picture ..."]:
    """Each pixel in standard deviations from its own mean, clipped to 5 of them.

    A ball that is seldom anywhere stands out, and walls vanish: with it PPO learned Pong ten times as fast as with
    pixels from 0 to 1 (docs/notebook.md#pong).
    """
    shape = (1, *pictures.shape[1:])
    mean, inverse_std = scale[0].reshape(shape), scale[1].reshape(shape)
    return jnp.clip((jnp.asarray(pictures).astype(jnp.float32) - mean) * inverse_std, -5.0, 5.0)


def _second_cells(side: int) -> int:
    """Cells along a side after both layers."""
    first = -(-side // 4) - 1
    return -(-first // 2) - 1

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.core.vision import PictureNet, blocks, in_chunks, is_picture, neighbors, picture_scale, standardized


def conv(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """A convolution by its definition, without padding: kernel (side, side, in, out)."""
    side = len(kernel)
    rows, columns = ((length - side) // stride + 1 for length in x.shape[1:3])
    out = np.zeros((len(x), rows, columns, kernel.shape[-1]))
    for i in range(rows):
        for j in range(columns):
            patch = x[:, i * stride : i * stride + side, j * stride : j * stride + side]
            out[:, i, j] = np.tensordot(patch, kernel, 3)
    return out


def kernel_of(weight: np.ndarray, side: int, block: int, channels: int) -> np.ndarray:
    """The kernel of a layer that sees `side` blocks a side, of `block` pixels each."""
    parts = weight.reshape(side, side, block, block, channels, -1)
    return parts.transpose(0, 2, 1, 3, 4, 5).reshape(side * block, side * block, channels, -1)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0.0)


@pytest.mark.parametrize(("shape", "num_features"), [((44, 44, 3), 7), ((20, 28, 1), 5)])
def test_two_layers_are_convolutions_of_8_at_every_4th_and_4_at_every_2nd(
    shape: tuple[int, int, int], num_features: int
):
    net = PictureNet.build(shape, num_features, jax.random.key(0), filters=(4, 6))
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    weights = [np.asarray(weight) for weight in net.weights]
    first = relu(conv(x, kernel_of(weights[0], 2, 4, shape[2]), 4))
    padded = np.pad(first, ((0, 0), (0, first.shape[1] % 2), (0, first.shape[2] % 2), (0, 0)))
    second = relu(conv(padded, kernel_of(weights[1], 2, 2, 4), 2))
    expected = relu(second.reshape(3, -1) @ weights[2])
    assert net.num_features == num_features
    np.testing.assert_allclose(net(jnp.asarray(x)), expected, rtol=1e-4, atol=1e-4)


def test_of_tiny_pictures_each_pixel_is_looked_at_with_its_neighbors():
    net = PictureNet.build((10, 10, 2), 5, jax.random.key(0), filters=(4, 6))
    x = np.random.default_rng(0).standard_normal((3, 10, 10, 2)).astype(np.float32)
    kernel, dense = np.asarray(net.weights[0]).reshape(3, 3, 2, 4), np.asarray(net.weights[1])
    expected = relu(relu(conv(x, kernel, 1)).reshape(3, -1) @ dense)
    np.testing.assert_allclose(net(jnp.asarray(x)), expected, rtol=1e-4, atol=1e-4)


def test_biases_move_what_comes_out():
    net = PictureNet.build((10, 10, 1), 3, jax.random.key(0))
    moved = PictureNet(net.weights, (*net.biases[:-1], jnp.array([1.0, 2.0, -1.0])), net.is_tiny)
    np.testing.assert_allclose(moved(jnp.zeros((1, 10, 10, 1)))[0], [1.0, 2.0, 0.0])


def test_blocks_fill_up_with_zeros_at_the_bottom_and_right():
    x = jnp.arange(1.0, 7.0).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(blocks(x, 2)[0, 0], [[1, 2, 4, 5], [3, 0, 6, 0]])


def test_neighbors_come_row_by_row():
    x = jnp.arange(1.0, 7.0).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(neighbors(x, 2)[0, 0], [[1, 2, 4, 5], [2, 3, 5, 6]])


@pytest.mark.parametrize("num", [0, 1, 64, 65, 200])
def test_chunks_change_nothing(num: int):
    x = jnp.arange(num * 2.0).reshape(num, 2)
    np.testing.assert_array_equal(in_chunks(lambda part: part.sum(1), x), x.sum(1))


def test_each_pixel_is_in_its_own_standard_deviations():
    scale = picture_scale(jnp.array([100.0, 0.0, 7.0, 200.0]), jnp.array([400.0, 1e4, 0.0, 100.0]))
    shown = np.array([80, 255, 9, 0], np.uint8).reshape(1, 2, 2, 1)
    # (80 - 100) / 20; 255 / 100; (9 - 7) / 4, as 4 is the least; (0 - 200) / 10 is clipped
    np.testing.assert_allclose(standardized(shown, scale).ravel(), [-1.0, 2.55, 0.5, -5.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((42, 42, 4), True), ((10, 10, 7), True), ((7, 42, 3), False), ((84, 84), False), ((5,), False)],
)
def test_a_picture_has_three_axes_and_two_long_ones(shape: tuple[int, ...], expected: bool):
    assert is_picture(shape) is expected


def test_no_convolution_of_xla_is_used_anywhere():
    from pathlib import Path

    import rl_teacher

    sources = Path(rl_teacher.__file__).parent.rglob("*.py")
    assert not [path for path in sources if "lax.conv" in path.read_text() or "eqx.nn.Conv" in path.read_text()]

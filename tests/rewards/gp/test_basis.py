import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.rewards.gp.basis import ADDITIVE_LENGTH, BLOCKS, JOINT_LENGTH, PRODUCT_HYPERPRIOR, Basis


def basis(num_inputs: int = 3, num_joint: int = 4096) -> Basis:
    return Basis.build(num_inputs, num_joint, jax.random.key(0))


def points(num: int = 20, num_inputs: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(num, num_inputs)).astype(np.float32)


def kernel(block: str, x: np.ndarray) -> np.ndarray:
    values = np.asarray(basis().block(BLOCKS.index(block), jnp.asarray(x), None))
    return values @ values.T


def test_a_function_of_one_number_has_a_gaussian_kernel_of_it():
    x = points()
    apart = x[:, None] - x[None]
    expected = np.exp(-np.square(apart) / (2 * ADDITIVE_LENGTH**2)).mean(-1)
    np.testing.assert_allclose(kernel("additive", x), expected, atol=0.01)


def test_joint_functions_have_a_gaussian_kernel_of_the_distance():
    x = points()
    squares = np.square(x[:, None] - x[None]).sum(-1)
    np.testing.assert_allclose(kernel("joint", x), np.exp(-squares / (2 * 3 * JOINT_LENGTH**2)), atol=0.08)


def test_a_weighted_sum_is_that_of_all_functions_and_leaves_out_blocks_without_weight():
    few, x = basis(num_joint=8), points()
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(sum(few.sizes), 2)).astype(np.float32)
    values = [np.asarray(few.block(i, jnp.asarray(x), None)) for i in range(len(BLOCKS))]
    np.testing.assert_allclose(
        few.weighted(jnp.asarray(x), jnp.asarray(weights)), np.hstack(values) @ weights, atol=1e-4
    )
    weights[few.sizes[0] :] = 0
    np.testing.assert_allclose(
        few.weighted(jnp.asarray(x), jnp.asarray(weights)), values[0] @ weights[: few.sizes[0]], atol=1e-5
    )


def test_products_are_of_each_number_with_each_other_one():
    values = basis(num_inputs=4).block(BLOCKS.index("product"), jnp.asarray([[2.0, 3.0, 5.0, 7.0]]), None)
    np.testing.assert_array_equal(values, [[6.0, 10.0, 14.0, 15.0, 21.0, 35.0]])


def test_only_products_have_a_hyperprior():
    few = basis(num_inputs=3, num_joint=2)
    exponents = few.hyperprior[few.groups]
    np.testing.assert_array_equal(exponents, [0.0] * (3 + 24) + [PRODUCT_HYPERPRIOR] * 3 + [0.0] * 2)


def test_a_reward_may_be_made_of_everything_or_of_lines():
    everything, lines = basis(num_inputs=3, num_joint=2).candidate_models
    assert everything.all()
    np.testing.assert_array_equal(lines, [True] * 3 + [False] * (3 + 3 + 1))  # curves, products, all joint ones


def test_sizes_are_those_of_the_blocks_and_pictures_have_no_additive_one():
    assert basis(num_joint=8).sizes == (3, 24, 3, 8)
    assert basis(num_inputs=309, num_joint=8).sizes == (309, 2472, 0, 8)  # Humanoid: 47,586 products would be too many
    many = basis(num_inputs=3000, num_joint=2)
    assert many.sizes == (3000, 0, 0, 2)
    assert many.weighted(jnp.ones((2, 3000)), jnp.ones((3002, 1))).shape == (2, 1)


def test_each_input_has_a_group_for_itself_and_one_for_its_waves_each_product_has_one_the_joint_functions_have_one():
    np.testing.assert_array_equal(basis(num_inputs=2, num_joint=3).groups, [0, 1] + [2] * 8 + [3] * 8 + [4] + [5] * 3)

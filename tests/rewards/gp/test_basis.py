import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.core.arrays import ENDED, LAST, LIVED
from rl_teacher.rewards.gp.basis import ADDITIVE_LENGTH, BLOCKS, HYPERPRIORS, JOINT_LENGTH, Basis
from rl_teacher.rewards.view import Frames


def basis(num_inputs: int = 3, num_joint: int = 4096) -> Basis:
    return Basis.build(num_inputs, num_joint, jax.random.key(0))


def points(num: int = 20, num_inputs: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(num, num_inputs)).astype(np.float32)


def plain(x: object) -> Frames:
    """Frames of an environment whose episodes have one length."""
    return Frames(jnp.asarray(x), None, None)


def kernel(block: str, x: np.ndarray) -> np.ndarray:
    values = np.asarray(basis().block(BLOCKS.index(block), plain(x)))
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
    values = [np.asarray(few.block(i, plain(x))) for i in range(len(BLOCKS))]
    np.testing.assert_allclose(few.weighted(plain(x), jnp.asarray(weights)), np.hstack(values) @ weights, atol=1e-4)
    weights[few.sizes[0] :] = 0
    np.testing.assert_allclose(
        few.weighted(plain(x), jnp.asarray(weights)), values[0] @ weights[: few.sizes[0]], atol=1e-5
    )


def test_products_are_of_each_number_with_each_other_one():
    values = basis(num_inputs=4).block(BLOCKS.index("product"), plain([[2.0, 3.0, 5.0, 7.0]]))
    np.testing.assert_array_equal(values, [[6.0, 10.0, 14.0, 15.0, 21.0, 35.0]])


def test_squares_are_of_each_number_and_an_outlier_counts_as_five_deviations():
    values = basis(num_inputs=3).block(BLOCKS.index("square"), plain([[2.0, -3.0, 9.0]]))
    np.testing.assert_array_equal(values, [[4.0, 9.0, 25.0]])


def test_a_squared_distance_of_a_sum_is_a_sum_of_products_and_squares_and_nothing_else():
    x = points(num_inputs=4)
    few = basis(num_inputs=4, num_joint=1)
    quadratic = np.hstack([few.block(BLOCKS.index(name), plain(x)) for name in ("product", "square")])
    mirror = np.square(x[:, 0] + 2 * x[:, 2]) + np.square(x[:, 1] + 2 * x[:, 3])
    weights = [0, 4, 0, 0, 4, 0, 1, 1, 4, 4]  # pairs 01, 02, 03, 12, 13, 23, then squares
    np.testing.assert_allclose(quadratic @ np.array(weights), mirror, rtol=1e-5)


def test_a_reward_may_be_made_of_all_but_squares_or_with_them_and_products_doubted_less_or_of_lines():
    few = basis(num_inputs=3, num_joint=2)
    plain_, quadratic, lines = few.candidate_models
    sizes = np.cumsum([3, 3, 3, 3, 1])  # groups: lines, curves, products, squares, all joint ones
    np.testing.assert_array_equal(np.flatnonzero(~plain_.allowed), np.arange(sizes[2], sizes[3]))
    assert quadratic.allowed.all()
    np.testing.assert_array_equal(np.flatnonzero(lines.allowed), np.arange(3))
    assert plain_.hyperprior is not None
    assert quadratic.hyperprior is not None
    products, squares = slice(sizes[1], sizes[2]), slice(sizes[2], sizes[3])
    assert set(plain_.hyperprior[products]) == {HYPERPRIORS["product"]}
    assert set(quadratic.hyperprior[products]) == set(quadratic.hyperprior[squares]) == {0.3}
    assert plain_.hyperprior[: sizes[1]].sum() == quadratic.hyperprior[: sizes[1]].sum() == 0.0
    np.testing.assert_array_equal(few.price, [0.0] * 6 + [1.0] * 6 + [0.0])


def test_where_nothing_is_squared_nothing_has_a_price():
    assert len(basis(num_inputs=309, num_joint=8).candidate_models) == 2
    assert basis(num_inputs=309, num_joint=8).price.sum() == 0.0
    assert len(ending_basis().candidate_models) == 3
    assert ending_basis().price.sum() == 0.0


def test_sizes_are_those_of_the_blocks_and_pictures_have_no_additive_one():
    assert basis(num_joint=8).sizes == (3, 24, 3, 3, 8, 0)
    humanoid = (309, 2472, 0, 0, 8, 0)  # 47,586 products would be too many
    assert basis(num_inputs=309, num_joint=8).sizes == humanoid
    many = basis(num_inputs=3000, num_joint=2)
    assert many.sizes == (3000, 0, 0, 0, 2, 0)
    assert many.weighted(plain(np.ones((2, 3000))), jnp.ones((3002, 1))).shape == (2, 1)


def test_each_input_product_and_square_has_a_group_and_waves_of_an_input_and_joint_functions_have_one_together():
    expected = [0, 1] + [2] * 8 + [3] * 8 + [4] + [5, 6] + [7] * 3
    np.testing.assert_array_equal(basis(num_inputs=2, num_joint=3).groups, expected)


def ending_basis(num_joint: int = 2) -> Basis:
    """Of two observed numbers and an action, where episodes can end early."""
    return Basis.build(3, num_joint, jax.random.key(0), num_obs=2)


def test_where_episodes_can_end_early_survival_endings_and_changes_follow():
    few = ending_basis()
    assert dict(zip(few.blocks, few.sizes, strict=True)) == {
        "linear": 3, "additive": 24, "product": 3, "square": 0, "joint": 2, "meeting": 0, "survival": 1,
        "ending": 4, "change": 2, "curve change": 16,
    }  # fmt: skip
    of_block = dict.fromkeys(few.block_of_group, 0)
    for block in few.block_of_group:
        of_block[block] += 1
    assert of_block == {
        "linear": 3, "additive": 3, "product": 3, "joint": 1, "survival": 1, "ending": 4, "change": 2,
        "curve change": 2,
    }  # fmt: skip
    assert len(few.block_of_group) == few.groups[-1] + 1
    hyperprior = few.candidate_models[0].hyperprior
    assert hyperprior is not None
    exponents = dict(zip(few.block_of_group, hyperprior, strict=True))
    assert (exponents["survival"], exponents["ending"], exponents["curve change"]) == (0.0, 1.0, 1.0)
    assert hyperprior[few.block_of_group.index("ending")] == 0.0, "that it ended at all"


def test_changes_are_what_a_number_or_a_curve_of_it_gained_in_the_step_and_nothing_after_the_end():
    few = ending_basis()
    now, after = jnp.asarray([[1.0, 2.0, 9.0]] * 3), jnp.asarray([[4.0, 1.5]] * 3)
    frames = Frames(now, jnp.asarray([LIVED, LAST, ENDED]), after)
    values = few.block(few.blocks.index("change"), frames)
    np.testing.assert_allclose(values, [[3.0, -0.5], [3.0, -0.5], [0.0, 0.0]])
    curves = few.block(few.blocks.index("curve change"), frames)
    level = [few._additive(x[:1]) for x in (now[:, :2], after)]
    np.testing.assert_allclose(curves[0], (level[1] - level[0])[0], atol=1e-6)
    np.testing.assert_array_equal(curves[2], 0.0)


def test_along_a_path_changes_add_up_to_that_from_its_start_to_its_end():
    few, path = ending_basis(), jnp.asarray(points(7, 2))
    frames = Frames(jnp.concatenate([path[:-1], jnp.zeros((6, 1))], 1), jnp.zeros(6, int), path[1:])
    total = few.block(few.blocks.index("change"), frames).sum(0)
    np.testing.assert_allclose(total, path[-1] - path[0], atol=1e-5)

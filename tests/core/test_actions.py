import numpy as np

from rl_teacher.core.actions import BoxActions, DiscreteActions

INF = float("inf")


def array(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_bounded_actions_are_clamped_to_1_and_scaled_to_the_bounds():
    actions = BoxActions((-2.0, 0.0), (2.0, 10.0))
    clamped = actions.clamp(array(-3.0, 0.5))
    np.testing.assert_array_equal(clamped, [-1.0, 0.5])
    # -1 is the lower bound;  5 + 0.5 * 5 = 7.5
    np.testing.assert_array_equal(actions.to_env(clamped), [-2.0, 7.5])


def test_the_ends_of_the_policys_range_are_exactly_the_bounds():
    actions = BoxActions((-0.4, 1.0), (0.4, 3.0))
    np.testing.assert_array_equal(actions.to_env(array(-1, -1)), array(-0.4, 1.0))
    np.testing.assert_array_equal(actions.to_env(array(1, 1)), array(0.4, 3.0))


def test_unbounded_actions_pass_unchanged():
    actions = BoxActions((-INF, -1.0), (INF, 1.0))
    clamped = actions.clamp(array(50.0, 50.0))
    np.testing.assert_array_equal(clamped, [50.0, 1.0])
    np.testing.assert_array_equal(actions.to_env(clamped), [50.0, 1.0])


def test_a_single_bound_is_kept_in_the_environments_units():
    actions = BoxActions((0.0, -INF), (INF, 5.0))
    clamped = actions.clamp(array(-7.0, 7.0))
    np.testing.assert_array_equal(actions.to_env(clamped), [0.0, 5.0])
    np.testing.assert_array_equal(actions.to_env(actions.clamp(array(7.0, -7.0))), [7.0, -7.0])


def test_the_widest_finite_bounds_do_not_overflow():
    wide = float(np.finfo(np.float32).max)
    actions = BoxActions((-wide,), (wide,))
    np.testing.assert_array_equal(actions.to_env(actions.clamp(array(0.0))), [0.0])
    np.testing.assert_array_equal(actions.to_env(actions.clamp(array(9.0))), array(wide))


def test_actions_stay_float32_over_any_leading_axes():
    actions = BoxActions((-1.0, -1.0), (1.0, 1.0))
    clamped = actions.clamp(np.zeros((3, 4, 2), np.float32))
    assert clamped.dtype == actions.to_env(clamped).dtype == np.float32
    assert actions.to_env(clamped).shape == (3, 4, 2)


def test_discrete_actions_are_one_hot_to_the_reward_model_and_numbered_from_start_to_the_environment():
    actions = DiscreteActions(size=3, start=5)
    clamped = actions.clamp(np.array([2, 0]))
    np.testing.assert_array_equal(clamped, [[0, 0, 1], [1, 0, 0]])
    env_action = actions.to_env(clamped)
    np.testing.assert_array_equal(env_action, [7, 5])
    assert env_action.dtype == np.int64


def test_sizes_and_distributions_follow_the_space():
    assert BoxActions((-1.0, -1.0), (1.0, 1.0)).size == 2
    assert not BoxActions((-1.0,), (1.0,)).distribution.is_discrete
    assert DiscreteActions(3).distribution.num_params == 3

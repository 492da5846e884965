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


def test_actions_lie_within_the_bounds_in_the_spaces_own_dtype():
    # (0.9 - -0.3) / 2 and their middle are rounded as float32: their sum is 0.90000004 or -0.30000004
    for dtype in ("float32", "float64", "float16"):
        low, high = (np.array(bounds, dtype) for bounds in ([0.1, -0.3, 1 / 3], [0.7, 0.9, 2 / 3]))
        actions = BoxActions(tuple(map(float, low)), tuple(map(float, high)), dtype)
        for policy in np.linspace(-1.5, 1.5, 41, dtype=np.float32):
            given = actions.to_env(actions.clamp(np.full(3, policy)))
            assert given.dtype == dtype
            assert (given >= low).all()
            assert (given <= high).all()
        np.testing.assert_allclose(actions.to_env(actions.clamp(np.full(3, -9.0, np.float32))), low, rtol=1e-6)
        np.testing.assert_allclose(actions.to_env(actions.clamp(np.full(3, 9.0, np.float32))), high, rtol=1e-6)


def test_whole_numbers_are_rounded_to_and_reach_both_bounds():
    actions = BoxActions((-10.0, 0.0), (10.0, 3.0), "int32")
    np.testing.assert_array_equal(actions.to_env(array(0.4718, -1.0)), [5, 0])  # 4.718 is nearer to 5
    np.testing.assert_array_equal(actions.to_env(array(1.0, 1.0)), [10, 3])
    assert actions.to_env(array(0.0, 0.0)).dtype == np.int32


def test_whole_numbers_without_bounds_do_not_overflow():
    for dtype in ("int8", "int64", "uint64"):
        actions = BoxActions((-INF,), (INF,), dtype)
        far = actions.to_env(actions.clamp(array(1e30)))
        assert 0 < far[0] <= np.iinfo(dtype).max
        assert actions.to_env(actions.clamp(array(-1e30)))[0] == np.iinfo(dtype).min
        assert actions.to_env(actions.clamp(array(2.4)))[0] == 2


def test_the_way_back_from_the_environments_units_gives_what_the_reward_model_saw():
    generator = np.random.default_rng(0)
    for actions in (
        BoxActions((-2.0, 0.0, -INF, -1.0), (2.0, 10.0, INF, INF)),
        BoxActions((0.1, -0.3), (0.7, 0.9), "float64"),
        DiscreteActions(3, start=-1),
    ):
        drawn = generator.integers(0, 3, 20) if isinstance(actions, DiscreteActions) else None
        clamped = actions.clamp(
            generator.normal(size=(20, actions.size)).astype(np.float32) if drawn is None else drawn
        )
        np.testing.assert_allclose(actions.from_env(actions.to_env(clamped)), clamped, atol=1e-6)
    # 4.0 in 0..10 is 0.2 below the middle of -1..1; half of 2.0 is 1.0
    np.testing.assert_allclose(BoxActions((0.0, -2.0), (10.0, 2.0)).from_env(array(4.0, 2.0)), [-0.2, 1.0], atol=1e-7)


def test_a_bound_that_leaves_no_choice_has_a_way_back_too():
    actions = BoxActions((0.5,), (0.5,))
    np.testing.assert_array_equal(actions.to_env(actions.clamp(array(3.0))), [0.5])
    np.testing.assert_array_equal(actions.from_env(array(0.5)), [0.0])


def test_switches_are_on_for_the_upper_half_of_the_policys_range():
    actions = BoxActions((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "bool")
    # 0.5 + 0.5 * -0.2 = 0.4 is rounded to 0, and 0.5 + 0.5 * 0.2 = 0.6 to 1
    env_action = actions.to_env(array(-0.2, 0.2, -1.0))
    assert env_action.dtype == np.bool_
    assert env_action.tolist() == [False, True, False]
    np.testing.assert_array_equal(actions.from_env(env_action), [-1, 1, -1])

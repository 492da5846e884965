import json

import numpy as np
import pytest

from rl_teacher.core.segment import Segment
from rl_teacher.errors import CheckpointError, ConfigError, NotFinite, UnknownChoice
from rl_teacher.records import Comparison, Preference
from rl_teacher.teachers.synthetic import (
    PRESETS,
    SyntheticTeacher,
    SyntheticTeacherConfig,
    Thresholds,
    answer,
    preset,
    thresholds,
    uniforms,
)
from tests.segments import segment_of

LEFT, RIGHT, TIE, CANT_TELL = Preference.LEFT, Preference.RIGHT, Preference.TIE, Preference.CANT_TELL
NO_LIMITS = Thresholds(skip=0.0, equal=0.0, mean_random_reward=0.0)
NEVER_MISTAKEN = 0.999


def segment(*true_reward: float) -> Segment:
    """A segment of which only the true reward matters."""
    return segment_of(true_reward=np.array(true_reward))


def judge(
    left: list[float], right: list[float], config: SyntheticTeacherConfig, limits: Thresholds = NO_LIMITS,
    choice: float = 0.5, mistake: float = NEVER_MISTAKEN, return_std: float = 1.0,
) -> Preference:  # fmt: skip
    drawn = np.array([[choice, mistake]])
    (preference,) = answer(np.array([left]), np.array([right]), config, limits, drawn, return_std=return_std)
    return preference


def test_the_oracle_prefers_the_higher_return_and_ties_only_exactly():
    assert judge([1.0, 2.0], [2.5, 0.0], preset("oracle")) is LEFT  # 3 > 2.5
    assert judge([1.0, 1.0], [2.5, 0.0], preset("oracle")) is RIGHT  # 2 < 2.5
    assert judge([1.0, 2.0], [2.0, 1.0], preset("oracle")) is TIE  # 3 = 3
    assert judge([1.0, 2.0], [2.0, 1.0 + 1e-12], preset("oracle")) is RIGHT


def test_the_seeds_oracle_sends_ties_to_the_right():
    assert judge([1.0, 2.0], [2.0, 1.0], preset("openai2017")) is RIGHT
    assert judge([1.0, 2.0], [2.0, 0.9], preset("openai2017")) is LEFT


def test_a_stochastic_teacher_prefers_left_with_the_bradley_terry_probability():
    # gap = 3 - 1 = 2;  P(left) = 1 / (1 + e^-2) = 0.880797
    assert judge([3.0], [1.0], preset("stochastic"), choice=0.8807) is LEFT
    assert judge([3.0], [1.0], preset("stochastic"), choice=0.8808) is RIGHT


def test_a_stochastic_teacher_flips_a_coin_between_equal_returns():
    # P(left) = 1 / 2, so no tie
    assert judge([1.0], [1.0], preset("stochastic"), choice=0.4999) is LEFT
    assert judge([1.0], [1.0], preset("stochastic"), choice=0.5) is RIGHT


def test_a_stochastic_teacher_stays_finite_at_extreme_gaps():
    assert judge([1e8], [-1e8], preset("stochastic"), choice=0.999999) is LEFT
    assert judge([-1e8], [1e8], preset("stochastic"), choice=0.0) is RIGHT


def test_the_share_of_left_answers_is_the_probability():
    # P(left) = sigmoid(2 * 0.5) = 0.731059; its standard error over 20,000 draws is sqrt(.731 * .269 / 20000) = 0.0031
    drawn = np.random.default_rng(0).random((20_000, 2))
    left, right = np.full((20_000, 1), 0.5), np.zeros((20_000, 1))
    preferences = answer(left, right, SyntheticTeacherConfig(rationality=2.0), NO_LIMITS, drawn)
    assert np.mean(preferences == LEFT) == pytest.approx(0.731059, abs=0.0125)


def test_rationality_per_std_measures_the_gap_in_standard_deviations():
    # gap = 20, std = 10: P(left) = sigmoid(2) = 0.880797, while sigmoid(20) = 1 - 2e-9
    config = SyntheticTeacherConfig(rationality=1.0, rationality_per_std=True)
    assert judge([30.0], [10.0], config, choice=0.8808, return_std=10.0) is RIGHT
    assert judge([30.0], [10.0], config, choice=0.8807, return_std=10.0) is LEFT
    assert judge([30.0], [10.0], preset("stochastic"), choice=0.8808, return_std=10.0) is LEFT


def test_mistakes_flip_left_and_right_but_no_exact_tie():
    assert judge([2.0], [1.0], preset("mistake"), mistake=0.0999) is RIGHT
    assert judge([2.0], [1.0], preset("mistake"), mistake=0.1) is LEFT
    assert judge([1.0], [2.0], preset("mistake"), mistake=0.05) is LEFT
    assert judge([1.0], [1.0], preset("mistake"), mistake=0.05) is TIE


def test_a_myopic_teacher_weighs_the_last_step_by_one():
    # gamma = 0.9: left 0.81 * 3 + 0.9 * 0 + 0 = 2.43;  right 0 + 0 + 2.5 = 2.5, though 3 > 2.5 undiscounted
    assert judge([3.0, 0.0, 0.0], [0.0, 0.0, 2.5], preset("myopic")) is RIGHT
    assert judge([3.0, 0.0, 0.0], [0.0, 0.0, 2.4], preset("myopic")) is LEFT


def test_equal_compares_undiscounted_returns_strictly_and_overrides_mistakes():
    limits = Thresholds(skip=0.0, equal=0.5, mean_random_reward=0.0)
    assert judge([2.0], [1.75], preset("equal"), limits) is TIE  # 0.25 < 0.5
    assert judge([2.0], [1.5], preset("equal"), limits) is LEFT  # 0.5 is not less than 0.5
    assert judge([2.0], [1.75], SyntheticTeacherConfig(mistake_prob=1.0), limits, mistake=0.0) is TIE
    # Weighted by 0.9, 2.7 and 3 differ by 0.3 > 0.1; undiscounted both are 3.
    narrow = Thresholds(skip=0.0, equal=0.1, mean_random_reward=0.0)
    assert judge([3.0, 0.0], [0.0, 3.0], preset("myopic"), narrow) is TIE


def test_skip_looks_at_the_better_segment_and_overrides_a_tie():
    limits = Thresholds(skip=1.0, equal=5.0, mean_random_reward=0.0)
    assert judge([1.0], [0.5], preset("skip"), limits) is CANT_TELL  # max = 1 <= 1
    assert judge([1.1], [0.5], preset("oracle"), limits._replace(equal=0.0)) is LEFT  # max = 1.1 > 1


def test_skip_counts_returns_above_those_of_the_random_policy():
    limits = Thresholds(skip=1.0, equal=0.0, mean_random_reward=-2.0)
    # 2 steps: excess = R + 4;  max(-3.5, -3.2) + 4 = 0.8 <= 1;  max(-3.5, -2.9) + 4 = 1.1 > 1
    assert judge([-2.0, -1.5], [-2.0, -1.2], preset("skip"), limits) is CANT_TELL
    assert judge([-2.0, -1.5], [-2.0, -0.9], preset("skip"), limits) is RIGHT


def test_nothing_is_skipped_or_equal_at_threshold_zero():
    assert judge([-5.0], [-6.0], preset("oracle")) is LEFT
    assert judge([0.0], [0.0], preset("skip")) is TIE


def test_thresholds_match_hand_computation():
    # 0.1 * 500 * 50 / 1000 = 2.5
    limits = thresholds(500.0, 50, 1000, 0.0, SyntheticTeacherConfig(skip_threshold=0.1, equal_threshold=0.2))
    assert limits == pytest.approx(Thresholds(skip=2.5, equal=5.0, mean_random_reward=0.0))


def test_thresholds_subtract_the_random_policy_where_returns_are_negative():
    # 0.1 * (-400 + 0.7 * 1000) * 50 / 1000 = 0.1 * 300 * 0.05 = 1.5
    assert thresholds(-400.0, 50, 1000, -0.7, preset("skip")).skip == pytest.approx(1.5)


def test_thresholds_are_zero_for_a_policy_worse_than_random_and_before_any_episode():
    assert thresholds(-800.0, 50, 1000, -0.7, preset("equal"))[:2] == (0.0, 0.0)
    assert thresholds(None, 50, 1000, -0.7, preset("equal")) == Thresholds(0.0, 0.0, -0.7)


def test_bpref_compat_squares_epsilon_after_the_first_round():
    config = SyntheticTeacherConfig(skip_threshold=0.1, equal_threshold=0.1, bpref_compat=True)
    # margin = 1000 * 50 / 1000 = 50:  0.1 * 50 = 5, later 0.01 * 50 = 0.5
    assert thresholds(1000.0, 50, 1000, 0.0, config, is_first_round=True).skip == pytest.approx(5.0)
    assert thresholds(1000.0, 50, 1000, 0.0, config, is_first_round=False).equal == pytest.approx(0.5)
    assert thresholds(1000.0, 50, 1000, 0.0, preset("skip"), is_first_round=False).skip == pytest.approx(5.0)


def test_a_teacher_in_bpref_compat_has_its_first_round_until_the_next_observation():
    # Margin 10 of 1 step: equal threshold 0.2 * 10 = 2 in the first round, 0.04 * 10 = 0.4 later; the gap is 1.
    config = SyntheticTeacherConfig(equal_threshold=0.2, bpref_compat=True)
    teacher = SyntheticTeacher("equal", config, seed=1)
    segments = {"a": segment(3.0), "b": segment(2.0)}
    asked = [Comparison("c", "a", "b", 0)]
    given = []
    for begins_round in (True, False, True):
        if begins_round:
            teacher.observe(10.0, 1, 0.0)
        teacher.ask(asked, segments)
        given.append(teacher.poll()[0].preference)
    assert given == [TIE, TIE, LEFT]


def test_swapping_the_sides_swaps_a_rational_teachers_answer():
    rewards = np.random.default_rng(3).integers(-2, 3, size=(2, 200, 4)).astype(float)
    limits = Thresholds(skip=1.0, equal=1.5, mean_random_reward=0.0)
    config = SyntheticTeacherConfig(mistake_prob=0.3, discount=0.9)
    drawn = np.random.default_rng(4).random((200, 2))
    there = answer(rewards[0], rewards[1], config, limits, drawn)
    back = answer(rewards[1], rewards[0], config, limits, drawn)
    assert [preference.swapped for preference in there] == list(back)
    assert set(there) == {one for one in Preference if one.is_answer}


def test_random_numbers_depend_on_seed_and_id_not_on_order():
    comparisons = [Comparison(name, "a", "b", 0) for name in ("x", "y", "z")]
    drawn = uniforms(7, comparisons)
    np.testing.assert_array_equal(uniforms(7, comparisons[::-1]), drawn[::-1])
    assert len(np.unique(drawn)) == 6
    assert not np.isin(uniforms(8, comparisons), drawn).any()
    assert uniforms(7, []).shape == (0, 2)


def test_random_numbers_are_the_same_on_every_machine():
    # sha256("1/x")[:16] as two little-endian words is the Philox key
    np.testing.assert_allclose(uniforms(1, [Comparison("x", "a", "b", 0)]), GOLDEN, rtol=0, atol=1e-15)


GOLDEN = [[0.013567298197306066, 0.6151736694487636]]


def test_the_standard_deviation_is_that_of_all_segments_at_hand():
    # Returns 0, 20, 10, 10: std = sqrt(50) = 7.071; P(left) = sigmoid(-20 / 7.071) = 0.0558, of 0 and 20 alone
    # sigmoid(-2) = 0.1192, without std sigmoid(-20) = 2e-9. Standard error: sqrt(.0558 * .9442 / 2000) = 0.0051
    config = SyntheticTeacherConfig(rationality=1.0, rationality_per_std=True)
    segments = {"a": segment(0.0), "b": segment(20.0), "c": segment(10.0), "d": segment(10.0)}
    teacher = SyntheticTeacher("stochastic", config, seed=1)
    teacher.ask([Comparison(str(i), "a", "b", 0) for i in range(2000)], segments)
    assert np.mean([label.preference is LEFT for label in teacher.poll()]) == pytest.approx(0.0558, abs=0.02)


def test_labels_name_the_teacher_and_carry_no_time():
    teacher = SyntheticTeacher("oracle", preset("oracle"), seed=1)
    teacher.ask([Comparison("c", "a", "b", 0)], {"a": segment(1.0), "b": segment(0.0)})
    (label,) = teacher.poll()
    assert (label.labeler, label.answered_at, label.preference) == ("synthetic:oracle", "", LEFT)


def test_a_reward_that_is_not_finite_is_refused():
    teacher = SyntheticTeacher("oracle", preset("oracle"), seed=1)
    with pytest.raises(NotFinite, match="Segment b, step 1: the true reward is nan"):
        teacher.ask([Comparison("c", "a", "b", 0)], {"a": segment(1.0, 0.0), "b": segment(0.0, float("nan"))})


def test_an_unknown_teacher_is_refused_with_close_matches():
    with pytest.raises(UnknownChoice, match=r"'orcale'. Did you mean 'oracle'\?"):
        preset("orcale")


@pytest.mark.parametrize(
    ("name", "value"),
    [("rationality", 0.0), ("rationality", -1.0), ("discount", 0.0), ("discount", 1.1), ("mistake_prob", -0.1),
     ("mistake_prob", 1.1), ("skip_threshold", -0.1), ("equal_threshold", float("inf")), ("rationality_per_std", True)],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(name: str, value: float):
    with pytest.raises(ConfigError, match=f"synthetic.{name}: got {value}"):
        SyntheticTeacherConfig(**{name: value})


def test_observations_out_of_range_are_refused():
    teacher = SyntheticTeacher("skip", preset("skip"), seed=1)
    with pytest.raises(ConfigError, match="mean_episode_return: got nan"):
        teacher.observe(float("nan"), 10, 0.0)
    with pytest.raises(ConfigError, match="episode_steps: got 0"):
        teacher.observe(1.0, 0, 0.0)


def test_thresholds_survive_a_restart():
    # Threshold 0.1 * (100 - 0 * 10) * 1 / 10 = 1; the gap of 0.5 is a tie only for who knows it.
    teacher = SyntheticTeacher("equal", preset("equal"), seed=1)
    teacher.observe(100.0, 10, 0.0)
    restarted = SyntheticTeacher("equal", preset("equal"), seed=1)
    restarted.restore(json.loads(json.dumps(teacher.state())))
    restarted.ask([Comparison("c", "a", "b", 0)], {"a": segment(2.0), "b": segment(1.5)})
    assert restarted.poll()[0].preference is TIE


@pytest.mark.parametrize("state", [{}, {"pending": "[]"}])
def test_a_state_of_another_teacher_is_refused(state: dict[str, str]):
    with pytest.raises(CheckpointError, match="has no 'episode_steps'"):
        SyntheticTeacher("oracle", preset("oracle"), seed=1).restore(dict(state))


def test_the_presets_are_bprefs_table():
    table = {
        name: (one.rationality, one.discount, one.mistake_prob, one.skip_threshold, one.equal_threshold)
        for name, one in PRESETS.items()
    }
    assert table == {
        "oracle": (None, 1.0, 0.0, 0.0, 0.0),
        "stochastic": (1.0, 1.0, 0.0, 0.0, 0.0),
        "mistake": (None, 1.0, 0.1, 0.0, 0.0),
        "skip": (None, 1.0, 0.0, 0.1, 0.0),
        "equal": (None, 1.0, 0.0, 0.0, 0.1),
        "myopic": (None, 0.9, 0.0, 0.0, 0.0),
        "openai2017": (None, 1.0, 0.0, 0.0, 0.0),
    }

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_teacher.config.schedule import ROUND_SHAPES, ScheduleConfig
from rl_teacher.errors import ConfigError, UnknownChoice
from rl_teacher.preferences.schedules import (
    KINDS,
    Rounds,
    build_schedule,
    default_pretrain_labels,
    labels_required,
)

BUDGETED = ("annealed", "hyperbolic", "constant_steps", "rounds")


def test_annealed_follows_the_seeds_curve_up_to_the_whole_budget():
    schedule = build_schedule("annealed", pretrain_labels=350, num_labels=1400, horizon_steps=1000)
    # 10 %: 350 + 1050 (1 - 0.01^0.1) / 0.99 = 350 + 1050 * 0.369043 / 0.99 = 350 + 391.409 = 741.4
    # 50 %: 350 + 1050 (1 - 0.1) / 0.99 = 350 + 954.545 = 1304.5
    wanted = [schedule.wanted(step, 0.0) for step in (0, 100, 500, 1000, 2000)]
    assert wanted == [350, 741, 1304, 1400, 1400]


def test_annealed_has_asked_half_of_the_rest_at_15_percent():
    schedule = build_schedule("annealed", pretrain_labels=1000, num_labels=101_000, horizon_steps=100)
    # (1 - 0.01^0.15) / 0.99 = (1 - 0.501187) / 0.99 = 0.503851
    assert schedule.wanted(15, 0.0) == 1000 + 50_385


def test_hyperbolic_matches_hand_computation():
    schedule = build_schedule("hyperbolic", pretrain_labels=100, num_labels=400, horizon_steps=1000)
    # tau = 400;  100 + 300 ln(1 + 400 / 400) / ln(1 + 1000 / 400) = 100 + 300 * 0.693147 / 1.252763 = 265.99
    assert schedule.wanted(400, 0.0) == 265


def test_hyperbolic_takes_the_papers_time_constant():
    options = ScheduleConfig(tau_steps=2e6)
    schedule = build_schedule(
        "hyperbolic", pretrain_labels=100, num_labels=400, horizon_steps=2_000_000, options=options
    )
    # 100 + 300 ln(1.5) / ln(2) = 100 + 300 * 0.584963 = 275.5
    assert schedule.wanted(1_000_000, 0.0) == 275


def test_constant_in_seconds_wants_a_label_when_three_seconds_are_over():
    schedule = build_schedule("constant_seconds", pretrain_labels=175, horizon_steps=1000)
    wanted = [schedule.wanted(0, seconds) for seconds in (0.0, 2.9, 3.0, 8.9, 30.0)]
    assert wanted == [175, 175, 176, 177, 185]


def test_constant_in_seconds_never_exceeds_a_budget():
    schedule = build_schedule("constant_seconds", pretrain_labels=10, num_labels=12, horizon_steps=1000)
    assert schedule.wanted(0, 1e9) == 12


def test_constant_in_steps_asks_four_times_the_pretraining_labels_without_a_budget():
    schedule = build_schedule("constant_steps", pretrain_labels=175, horizon_steps=5_000_000)
    # one label per 5e6 / 525 = 9523.8 steps; 175 + floor(9523 / 9523.8) = 175, + floor(9524 / 9523.8) = 176
    wanted = [schedule.wanted(step, 0.0) for step in (0, 9_523, 9_524, 5_000_000, 9_000_000)]
    assert wanted == [175, 175, 176, 700, 700]


def test_constant_in_steps_takes_the_steps_of_a_label():
    options = ScheduleConfig(steps_per_label=2.5)
    schedule = build_schedule("constant_steps", pretrain_labels=5, horizon_steps=100, options=options)
    assert [schedule.wanted(step, 0.0) for step in (2, 3, 5, 100)] == [5, 6, 7, 45]


def test_rounds_ask_many_at_once_and_cut_the_last():
    options = ScheduleConfig(steps_per_round=100, labels_per_round=20)
    schedule = build_schedule("rounds", pretrain_labels=10, num_labels=65, horizon_steps=400, options=options)
    # rounds at 100, 200, 300: 30, 50, then 15 instead of 20 labels
    wanted = [schedule.wanted(step, 0.0) for step in (0, 99, 100, 199, 200, 300, 400)]
    assert wanted == [10, 10, 30, 30, 50, 65, 65]


@pytest.mark.parametrize(
    ("shape", "totals"),
    [
        ("uniform", (30, 50, 70)),
        ("decay", (25, 35, 40)),  # 20 * 3/4, 2/4, 1/4 = 15, 10, 5
        ("increase", (36, 75, 154)),  # 20 * 400/301, 400/201, 400/101 = 26.6, 39.8, 79.2
    ],
)
def test_rounds_have_the_shapes_of_pebble(shape: str, totals: tuple[int, ...]):
    options = ScheduleConfig(steps_per_round=100, labels_per_round=20, round_shape=shape)
    schedule = build_schedule("rounds", pretrain_labels=10, horizon_steps=400, options=options)
    assert schedule == Rounds(10, (100, 200, 300), totals)


def test_rounds_spread_the_budget_when_no_size_is_given():
    options = ScheduleConfig(steps_per_round=100, round_shape="decay")
    schedule = build_schedule("rounds", pretrain_labels=10, num_labels=70, horizon_steps=400, options=options)
    # 60 labels in the shares 3/6, 2/6, 1/6
    assert schedule == Rounds(10, (100, 200, 300), (40, 60, 70))


def test_rounds_too_small_for_the_budget_are_refused():
    options = ScheduleConfig(steps_per_round=100, labels_per_round=5)
    with pytest.raises(ConfigError, match=r"3 rounds of 5 labels .* are 25, expected at least the budget of 65"):
        build_schedule("rounds", pretrain_labels=10, num_labels=65, horizon_steps=400, options=options)


def test_a_round_that_never_comes_is_refused():
    with pytest.raises(ConfigError, match="a round every 400 steps, expected fewer than the run's 400"):
        build_schedule("rounds", pretrain_labels=10, horizon_steps=400, options=ScheduleConfig(steps_per_round=400))


def test_without_labels_nothing_is_wanted():
    schedule = build_schedule("none", pretrain_labels=0, horizon_steps=100)
    assert schedule.wanted(10**9, 1e9) == 0


@given(
    pretrain_labels=st.integers(1, 3000),
    rest=st.integers(0, 5000),
    horizon_steps=st.integers(2, 10**8),
    kind=st.sampled_from(BUDGETED),
    shape=st.sampled_from(ROUND_SHAPES),
)
def test_budgets_are_met_exactly_and_wanted_never_falls(
    pretrain_labels: int, rest: int, horizon_steps: int, kind: str, shape: str
):
    num_labels = pretrain_labels + rest
    schedule = build_schedule(
        kind,
        pretrain_labels=pretrain_labels,
        num_labels=num_labels,
        horizon_steps=horizon_steps,
        options=ScheduleConfig(round_shape=shape),
    )
    steps = [math.floor(horizon_steps * share / 37) for share in range(45)] + [horizon_steps - 1, horizon_steps]
    wanted = [schedule.wanted(step, 0.0) for step in sorted(steps)]
    assert all(isinstance(count, int) for count in wanted)
    assert wanted[0] == pretrain_labels
    assert schedule.wanted(horizon_steps, 0.0) == wanted[-1] == num_labels
    assert all(before <= after for before, after in itertools.pairwise(wanted))


def test_the_clock_changes_only_the_schedule_in_seconds():
    for kind in set(KINDS) - {"constant_seconds"}:
        schedule = build_schedule(kind, pretrain_labels=10, num_labels=40, horizon_steps=100)
        assert schedule.wanted(50, 0.0) == schedule.wanted(50, 1e6)


@pytest.mark.parametrize(
    ("num_labels", "expected", "quarter"),
    [(1400, 350, 350), (350, 87, 87), (200, 50, 50), (199, 50, 49), (100, 50, 25), (99, 49, 24), (50, 25, 12),
     (7, 3, 1), (4, 2, 1), (2, 1, 1), (1, 1, 1)],
)  # fmt: skip
def test_a_quarter_of_the_budget_comes_before_training_and_of_small_budgets_more(
    num_labels: int, expected: int, quarter: int
):
    assert default_pretrain_labels(num_labels) == expected
    assert default_pretrain_labels(num_labels, at_least=0) == quarter


@pytest.mark.parametrize(("pretrain_labels", "expected"), [(175, 131), (350, 262), (1, 0), (4, 3)])
def test_training_waits_for_three_quarters_of_the_first_answers(pretrain_labels: int, expected: int):
    # 0.75 * 175 = 131.25
    assert labels_required(pretrain_labels) == expected == int(0.75 * pretrain_labels)


def test_an_unknown_schedule_is_refused_with_a_close_match():
    with pytest.raises(UnknownChoice, match=r"'anealed'. Did you mean 'annealed'\?"):
        build_schedule("anealed", pretrain_labels=1, num_labels=4, horizon_steps=10)
    with pytest.raises(UnknownChoice, match=r"'decaying'. Did you mean 'decay'\?"):
        ScheduleConfig(round_shape="decaying")


def test_a_missing_or_too_small_budget_is_refused():
    with pytest.raises(ConfigError, match="'annealed': got no label budget"):
        build_schedule("annealed", pretrain_labels=1, horizon_steps=10)
    with pytest.raises(ConfigError, match="num_labels: got 4, expected at least the 5"):
        build_schedule("annealed", pretrain_labels=5, num_labels=4, horizon_steps=10)
    with pytest.raises(ConfigError, match="pretrain_labels: got 0"):
        build_schedule("annealed", pretrain_labels=0, num_labels=4, horizon_steps=10)


def test_a_budget_and_a_rate_contradict_each_other():
    with pytest.raises(ConfigError, match=r"both a budget of 9 labels and 2.0 steps per label"):
        build_schedule(
            "constant_steps",
            pretrain_labels=5,
            num_labels=9,
            horizon_steps=10,
            options=ScheduleConfig(steps_per_label=2.0),
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [("tau_steps", 0.0), ("seconds_per_label", 0.0), ("steps_per_label", -2.0),
     ("steps_per_round", 0), ("labels_per_round", 0)],
)  # fmt: skip
def test_options_out_of_range_are_refused(name: str, value: float):
    with pytest.raises(ConfigError, match=f"schedule.{name}: got {value}"):
        ScheduleConfig(**{name: value})

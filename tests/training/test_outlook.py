"""What a run says of its own future."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_teacher.preferences.schedules import Schedule, build_schedule
from rl_teacher.training.outlook import Outlook, look_ahead

EVERY_TEN = build_schedule("constant_steps", pretrain_labels=10, num_labels=110, horizon_steps=1000)
"""One comparison each ten steps: 10 + step / 10."""


def ahead(schedule: Schedule, num_asked: int, steps: int, rate: float = 10.0, turn: int = 4) -> Outlook:
    return look_ahead(
        schedule, num_asked, steps=steps, num_steps=1000, seconds=steps / rate, steps_per_second=rate, turn_steps=turn
    )


def test_the_next_question_comes_with_the_first_turn_that_wants_one() -> None:
    # 20 are asked at step 100; the 21st is due at 110, which the third turn of 4 steps reaches: 12 steps at 10 a second
    assert ahead(EVERY_TEN, 20, 100) == Outlook(pytest.approx(1.2), pytest.approx(90.0))


def test_a_question_that_is_due_comes_with_the_next_turn() -> None:
    assert ahead(EVERY_TEN, 15, 100).next_question_s == pytest.approx(0.4)


def test_none_comes_when_the_budget_is_asked_and_the_end_is_still_known() -> None:
    assert ahead(EVERY_TEN, 110, 500) == Outlook(None, pytest.approx(50.0))


def test_a_schedule_by_the_clock_is_asked_when_the_clock_is_there() -> None:
    schedule = build_schedule("constant_seconds", pretrain_labels=10, horizon_steps=1000)
    # one each 3 s; at step 100, after 10 s, 13 are wanted; the 14th is due at 12 s: step 120, the fifth turn
    assert ahead(schedule, 13, 100).next_question_s == pytest.approx(2.0)


def test_before_any_speed_is_known_nothing_is() -> None:
    assert ahead(EVERY_TEN, 20, 100, rate=0.0001) != Outlook(None, None)
    for rate in (0.0, math.inf, math.nan):
        found = look_ahead(EVERY_TEN, 20, steps=100, num_steps=1000, seconds=1.0, steps_per_second=rate, turn_steps=4)
        assert found == Outlook(None, None)
    assert ahead(EVERY_TEN, 20, 1000) == Outlook(None, None)


@given(st.integers(10, 110), st.integers(0, 999), st.integers(1, 300))
def test_it_is_the_first_turn_and_none_before_it(num_asked: int, steps: int, turn: int) -> None:
    found = ahead(EVERY_TEN, num_asked, steps, turn=turn)
    turns = [n for n in range(1, 1 + (999 - steps) // turn) if EVERY_TEN.wanted(steps + n * turn, 0.0) > num_asked]
    assert found.next_question_s == (pytest.approx(turns[0] * turn / 10) if turns else None)

"""The queue of people: how much is open, what is taken back, and when."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rl_teacher.config.run import HumanConfig
from rl_teacher.records import Comparison, Label, Preference
from rl_teacher.teachers.human import HumanTeacher

CONFIG = HumanConfig(open_pairs=6, refresh_seconds=30.0)


class Questions:
    """Keeps what it is told; the test says what people answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.unwanted: list[str] = []
        self.coming: list[Label] = []
        self.has_room = True

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[str, Any]) -> None:
        self.asked += [one.id for one in comparisons]

    def take_back(self, ids: Sequence[str]) -> None:
        self.unwanted += ids

    def answers(self, timeout_s: float = 0.0) -> list[Label]:
        given, self.coming = self.coming, []
        return given

    def cancel_all(self) -> None:
        """The server says that nobody answers them any more."""
        self.coming += [Label(one, Preference.TAKEN_BACK, "trainer", "") for one in self.unwanted]
        self.unwanted = []


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def questions() -> Questions:
    return Questions()


@pytest.fixture
def teacher(questions: Questions, clock: Clock) -> HumanTeacher:
    return HumanTeacher(questions, CONFIG, clock)


def comparisons(first: int, last: int) -> list[Comparison]:
    return [Comparison(str(i), f"{i}a", f"{i}b", i) for i in range(first, last)]


def answer(one: int, preference: Preference | None = Preference.LEFT) -> Label:
    return Label(str(one), preference, "ann", "2026-01-01T00:00:00Z")


def test_what_is_left_of_the_first_round_makes_room_when_training_begins(teacher: HumanTeacher, questions: Questions):
    teacher.ask(comparisons(0, 20), {})
    questions.coming = [answer(i) for i in range(9)]
    assert len(teacher.poll()) == 9
    # 11 are open. 6 may be, of which a third, 2, are to be new: 4 stay, the 7 oldest go.
    assert teacher.room() == 2
    assert questions.unwanted == [str(i) for i in range(9, 16)]


def test_a_third_of_the_queue_is_renewed_after_half_a_minute_and_not_before(
    teacher: HumanTeacher, questions: Questions, clock: Clock
):
    assert teacher.room() == 6  # training has begun
    teacher.ask(comparisons(0, 6), {})
    clock.now += 29.0
    assert teacher.room() == 0
    assert questions.unwanted == []
    clock.now += 1.0
    assert teacher.room() == 2
    assert questions.unwanted == ["0", "1"]
    questions.cancel_all()
    teacher.poll()
    assert teacher.room() == 2
    teacher.ask(comparisons(6, 8), {})
    assert teacher.room() == 0


def test_while_people_answer_only_what_is_four_times_as_old_is_taken_back(
    teacher: HumanTeacher, questions: Questions, clock: Clock
):
    teacher.room()
    teacher.ask(comparisons(0, 6), {})
    for turn in range(4):  # in each half minute two answers, a third of the queue
        newest = 5 + 2 * turn
        questions.coming = [answer(newest), answer(newest - 1)]
        teacher.poll()
        teacher.ask(comparisons(newest + 1, newest + 3), {})
        clock.now += 30.0
        assert teacher.room() == (2 if turn == 3 else 0)
    assert questions.unwanted == ["0", "1"]


def test_a_young_question_is_not_taken_back(teacher: HumanTeacher, questions: Questions, clock: Clock):
    teacher.room()
    clock.now += 30.0
    teacher.ask(comparisons(0, 6), {})
    assert teacher.room() == 0
    assert questions.unwanted == []


def test_answers_make_room(teacher: HumanTeacher, questions: Questions):
    teacher.room()
    teacher.ask(comparisons(0, 6), {})
    questions.coming = [answer(0), answer(3, Preference.CANT_TELL)]
    teacher.poll()
    assert teacher.room() == 2


def test_a_revision_makes_no_room_twice_and_a_withdrawal_takes_it_back(teacher: HumanTeacher, questions: Questions):
    teacher.room()
    teacher.ask(comparisons(0, 6), {})
    questions.coming = [answer(0), answer(0, Preference.RIGHT)]
    assert [label.preference for label in teacher.poll()] == [Preference.LEFT, Preference.RIGHT]
    assert teacher.room() == 1
    questions.coming = [answer(0, None)]
    teacher.poll()
    assert teacher.room() == 0


def test_without_people_the_queue_is_renewed_at_a_quarter_of_the_rate(
    teacher: HumanTeacher, questions: Questions, clock: Clock
):
    teacher.room()
    teacher.ask(comparisons(0, 6), {})
    clock.now += 121.0  # the first renewal after two minutes without an answer
    assert teacher.room() == 2
    questions.cancel_all()
    teacher.poll()
    clock.now += 60.0
    assert teacher.room() == 2
    assert questions.unwanted == []


def test_nothing_is_asked_or_taken_back_while_the_server_has_no_room(
    teacher: HumanTeacher, questions: Questions, clock: Clock
):
    teacher.room()
    teacher.ask(comparisons(0, 3), {})
    questions.has_room = False
    clock.now += 60.0
    assert teacher.room() == 0
    assert questions.unwanted == []

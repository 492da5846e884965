"""The first questions: at once, or in parts that look at more where most answers are ties."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import Segments
from rl_teacher.core.streams import Streams
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.first_questions import FEW_OPEN, MOST_REPEATS, FirstQuestions
from rl_teacher.preferences.rarity import FEWEST_ANSWERS
from rl_teacher.preferences.rounds import Round, first_round
from rl_teacher.records import Label, Preference
from tests.preferences.rollouts import pool

NUM = 50
SEGMENTS = dataclasses.replace(pool(2 * NUM), env=np.arange(2 * NUM))
"""None overlaps another."""
STREAMS = Streams(1)


def named(prefix: str, num: int) -> Segments:
    drawn = pool(num)
    ids = np.array([f"{prefix} {row}" for row in range(num)])
    return dataclasses.replace(drawn, id=ids, env=10_000 + np.arange(num))


def questions(further: Iterator[Segments] | None) -> FirstQuestions:
    return FirstQuestions(SEGMENTS, NUM, SelectionConfig(), STREAMS, further)


def ask(asked: Round | None, dataset: Dataset) -> int:
    if asked is None:
        return 0
    dataset.add(asked.comparisons("run", 0), asked.left, asked.right)
    return len(asked.numbers)


def answer(dataset: Dataset, preference: Preference, num: int = 10**6) -> None:
    dataset.label([Label(one.id, preference, "someone", "") for one in dataset.open()[:num]])


def parts(preference: Preference, further: Iterator[Segments]) -> tuple[list[int], Dataset]:
    """How many are asked at a time where somebody answers at once, and what was asked."""
    dataset, one, sizes = Dataset(), questions(further), []
    while num := ask(one.due(dataset, answers_at_once=True), dataset):
        answer(dataset, preference)
        sizes.append(num)
    return sizes, dataset


def pairs(dataset: Dataset) -> list[tuple[str, str]]:
    return [(one.left, one.right) for one in dataset.comparisons]


def whole_round() -> list[tuple[str, str]]:
    whole = first_round(SEGMENTS, NUM, SelectionConfig(), STREAMS.generator("first pairs"))
    assert whole is not None
    return list(zip(map(str, whole.left.id), map(str, whole.right.id), strict=True))


def test_without_more_to_look_at_everything_is_asked_at_once() -> None:
    dataset, one = Dataset(), questions(None)
    assert ask(one.due(dataset, answers_at_once=False), dataset) == NUM
    assert pairs(dataset) == whole_round()
    assert one.due(dataset, answers_at_once=False) is None


def test_where_clips_are_sorted_everything_is_asked_at_once_and_no_more_is_looked_at() -> None:
    further, dataset = iter([named("further", 400)]), Dataset()
    one = FirstQuestions(SEGMENTS, NUM, SelectionConfig(rule="sorted"), STREAMS, further)
    assert ask(one.due(dataset, answers_at_once=False), dataset) == NUM
    answer(dataset, Preference.TIE)
    assert one.due(dataset, answers_at_once=False) is None
    assert len(list(further)) == 1


def test_in_parts_the_same_pairs_are_asked_in_the_same_order() -> None:
    sizes, dataset = parts(Preference.LEFT, iter([named("further", 400)]))
    assert sizes == [FEWEST_ANSWERS, FEWEST_ANSWERS, NUM - 2 * FEWEST_ANSWERS]
    assert pairs(dataset) == whole_round()


def test_where_most_answers_are_ties_the_rest_is_asked_about_what_further_rollouts_show() -> None:
    taken = []

    def further() -> Iterator[Segments]:
        for number in range(7):
            taken.append(number)
            yield named(f"further {number}", 2 * NUM)

    sizes, dataset = parts(Preference.TIE, further())
    assert sizes[0] == FEWEST_ANSWERS
    assert sum(sizes) == NUM
    assert pairs(dataset)[:FEWEST_ANSWERS] == whole_round()[:FEWEST_ANSWERS]
    later = list(itertools.chain(*pairs(dataset)[FEWEST_ANSWERS:]))
    assert len(taken) == 7
    assert sum(one.startswith("further") for one in later) > len(later) / 2


def test_what_was_seen_already_is_there_once() -> None:
    one, dataset = questions(iter([SEGMENTS, named("further", 5), SEGMENTS])), Dataset()
    while ask(one.due(dataset, answers_at_once=True), dataset):
        answer(dataset, Preference.TIE)
    assert len(one.segments) == 2 * NUM + 5


def test_people_are_asked_more_before_they_run_out_of_questions() -> None:
    dataset, one = Dataset(), questions(iter([named("further", 400)]))
    ask(one.due(dataset, answers_at_once=False), dataset)
    assert one.due(dataset, answers_at_once=False) is None
    answer(dataset, Preference.LEFT, FEWEST_ANSWERS - FEW_OPEN - 1)
    assert one.due(dataset, answers_at_once=False) is None
    answer(dataset, Preference.LEFT, 1)
    assert dataset.num_open == FEW_OPEN
    assert ask(one.due(dataset, answers_at_once=False), dataset) == FEWEST_ANSWERS


def test_a_run_that_was_stopped_asks_the_rest() -> None:
    dataset = Dataset()
    ask(questions(iter([])).due(dataset, answers_at_once=True), dataset)
    answer(dataset, Preference.RIGHT)
    again = questions(iter([]))
    while ask(again.due(dataset, answers_at_once=True), dataset):
        answer(dataset, Preference.RIGHT)
    assert pairs(dataset) == whole_round()


def test_who_never_can_tell_is_not_asked_for_ever() -> None:
    for further in (None, iter([named("further", 400)])):
        dataset, one, num_rounds = Dataset(), questions(further), 0
        while ask(one.due(dataset, answers_at_once=True), dataset):
            answer(dataset, Preference.CANT_TELL)
            num_rounds += 1
        assert num_rounds <= MOST_REPEATS + 3
        assert dataset.num_labels == 0

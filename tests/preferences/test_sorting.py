"""Sorting clips by questions: what is asked, and how good the list is that comes of it."""

import itertools
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from rl_teacher.preferences.sorted_lists import SortedList, asked_lists, first_clips, first_random_pairs
from rl_teacher.preferences.sorting import AT_ONCE, Known, Question, sorted_questions
from rl_teacher.ranking.answers import Answer
from rl_teacher.ranking.ranking import most_questions, rank, rank_list
from rl_teacher.records import Comparison, Preference
from tests.ranking.simulated import Judge, kendall_tau

LIST = 32
BUDGET = 200


class Sorted(NamedTuple):
    """What became of some answers."""

    comparisons: list[Comparison]
    answers: list[Answer]
    worth: dict[str, float]

    @property
    def clips(self) -> list[str]:
        """All that were shown to anybody."""
        return list(dict.fromkeys(clip for one in self.comparisons for clip in (one.left, one.right)))

    def tau(self) -> float:
        """Of the longest list."""
        return kendall_tau(max((found.clips for found in rank(self.answers)), key=len), self.worth)


def comparison(question: Question, step: int) -> Comparison:
    return Comparison(f"{question.left}/{question.right}/{question.number}", question.left, question.right, step)


@cache
def sort(seed: int, mistakes: float = 0.1, budget: int = BUDGET, first: int = 50, list_clips: int = LIST) -> Sorted:
    """Random pairs first, then questions in rounds, as a program is asked."""
    generator = np.random.default_rng(seed)
    worth = {f"clip {i:03d}": float(value) for i, value in enumerate(generator.normal(size=300))}
    judge, names = Judge(worth, mistakes, seed), list(worth)
    pairs = first_random_pairs(names[: 2 * first], first, list_clips, generator)
    asked = [comparison(Question(left, right), 0) for left, right in pairs]
    answers = [judge.compare(one.id, one.left, one.right) for one in asked]
    while len(asked) < budget:
        num = min(AT_ONCE, budget - len(asked))
        questions = sorted_questions(Known(asked, answers, set()), names[2 * first :], num, list_clips, generator)
        assert questions, "there is always something to ask"
        new = [comparison(question, 1) for question in questions]
        answers += [judge.compare(one.id, one.left, one.right) for one in new]
        asked += new
    return Sorted(asked, answers, worth)


def test_two_hundred_answers_with_a_tenth_of_mistakes_sort_a_list():
    found = [sort(seed) for seed in range(4)]
    assert np.mean([one.tau() for one in found]) >= 0.88
    assert max(len(one.clips) for one in found) <= 60
    assert all(len(one.comparisons) == BUDGET for one in found)


def test_without_mistakes_the_order_is_exact():
    assert sort(1, mistakes=0.0).tau() == 1.0


def test_a_wrong_answer_costs_only_its_own_clips():
    """One answer more turned around, in a list that was sorted with mistakes: the others stay about where they are."""
    moved, own = [], []
    for seed in range(3):
        answers = sort(seed).answers
        clips = max((ranking.clips for ranking in rank(answers)), key=len)
        about = [one for one in answers if one.left in clips]
        before = {clip: place for place, clip in enumerate(rank_list(about, clips).clips)}
        for number in range(0, len(about), len(about) // 12):
            wrong = about[number]
            flipped = Answer(wrong.comparison, wrong.left, wrong.right, wrong.preference.swapped)
            after = rank_list([*about[:number], flipped, *about[number + 1 :]], clips).clips
            far = {clip: abs(place - before[clip]) for place, clip in enumerate(after)}
            own.append(max(far.pop(wrong.left), far.pop(wrong.right)))
            moved += far.values()
    assert np.mean(moved) < 0.25, "places of 32, by which the other clips move"
    assert np.mean(np.array(moved) > 2) < 0.01, "of the others move by more than two places"
    assert np.mean(own) < 5, "places of 32, by which the two clips of the answer move"


def test_the_same_seed_asks_the_same():
    again = sort.__wrapped__(2)
    assert again.comparisons == sort(2).comparisons


@pytest.mark.parametrize("seed", range(3))
def test_no_clip_is_asked_about_more_often_than_needed(seed: int):
    """Questions that a clip is put to others with; as an opponent it may be met more often."""
    found = sort(seed)
    placed = Counter(max((one.left, one.right), key=found.clips.index) for one in found.comparisons)
    assert max(placed.values()) <= most_questions(LIST)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_come_twice_only_where_an_answer_is_improbable(seed: int):
    asked = sort(seed).comparisons
    pairs = Counter(frozenset((one.left, one.right)) for one in asked)
    assert sum(count - 1 for count in pairs.values()) <= BUDGET / 10
    assert len({one.id for one in asked}) == BUDGET, "each with an id of its own"
    assert max(pairs.values()) <= 2


def test_what_was_asked_again_was_wrong_more_often_than_not():
    wrong = []
    for seed in range(4):
        found = sort(seed)
        first: dict[frozenset[str], Answer] = {}
        for one in found.answers:
            pair = frozenset((one.left, one.right))
            if pair in first:
                said = first[pair].preference is Preference.LEFT
                wrong.append(said != (found.worth[first[pair].left] > found.worth[first[pair].right]))
            first.setdefault(pair, one)
    assert np.mean(wrong) > 0.5


def test_no_question_waits_for_another_one():
    found = sort(1, budget=80)
    for num in (1, 4, 12):
        fresh = [f"fresh {i}" for i in range(40)]
        known = Known(found.comparisons, found.answers, set())
        questions = sorted_questions(known, fresh, num, LIST, np.random.default_rng(0))
        clips = [clip for question in questions for clip in (question.left, question.right)]
        assert len(questions) == num
        assert len(clips) == len(set(clips))


def test_who_waits_for_an_answer_is_not_asked_about():
    found = sort(1, budget=80)
    fresh = [f"fresh {i}" for i in range(40)]
    waiting = [comparison(question, 1) for question in sorted_questions(
        Known(found.comparisons, found.answers, set()), fresh, 8, LIST, np.random.default_rng(0))]  # fmt: skip
    known = Known([*found.comparisons, *waiting], found.answers, {one.id for one in waiting})
    more = sorted_questions(known, fresh, 4, LIST, np.random.default_rng(0))
    busy = {clip for one in waiting for clip in (one.left, one.right)}
    assert len(more) == 4
    assert not busy & {clip for question in more for clip in (question.left, question.right)}


def test_segments_that_overlap_are_not_compared():
    asked = [Comparison("1", "a", "b", 0)]
    answers = [Answer("1", "a", "b", Preference.LEFT)]
    known = Known(asked, answers, set(), lambda one, other: True)
    assert sorted_questions(known, ["c", "d"], 3, LIST, np.random.default_rng(0)) == []


def test_a_fresh_list_begins_when_one_is_full_and_placed():
    # 8 clips, every pair answered without a mistake: all are placed.
    clips = [f"clip {i}" for i in range(8)]
    asked = [Comparison(f"{a}{b}", a, b, 1) for a, b in itertools.combinations(clips, 2)]
    answers = [Answer(one.id, one.left, one.right, Preference.RIGHT) for one in asked]
    questions = sorted_questions(Known(asked, answers, set()), ["x", "y", "z"], 3, 8, np.random.default_rng(0))
    assert [sorted((one.left, one.right)) for one in questions] == [["x", "y"]]
    lists = asked_lists([*asked, Comparison("new", "x", "y", 1)], 8)
    assert [one.clips for one in lists] == [tuple(clips), ("x", "y")]


def test_before_training_a_list_has_two_thirds_of_its_clips():
    assert (first_clips(36), first_clips(8)) == (24, 6)
    clips = [f"clip {i}" for i in range(350)]
    pairs = first_random_pairs(clips, 175, 36, np.random.default_rng(0))
    assert len({frozenset(pair) for pair in pairs}) == 175
    lists = asked_lists([Comparison(f"{a}{b}", a, b, 0) for a, b in pairs], 36)
    assert [len(one.clips) for one in lists] == [24, 24, 24, 24]  # 175 / 50 answers make 4 lists
    assert all(one.num_first == 24 for one in lists)
    joined = asked_lists([Comparison("1", "a", "b", 0), Comparison("2", "c", "a", 9)], 36)
    assert joined == [SortedList(("a", "b", "c"), 2)]


def test_few_clips_make_few_pairs():
    assert len(first_random_pairs(["a", "b", "c"], 10, 36, np.random.default_rng(0))) == 3
    assert first_random_pairs([], 10, 36, np.random.default_rng(0)) == []

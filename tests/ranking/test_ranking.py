"""The order of clips as a pure function of the answers: small cases by hand, and laws."""

import math

import numpy as np
import pytest

from rl_teacher.ranking.answers import Answer, components, tally
from rl_teacher.ranking.order import LEAST_NOISE, mistake_share, order, probability_better
from rl_teacher.ranking.places import chances, insert, median_place, place_probabilities, without
from rl_teacher.ranking.ranking import IMPROBABLE, Ranking, most_questions, rank, rank_list
from rl_teacher.ranking.scores import scores
from rl_teacher.records import Preference
from tests.ranking.simulated import all_pairs, answer, kendall_tau, random_answers

CLIPS = "abcdefghij"


def places_of(rankings: list[Ranking]) -> dict[str, int]:
    return {clip: number for number, clip in enumerate(rankings[0].clips)}


def test_one_answer_moves_a_clip_above_the_other_with_the_probability_that_it_is_right():
    # b was said to be better than a. P(answer | b above) = 0.9 x 0.95, P(| equal) = 0.25, P(| below) = 0.1 x 0.95.
    # Prior 1 : 0.1 : 1, so below : equal : above = 0.095 : 0.025 : 0.855, which is 0.975 in all.
    counts = tally([answer("b", "a")], "ab")
    place = place_probabilities(counts, [[0]], 1, noise=0.1, equal_prior=0.1)
    np.testing.assert_allclose(place, np.array([0.095, 0.025, 0.855]) / 0.975)
    better, equal = chances(place)
    assert better[0] == pytest.approx(0.855 / 0.975)
    assert equal[0] == pytest.approx(0.025 / 0.975)


def test_two_answers_put_a_clip_between_two_others():
    # c above a and below b, of a < b. Places: below a, between, above b (a tie is as good as excluded): products of
    # 0.855 (right) and 0.095 (wrong): 0.095 x 0.855, 0.855 x 0.855, 0.855 x 0.095.
    counts = tally([answer("c", "a"), answer("b", "c")], "abc")
    place = place_probabilities(counts, [[0], [1]], 2, noise=0.1, equal_prior=1e-12)
    wrong, right = 0.095 * 0.855, 0.855 * 0.855
    np.testing.assert_allclose(place[0::2], np.array([wrong, right, wrong]) / (2 * wrong + right), rtol=1e-6)
    assert median_place(place) == 2


def test_a_tie_makes_the_place_in_the_group_probable():
    # P(tie | equal) = 0.5, P(tie | not) = 0.05; prior 1 : 1 : 1.
    counts = tally([answer("b", "a", preference=Preference.TIE)], "ab")
    place = place_probabilities(counts, [[0]], 1, noise=0.1, equal_prior=1.0)
    np.testing.assert_allclose(place, np.array([0.05, 0.5, 0.05]) / 0.6)


def test_more_noise_makes_every_place_less_sure():
    counts = tally([answer("c", "a"), answer("b", "c")], "abc")
    sure = [place_probabilities(counts, [[0], [1]], 2, noise=p, equal_prior=0.01).max() for p in (0.05, 0.1, 0.3)]
    assert sure == sorted(sure, reverse=True)


def test_where_nothing_was_answered_every_place_between_groups_is_as_probable():
    counts = tally([], "abc")
    place = place_probabilities(counts, [[0], [1]], 2, noise=0.1, equal_prior=0.1)
    np.testing.assert_allclose(place, np.array([1, 0.1, 1, 0.1, 1]) / 3.2)
    np.testing.assert_array_equal(place_probabilities(counts, [], 2, noise=0.1, equal_prior=0.1), [1.0])


def test_a_clip_goes_where_it_is_put_and_comes_out_again():
    groups = [[0], [1]]
    insert(groups, 2, 2)
    assert groups == [[0], [2], [1]]
    insert(groups, 3, 5)
    assert groups == [[0], [2], [1, 3]]
    assert without(groups, 2) == [[0], [1, 3]]


def test_scores_match_hand_computation():
    # Two clips, one answer: both scores are ±s with sigmoid(-2 s) = 0.3 s, so s = 0.7953.
    found = scores(tally([answer("b", "a")], "ab"))
    assert found == pytest.approx([-found[1], found[1]])
    assert 1 / (1 + math.exp(2 * found[1])) == pytest.approx(0.3 * found[1], abs=1e-6)
    np.testing.assert_allclose(scores(tally([], "ab")), 0.0)


def test_the_share_of_mistakes_is_counted_and_drawn_to_a_tenth():
    # 45 answers, none wrong: (0 + 2) / (45 + 20) is below the floor; turned around all are: 47 / 65 is above the limit.
    counts = tally(all_pairs(CLIPS), CLIPS)
    right = [[i] for i in range(10)]
    assert mistake_share(counts, right) == LEAST_NOISE
    assert mistake_share(counts, right[::-1]) == 0.35
    # a and b exchanged: one of 45 is wrong.
    assert mistake_share(counts, [[1], [0], *right[2:]]) == LEAST_NOISE
    assert mistake_share(tally([answer("a", "b")], "ab"), [[0], [1]]) == pytest.approx(3 / 21)


def test_every_pair_answered_gives_the_order():
    (found,) = rank(all_pairs(CLIPS))
    assert found.clips == list(CLIPS)
    assert all(place.is_placed and place.low <= number <= place.high for number, place in numbered(found))
    assert not found.doubtful
    assert found.noise == LEAST_NOISE
    assert found.is_joined


def numbered(found: Ranking):
    return enumerate([place for group in found.groups for place in group], 1)


def test_the_sequence_of_answers_does_not_matter():
    answers, _ = random_answers(12, 60, seed=3)
    assert rank(answers[::-1]) == rank(answers)


def test_of_many_clips_those_that_were_compared_last_are_ranked():
    # 150 pairs are 300 clips; the last 100 pairs are the 200 that are kept.
    answers = [answer(f"won {i:03d}", f"lost {i:03d}") for i in range(150)]
    (found,) = rank(answers)
    assert found.num_left_out == 100
    assert min(found.clips) == "lost 050"
    assert found.num_answers == 100


def test_swapped_sides_with_swapped_answers_give_the_same_list():
    answers, _ = random_answers(12, 60, seed=4)
    clips = sorted({clip for one in answers for clip in (one.left, one.right)})
    turned = [Answer(a.comparison, a.right, a.left, a.preference.swapped) for a in answers]
    assert rank_list(turned, clips) == rank_list(answers, clips)


def test_the_opposite_of_every_answer_gives_the_opposite_order():
    answers = all_pairs(CLIPS)
    opposite = [Answer(a.comparison, a.left, a.right, a.preference.swapped) for a in answers]
    assert rank_list(opposite, CLIPS).clips == list(CLIPS)[::-1]


def test_answers_that_say_nothing_change_nothing():
    answers = all_pairs(CLIPS)
    silent = [answer("a", "j", 7, preference=p) for p in (Preference.CANT_TELL, Preference.TAKEN_BACK)]
    assert rank([*answers, *silent]) == rank(answers)


def test_clips_that_always_tie_are_one_group():
    answers = [one for one in all_pairs(CLIPS) if {one.left, one.right} != {"e", "f"}]
    ties = [answer("e", "f", number, preference=Preference.TIE) for number in range(4)]
    (found,) = rank([*answers, *ties])
    assert [[place.clip for place in group] for group in found.groups if len(group) > 1] in ([["e", "f"]], [["f", "e"]])


def test_a_wrong_answer_is_found():
    answers = [answer("a", "j") if {one.left, one.right} == {"a", "j"} else one for one in all_pairs(CLIPS)]
    (found,) = rank(answers)
    assert found.clips == list(CLIPS)
    (doubt,) = found.doubtful
    assert (doubt.comparison, doubt.better, doubt.worse) == ("a>j 0", "a", "j")
    assert doubt.probability < IMPROBABLE


def test_what_two_clips_think_of_each_other_adds_up():
    counts = tally(random_answers(12, 60, seed=5)[0], sorted({f"clip {i}" for i in range(12)}))
    found = order(counts)
    for one in range(12):
        for other in range(one):
            assert probability_better(found, one, other) + probability_better(found, other, one) == pytest.approx(1.0)


def test_random_pairs_make_one_list_of_guesses():
    # 40 clips compared once each: who won is above who lost, and nothing more is known.
    answers = [answer(f"won {i}", f"lost {i}") for i in range(20)]
    (found,) = rank(answers)
    assert [len(group) for group in found.groups] == [20, 20]
    assert {place.clip[:3] for place in found.groups[1]} == {"won"}
    assert not found.is_joined
    assert not any(place.is_placed for group in found.groups for place in group)


def test_lists_that_no_answer_joins_stay_apart_and_the_newest_comes_first():
    upper = [Answer(a.comparison, a.left.upper(), a.right.upper(), a.preference) for a in all_pairs(CLIPS)]
    loose = [answer("y", "x")]
    found = rank([*all_pairs(CLIPS), *loose, *upper])
    assert [ranking.clips for ranking in found] == [list(CLIPS.upper()), list(CLIPS), ["x", "y"]]
    assert [ranking.is_joined for ranking in found] == [True, True, False]
    assert rank([]) == []


def test_pairs_join_clips():
    assert components([("a", "b"), ("c", "d"), ("b", "e"), ("d", "c")]) == [["a", "b", "e"], ["c", "d"]]


def test_so_many_questions_about_a_clip_are_enough():
    # 3 log2(n + 1) + 1: 3 x 5 + 1 of 31 clips; 3 x 2 + 1 of 3
    assert (most_questions(31), most_questions(3)) == (16, 7)


def test_mistakes_are_outvoted():
    """Of 160 random answers about 24 clips a tenth is wrong: most pairs are in order, and the share is found."""
    taus, noise = [], []
    for seed in range(5):
        answers, worth = random_answers(24, 160, seed=seed)
        (found,) = rank(answers)
        taus.append(kendall_tau(found.clips, worth))
        noise.append(found.noise)
    assert np.mean(taus) > 0.8
    assert 0.05 <= np.mean(noise) < 0.15

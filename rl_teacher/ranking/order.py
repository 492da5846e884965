"""The order of the clips of one list, from all answers about them: scores to begin with, then each clip placed anew."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from rl_teacher.ranking.answers import Tally
from rl_teacher.ranking.places import Groups, chances, insert, median_place, place_probabilities, without
from rl_teacher.ranking.scores import scores

LEAST_NOISE = 0.05
MOST_NOISE = 0.35
EXPECTED_WRONG, EXPECTED_ANSWERS = 2.0, 20.0
"""What the share of mistakes is drawn to while there are few answers: as if so many of so many had been wrong."""
MAX_SWEEPS = 8
MOST_PLACED = 128
"""In longer lists clips stay where their scores put them."""
LEAST_ANSWERS = 3.0
"""So many answers a clip, on average, or too little is known to place single clips."""
SAME_SCORE = 6
"""Scores that agree to so many digits after the point are one group: no answer tells these clips apart."""


class Order(NamedTuple):
    """What the answers say about the clips of one list, rows of a tally."""

    groups: Groups
    """From worst to best."""
    places: list[Float[np.ndarray, " place"]]
    """Of each clip: its place probabilities in the groups without it."""
    noise: float
    """Share of answers that name the wrong clip, as the answers themselves tell [1]."""


def order(tally: Tally) -> Order:
    """Rank clips by all answers at once: the same answers in any sequence give the same order.

    Scores give a first order. Where there are enough answers, each clip is then taken out and put in again where the
    answers about it say, over and over, until nothing moves. The share of mistakes is counted, and all is done once
    more with it.
    """
    answers = tally.num_decisive + tally.num_ties
    equal_prior = (tally.num_ties + 0.1) / (answers + 10.0)
    start = _by_score(tally)
    if len(tally.better) > MOST_PLACED or 2 * answers < LEAST_ANSWERS * len(tally.better):
        noise = mistake_share(tally, start)
        return Order(start, _places(tally, start, noise, equal_prior), noise)
    groups, noise = [[clip] for group in start for clip in group], EXPECTED_WRONG / EXPECTED_ANSWERS
    for _ in range(2):
        groups = _settled(tally, groups, noise, equal_prior)
        noise = mistake_share(tally, groups)
    return Order(groups, _places(tally, groups, noise, equal_prior), noise)


def mistake_share(tally: Tally, groups: Groups) -> float:
    """Share of the answers that an order contradicts, drawn towards a tenth, at least LEAST_NOISE [1]."""
    members = np.array([clip for group in groups for clip in group], np.int64)
    of_group = np.array([k for k, group in enumerate(groups) for _ in group], np.int64)
    better = tally.better[np.ix_(members, members)]
    wrong = float(better[of_group[:, None] < of_group[None, :]].sum())
    share = (wrong + EXPECTED_WRONG) / (tally.num_decisive + EXPECTED_ANSWERS)
    return min(MOST_NOISE, max(LEAST_NOISE, share))


def probability_better(order: Order, one: int, other: int) -> float:
    """P(one clip is better than the other), from both sides' places; that both are equal counts by half [1]."""
    return (_above(order, one, other) + 1.0 - _above(order, other, one)) / 2


def _above(order: Order, one: int, other: int) -> float:
    rest = without(order.groups, one)
    group = next(k for k, members in enumerate(rest) if other in members)
    above, equal = chances(order.places[one])
    return float(above[group] + equal[group] / 2)


def _by_score(tally: Tally) -> Groups:
    rounded = np.round(scores(tally), SAME_SCORE) + 0.0
    return [np.flatnonzero(rounded == value).tolist() for value in np.unique(rounded)]


def _settled(tally: Tally, groups: Groups, noise: float, equal_prior: float) -> Groups:
    for _ in range(MAX_SWEEPS):
        before = [sorted(group) for group in groups]
        for clip in range(len(tally.better)):
            groups = without(groups, clip)
            place = place_probabilities(tally, groups, clip, noise=noise, equal_prior=equal_prior)
            insert(groups, clip, median_place(place))
        if before == [sorted(group) for group in groups]:
            break
    return groups


def _places(tally: Tally, groups: Groups, noise: float, equal_prior: float) -> list[Float[np.ndarray, " place"]]:
    return [
        place_probabilities(tally, without(groups, clip), clip, noise=noise, equal_prior=equal_prior)
        for clip in range(len(tally.better))
    ]

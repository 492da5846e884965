"""Where a clip belongs in a list of groups: a probability for each place, from the answers about it."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from rl_teacher.ranking.answers import Tally

TIE_PROB = 0.05
"""P(a tie is said) where one clip is better than the other [1]."""
TIE_PROB_OF_EQUALS = 0.5
"""P(a tie is said) where neither is; else one of the two is named by chance [1]."""

Groups = list[list[int]]
"""Rows of a tally, from worst to best; those of one group are equally good."""


def place_probabilities(
    tally: Tally, groups: Sequence[Sequence[int]], clip: int, *, noise: float, equal_prior: float
) -> Float[np.ndarray, " place"]:
    """P(the clip belongs at each place | the answers about it) by Bayes' rule, all else being where it is.

    Of K groups there are 2 K + 1 places: place 2 k is between group k - 1 and group k, and place 2 k + 1 is in group k.

    Args:
        tally: all answers.
        groups: without the clip, from worst to best.
        clip: a row of the tally.
        noise: share of answers that name the wrong clip, in (0, 1) [1].
        equal_prior: how probable a place in a group is before any answer, relative to one between groups [1].
    """
    if not groups:
        return np.ones(1)
    members = np.fromiter(itertools.chain.from_iterable(groups), np.int64)
    starts = np.fromiter(itertools.accumulate(map(len, groups[:-1]), initial=0), np.int64)
    wins, losses, ties = (
        np.add.reduceat(counts[members], starts)
        for counts in (tally.better[clip], tally.better[:, clip], tally.ties[clip])
    )
    right, wrong = math.log((1 - noise) * (1 - TIE_PROB)), math.log(noise * (1 - TIE_PROB))
    tie = math.log(TIE_PROB)
    above, below = wins * right + losses * wrong + ties * tie, losses * right + wins * wrong + ties * tie
    equal = (wins + losses) * math.log((1 - TIE_PROB_OF_EQUALS) / 2) + ties * math.log(TIE_PROB_OF_EQUALS)
    passed, ahead = np.append(0.0, np.cumsum(above)), np.append(np.cumsum(below[::-1])[::-1], 0.0)
    log = np.empty(2 * len(groups) + 1)
    log[0::2] = passed + ahead
    log[1::2] = passed[:-1] + equal + ahead[1:] + math.log(equal_prior)
    probability = np.exp(log - log.max())
    return np.asarray(probability / probability.sum())


def chances(place: Float[np.ndarray, " place"]) -> tuple[Float[np.ndarray, " group"], Float[np.ndarray, " group"]]:
    """P(better than each group) and P(as good as each group)."""
    return 1.0 - np.cumsum(place)[1::2], place[1::2]


def median_place(place: Float[np.ndarray, " place"]) -> int:
    """The place that as much is below of as above: it moves little where one answer changes."""
    return int(np.searchsorted(np.cumsum(place), 0.5 - 1e-9))


def insert(groups: Groups, clip: int, place: int) -> None:
    """Put a clip at a place of `place_probabilities`."""
    if place % 2:
        groups[place // 2] = [*groups[place // 2], clip]
    else:
        groups.insert(place // 2, [clip])


def without(groups: Groups, clip: int) -> Groups:
    """The groups as they are without the clip."""
    return [rest for group in groups if (rest := [one for one in group if one != clip] if clip in group else group)]

"""One number for each clip, from all answers at once: where a ranking begins."""

import numpy as np
from jaxtyping import Float

from rl_teacher.ranking.answers import Tally

PRIOR_PRECISION = 0.3
"""Of each score: what nobody compared has the score 0, and one answer moves a clip by less than 1."""
MAX_STEPS = 50
TOLERANCE = 1e-9


def scores(tally: Tally) -> Float[np.ndarray, " clip"]:
    """The most probable scores, where P(one better than other) = sigmoid(its score - the other's); a tie is half a win.

    The log posterior is concave, so there is one peak, whatever the order of the answers, and one answer more moves it
    little.

    Source: Bradley & Terry 1952, Rank analysis of incomplete block designs; with a normal prior, by Newton's method.
    """
    wins = tally.better + tally.ties / 2
    num = wins + wins.T
    score = np.zeros(len(wins))
    for _ in range(MAX_STEPS):
        probability = 1.0 / (1.0 + np.exp(score[None, :] - score[:, None]))
        slope = (wins - num * probability).sum(1) - PRIOR_PRECISION * score
        curvature = num * probability * (1.0 - probability)
        precision = np.diag(curvature.sum(1) + PRIOR_PRECISION) - curvature
        step = np.linalg.solve(precision, slope)
        score = score + step
        if np.abs(step).max(initial=0.0) < TOLERANCE:
            break
    return score

"""From returns to scores, and what is said of many scores at once: pure functions of arrays."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NUM_DRAWS = 2000
COVERAGE = 0.95


def score(returns: Floats, random_return: float, true_return: float) -> Floats:
    """0 for a random policy, 1 for the same agent on the true reward; above 1 is possible.

    Args:
        returns: true returns of trained agents.
        random_return: R_random, the mean true return of uniform random actions.
        true_return: R_true, the mean true return of agents that learned from the true reward in as many steps.

    Returns:
        (R - R_random) / (R_true - R_random); nan where the true reward taught nothing, which no score can measure.
    """
    gap = true_return - random_return
    return (returns - random_return) / gap if gap > 0 else np.full_like(returns, np.nan)


def interquartile_mean(values: Floats) -> Floats:
    """Mean of the middle half of the last axis; the values at its edges count for the share that lies inside.

    Source: Agarwal et al. 2021, arXiv:2108.13264, who cut whole values: the same where 4 divides their number.
    """
    num = values.shape[-1]
    ranks = np.arange(num)
    inside = np.minimum(ranks + 1, 0.75 * num) - np.maximum(ranks, 0.25 * num)
    weights = np.maximum(inside, 0.0) / (0.5 * num)
    result: Floats = np.sort(values, axis=-1) @ weights
    return result


def mean(values: Floats) -> Floats:
    """Mean of the last axis."""
    result: Floats = values.mean(axis=-1)
    return result


def bootstrap_interval(
    groups: Sequence[Floats], statistic: Callable[[Floats], Floats], *, num_draws: int = NUM_DRAWS, seed: int = 0
) -> tuple[float, float]:
    """The 95 % stratified bootstrap interval of a statistic, by percentiles.

    Args:
        groups: scores of the seeds of each task; each draw takes as many seeds of each task, with replacement.
        statistic: of the last axis.
        num_draws: how often.
        seed: of the draws, so that the same scores have the same interval.

    Returns:
        Its lower and its upper end.
    """
    generator = np.random.default_rng(seed)
    drawn = [group[generator.integers(len(group), size=(num_draws, len(group)))] for group in groups]
    tail = 50 * (1 - COVERAGE)
    low, high = np.percentile(statistic(np.concatenate(drawn, axis=-1)), [tail, 100 - tail])
    return float(low), float(high)


def spread(values: Floats) -> float:
    """Standard deviation of a sample; nan for fewer than two values."""
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")

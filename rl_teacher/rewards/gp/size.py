"""How many comparisons a Gaussian process is fitted to: of more than fit into a minute and 4 GB, a random part."""

import numpy as np

from rl_teacher.core.arrays import LabeledBatch

MOST_PRODUCTS = 1_500_000_000
"""Comparisons times the square of how many of the weights' directions they can tell apart, which are as many as there
are functions, or comparisons, if these are fewer. A step of Newton's method makes so many multiplications, and some 700
of them are 45 s of a processor where answers are wrong: docs/rewards.md has the table."""
MOST_NUMBERS = 5_000_000
"""Comparisons times functions, of which several arrays are in memory."""
MOST_COMPARISONS = 20_000
"""However few functions there are."""


def most_comparisons(num_functions: int) -> int:
    """How many comparisons a fit of so many functions takes.

    >>> most_comparisons(487), most_comparisons(3200)  # Hopper, Humanoid
    (6324, 1144)
    """
    by_time = max(int(MOST_PRODUCTS ** (1 / 3)), MOST_PRODUCTS // num_functions**2)
    return max(1, min(MOST_COMPARISONS, MOST_NUMBERS // num_functions, by_time))


def suits(num_comparisons: int, num_functions: int) -> bool:
    """Whether a Gaussian process takes all comparisons, or at least half as many as it has functions.

    Networks take all. Where it does neither, they told more of other answers right: docs/rewards.md.

    >>> suits(100_000, 487), suits(1_100, 3200), suits(1_400, 3200)  # Hopper, Humanoid
    (True, True, False)
    """
    most = most_comparisons(num_functions)
    return num_comparisons <= most or 2 * most >= num_functions


def part_of(labeled: LabeledBatch, num_functions: int) -> LabeledBatch:
    """All comparisons, or a random part that is not too large to be fitted to.

    Which ones is decided by their keys, so it is the same part in every fit, and one that only loses comparisons to
    newer ones as they come.

    Args:
        labeled: all that have an answer.
        num_functions: what the reward is a sum of.
    """
    most = most_comparisons(num_functions)
    if len(labeled) <= most:
        return labeled
    return labeled.take(np.sort(np.argsort(labeled.key, kind="stable")[:most]))

"""How many comparisons a Gaussian process is fitted to: of more than fit into a minute and 4 GB, a random part."""

import numpy as np

from rl_teacher.core.arrays import LabeledBatch

MOST_NUMBERS = 5_000_000
"""Comparisons times functions. Time and memory of a fit grow with it: docs/rewards.md has the table."""
MOST_COMPARISONS = 20_000
"""However few functions there are."""


def part_of(labeled: LabeledBatch, num_functions: int) -> LabeledBatch:
    """All comparisons, or a random part that is not too large to be fitted to.

    Which ones is decided by their keys, so it is the same part in every fit, and one that only loses comparisons to
    newer ones as they come.

    Args:
        labeled: all that have an answer.
        num_functions: what the reward is a sum of.
    """
    most = min(MOST_COMPARISONS, max(1, MOST_NUMBERS // num_functions))
    if len(labeled) <= most:
        return labeled
    return labeled.take(np.sort(np.argsort(labeled.key, kind="stable")[:most]))

"""Correlation of two rows of numbers."""

import numpy as np
from jaxtyping import Float


def correlation(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"]) -> float:
    """Pearson's correlation; nan where it is undefined: fewer than two values, or one side constant."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])

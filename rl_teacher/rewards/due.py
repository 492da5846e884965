"""When a reward model is fitted again."""


def is_due(num_labels: int, num_fitted: int, growth: float) -> bool:
    """Whether there is enough new to learn from.

    Args:
        num_labels: changes of the labels so far: new ones, and old ones that were revised or withdrawn.
        num_fitted: the same at the last fit.
        growth: share by which the number must have grown, and by 1 at least [1].
    """
    # The small number is for rounding: 100 * 1.1 is 110.00000000000001, and 110 labels are enough.
    return num_labels >= max(num_fitted + 1, num_fitted * (1 + growth) - 1e-6)

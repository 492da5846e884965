"""When a reward model is fitted again."""


def is_due(num_labels: int, num_fitted: int, growth: float) -> bool:
    """Whether labels have grown by the share `growth` since a fit to `num_fitted`, and by one at least."""
    # Less a hair: 100 * 1.1 is 110.00000000000001, and 110 labels are enough.
    return num_labels >= max(num_fitted + 1, num_fitted * (1 + growth) - 1e-6)

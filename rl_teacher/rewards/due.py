"""When a reward model is fitted again."""

PROCESS_GROWTH = 0.03
"""With 0.1 the last eight of a hundred labels came with the last step, when nobody could learn from them any more."""
NETWORKS_GROWTH = 0.1
"""Of networks, whose fit takes ten times as long."""


def is_due(num_labels: int, num_fitted: int, growth: float) -> bool:
    """Whether labels have grown by the share `growth` since a fit to `num_fitted`, and by one at least."""
    # Less a hair: 100 * 1.1 is 110.00000000000001, and 110 labels are enough.
    return num_labels >= max(num_fitted + 1, num_fitted * (1 + growth) - 1e-6)

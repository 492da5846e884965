"""How well members predict the answers that they were fitted to, and those that they held out."""

import numpy as np
from jaxtyping import Float

from rl_teacher.core.bradley_terry import decisive_accuracy


def member_metrics(
    gaps: Float[np.ndarray, "member comparison"],
    loss: Float[np.ndarray, "member comparison"],
    target: Float[np.ndarray, " comparison"],
    weights: Float[np.ndarray, "member comparison"],
) -> dict[str, float]:
    """The metrics of a fit (docs/metrics.md).

    Args:
        gaps: predicted return of left less that of right.
        loss: of the bare Bradley-Terry model.
        target: P(left preferred).
        weights: of each label for each member; 0 is held out.
    """
    every = np.broadcast_to(target[None], gaps.shape)
    held = (weights == 0).astype(np.float64)
    probability = 1.0 / (1.0 + np.exp(-np.clip(gaps, -50, 50)))
    return {
        "predictor/loss": _mean(loss, weights),
        "predictor/holdout_loss": _mean(loss, held),
        "predictor/accuracy": decisive_accuracy(gaps, every, weights),
        "predictor/holdout_accuracy": decisive_accuracy(gaps, every, held),
        "predictor/disagreement": float(probability.std(axis=0).mean()),
        "predictor/tie_share": float((target == 0.5).mean()),
    }


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean; nan when nothing has weight."""
    total = float(weight.sum())
    return float((values * weight).sum() / total) if total > 0 else float("nan")

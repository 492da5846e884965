"""The Bradley-Terry model of a preference between two segments, on logits throughout."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rl_teacher.errors import require


def preference_loss(
    gap: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    *,
    random_answer_prob: float = 0.0,
    smoothing: float = 0.0,
) -> Float[Array, "*batch"]:
    """Cross-entropy of the Bradley-Terry model, for a teacher who sometimes answers at random.

    P(left) = (1 - p) sigmoid(gap) + p / 2 with p = random_answer_prob; the target is first drawn towards
    0.5 by label smoothing, y <- (1 - 2 m) y + m with m = smoothing. Use one of the two, not both.

    Args:
        gap: predicted return of left minus that of right [reward].
        target: P(left preferred): 1 left, 0 right, 0.5 tie.
        random_answer_prob: share of answers that are coin flips, in [0, 1) [1].
        smoothing: label smoothing, in [0, 0.5) [1].

    Returns:
        Loss per comparison [nats]: ln 2 for a model that knows nothing.

    Source: Bradley & Terry 1952, Rank Analysis of Incomplete Block Designs; for segments: Christiano et al. 2017,
    arXiv:1706.03741, eq. 1; coin flips: section 2.2.3.
    """
    require(0 <= random_answer_prob < 1, "random_answer_prob", random_answer_prob, "in [0, 1)")
    require(0 <= smoothing < 0.5, "smoothing", smoothing, "in [0, 0.5)")
    target = (1.0 - 2.0 * smoothing) * target + smoothing
    if random_answer_prob == 0.0:
        return -(target * jax.nn.log_sigmoid(gap) + (1.0 - target) * jax.nn.log_sigmoid(-gap))
    coin, sure = math.log(random_answer_prob / 2), math.log1p(-random_answer_prob)
    log_left = jnp.logaddexp(sure + jax.nn.log_sigmoid(gap), coin)
    log_right = jnp.logaddexp(sure + jax.nn.log_sigmoid(-gap), coin)
    return -(target * log_left + (1.0 - target) * log_right)


def decisive_accuracy(
    gap: Float[Array | np.ndarray, "*batch"],
    target: Float[Array | np.ndarray, "*batch"],
    weight: Float[Array | np.ndarray, "*batch"],
) -> float:
    """Share of the decisive labels (no ties) that the sign of the gap gets right, weighted; 0.5 for a gap of 0.

    nan when no decisive label has weight. Computed on the host.
    """
    gap, target = np.asarray(gap), np.asarray(target)
    decisive = np.asarray(weight, np.float64) * (target != 0.5)
    right = np.where(gap == 0, 0.5, (gap > 0) == (target > 0.5))
    total = decisive.sum()
    return float((decisive * right).sum() / total) if total > 0 else math.nan


def weighted_mean(values: Float[Array, "*batch"], weight: Float[Array, "*batch"]) -> Float[Array, ""]:
    """Mean of values by weight; 0 when nothing has weight."""
    total = weight.sum()
    return jnp.where(total > 0, (values * weight).sum() / jnp.maximum(total, 1e-8), 0.0)

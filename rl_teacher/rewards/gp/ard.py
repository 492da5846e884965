"""How much of each function a Gaussian-process reward has: as much as makes the answers most probable."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.linalg import solve_triangular

from rl_teacher.core.logistic import LogisticFit, fit_logistic

FIRST_VARIANCE = 16.0
"""Of every group before the first round: logits of a few times 4, as sure answers have."""
HIGHEST_VARIANCE = 4096.0
"""Beyond it every logit is large, and the answers say no more of its size."""
LEAST_VARIANCE = 1e-3
"""Below it a group is left out for good: its logits are of a few hundredths."""
NUM_ROUNDS = 15


class Explanation(NamedTuple):
    """A posterior of the weights of functions, given the answers and a prior variance for each weight."""

    variances: Float[np.ndarray, " feature"]
    """Of the prior; 0 for functions that are not used."""
    directions: Float[np.ndarray, "direction feature"]
    """Orthonormal rows: what the answers say something of, in units of the prior."""
    fit: LogisticFit
    """In these directions."""
    random_answer_prob: float
    """Share of answers that are taken as coin flips."""

    @property
    def weights(self) -> Float[np.ndarray, " feature"]:
        """The most probable ones."""
        return np.asarray(np.sqrt(self.variances) * (self.directions.T @ self.fit.weights))

    def draw(self, noise: Float[np.ndarray, "feature draw"]) -> Float[np.ndarray, "feature draw"]:
        """Deviations from `weights`, of standard normal noise: as wide as the prior where no answer says anything."""
        known = self.directions @ noise
        unit = noise + self.directions.T @ (self.fit.draw(known) - known)
        return np.asarray(np.sqrt(self.variances)[:, None] * unit)

    def variance_of_weights(self) -> Float[np.ndarray, " feature"]:
        """Of each weight by itself."""
        spread = self.fit.draw(np.eye(len(self.directions)))  # its square is the covariance in these directions
        known = np.square(self.directions).sum(0)
        left = np.square(spread.T @ self.directions).sum(0)
        return np.asarray(self.variances * np.maximum(1.0 - known + left, 0.0))


def search(
    gaps: Float[np.ndarray, "comparison feature"],
    group: Int[np.ndarray, " feature"],
    target: Float[np.ndarray, " comparison"],
    random_answer_prob: float = 0.0,
    reluctance: Float[np.ndarray, " group"] | None = None,
    allowed: Bool[np.ndarray, " group"] | None = None,
) -> Explanation:
    """The posterior under the prior variances, one for each group of functions, that explain the answers best.

    In each round every group's variance becomes the sum of squares of its weights, divided by how many of them the
    answers have decided. Groups that explain nothing shrink until they are left out. The best round is kept.

    Args:
        gaps: sum of each function over the left segment less that over the right, float64, all of one size.
        group: of each function, from 0 on.
        target: P(left preferred).
        random_answer_prob: share of answers that are coin flips.
        reluctance: c of each group, whose variance v has the prior density v^(-c/2). With 0, the default, all variances
            are alike; with 1 all standard deviations are, so that what explains little is left out sooner.
        allowed: groups that may be used; all by default.

    Source: automatic relevance determination, MacKay 1992, Bayesian Interpolation, section 4; Tipping 2001, Sparse
    Bayesian Learning and the Relevance Vector Machine, sections 2.3 and 3.
    """
    size = np.bincount(group).astype(np.float64)
    reluctance = np.zeros(len(size)) if reluctance is None else reluctance
    variances = np.where(np.ones(len(size), bool) if allowed is None else allowed, FIRST_VARIANCE, 0.0)
    best = _explained(gaps, variances[group], target, random_answer_prob)
    now = best
    for _ in range(NUM_ROUNDS):
        square = np.bincount(group, np.square(now.weights))
        decided = size - np.bincount(group, now.variance_of_weights()) / np.maximum(variances, 1e-12)
        wanted = np.minimum(square / np.maximum(decided + reluctance, 1e-3), HIGHEST_VARIANCE)
        variances = np.where((variances > 0) & (wanted >= LEAST_VARIANCE), wanted, 0.0)
        if not variances.any():
            break
        now = _explained(gaps, variances[group], target, random_answer_prob, now.weights)
        if now.fit.log_evidence > best.fit.log_evidence:
            best = now
    return best


def _explained(
    gaps: Float[np.ndarray, "comparison feature"],
    variances: Float[np.ndarray, " feature"],
    target: Float[np.ndarray, " comparison"],
    random_answer_prob: float,
    near: Float[np.ndarray, " feature"] | None = None,
) -> Explanation:
    """The posterior for these variances, in as few directions as possible: functions in use, or comparisons.

    `near` are weights to begin the search with.
    """
    used = variances > 0
    unit = np.zeros(int(used.sum())) if near is None else near[used] / np.sqrt(variances[used])
    scaled = gaps[:, used] * np.sqrt(variances[used])
    directions = np.zeros((min(scaled.shape), len(variances)))
    if scaled.shape[1] <= len(target):
        directions[:, used] = np.eye(scaled.shape[1])
        design = scaled
    else:
        gram = scaled @ scaled.T
        design = np.linalg.cholesky(gram + 1e-9 * max(1.0, float(np.trace(gram))) * np.eye(len(gram)))
        directions[:, used] = solve_triangular(design, scaled, lower=True)
    fit = fit_logistic(design, target, random_answer_prob, directions[:, used] @ unit)
    return Explanation(variances, directions, fit, random_answer_prob)

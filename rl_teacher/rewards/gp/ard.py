"""How much of each function a Gaussian-process reward is made of: as much as makes the answers most probable.

This is automatic relevance determination (ARD): each group of functions has a prior variance of its own, and those are
chosen that maximize the evidence, which is the probability of the answers averaged over all weights the prior allows.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.linalg import solve_triangular

from rl_teacher.core.logistic import LogisticFit, fit_logistic

FIRST_VARIANCE = 16.0
"""Of every group before the first round: each block's logits have a standard deviation of 4, as sure answers have."""
HIGHEST_VARIANCE = 4096.0
"""Of a group [logits squared]. Beyond it every answer is certain, and says no more of the size of its logit."""
LEAST_VARIANCE = 1e-3
"""Below it a group is left out for good: its logits would be of a few hundredths."""
NUM_ROUNDS = 15


class Posterior(NamedTuple):
    """What the answers say of the weights: a normal distribution of them, under a prior variance for each.

    It is kept in the few directions in which the answers say something. Across them the weights are as uncertain as the
    prior leaves them.
    """

    variances: Float[np.ndarray, " feature"]
    """Of the prior; 0 for functions that are not used."""
    directions: Float[np.ndarray, "direction feature"]
    """Orthonormal rows, in units of the prior's standard deviations."""
    fit: LogisticFit
    """The posterior in these directions."""
    random_answer_prob: float
    """Share of the answers that are taken as coin flips [1]."""

    @property
    def weights(self) -> Float[np.ndarray, " feature"]:
        """The most probable weights."""
        return np.asarray(np.sqrt(self.variances) * (self.directions.T @ self.fit.weights))

    def draw(self, noise: Float[np.ndarray, "feature draw"]) -> Float[np.ndarray, "feature draw"]:
        """Samples of the posterior, as deviations from `weights`.

        Args:
            noise: standard normal. In the known directions it is narrowed to the posterior; in all others it stays, as
                wide as the prior.
        """
        known = self.directions @ noise
        unit = noise + self.directions.T @ (self.fit.draw(known) - known)
        return np.asarray(np.sqrt(self.variances)[:, None] * unit)

    def variance_of_weights(self) -> Float[np.ndarray, " feature"]:
        """The posterior variance of each weight by itself: the diagonal of the covariance."""
        spread = self.fit.draw(np.eye(len(self.directions)))  # its square is the covariance in these directions
        known = np.square(self.directions).sum(0)
        left = np.square(spread.T @ self.directions).sum(0)
        return np.asarray(self.variances * np.maximum(1.0 - known + left, 0.0))


def maximize_evidence(
    gaps: Float[np.ndarray, "comparison feature"],
    group: Int[np.ndarray, " feature"],
    target: Float[np.ndarray, " comparison"],
    random_answer_prob: float = 0.0,
    hyperprior: Float[np.ndarray, " group"] | None = None,
    allowed: Bool[np.ndarray, " group"] | None = None,
) -> Posterior:
    """The posterior under those prior variances, one for each group of functions, that make the answers most probable.

    Each round solves for the variances at which the evidence would have no slope, with the posterior as it is now:
    a group's variance becomes the sum of squares of its weights, divided by how many of them the answers determine
    (gamma). Groups that explain nothing shrink until they are left out for good. The rounds need not climb, so the one
    with the largest evidence is returned.

    Args:
        gaps: sum of each function over the left segment less that over the right, float64, all of one size.
        group: of each function, from 0 on.
        target: P(left preferred).
        random_answer_prob: share of answers that are coin flips [1].
        hyperprior: exponent c of each group, whose variance v has the prior density v^(-c/2). With 0, the default, it
            is flat in the variance; with 1 it is flat in the standard deviation, so that a group that explains little
            is left out sooner. It adds c to gamma, as Tipping's Gamma density of alpha does with shape c / 2, rate 0.
        allowed: groups that may be used; all by default.

    Source: MacKay 1992, Bayesian Interpolation, section 4; one variance for each function: Tipping 2001, Sparse
    Bayesian Learning and the Relevance Vector Machine, section 2.3, for logistic likelihoods section 3; there a
    variance is 1 / alpha.
    """
    size = np.bincount(group).astype(np.float64)
    hyperprior = np.zeros(len(size)) if hyperprior is None else hyperprior
    variances = np.where(np.ones(len(size), bool) if allowed is None else allowed, FIRST_VARIANCE, 0.0)
    best = fit_posterior(gaps, variances[group], target, random_answer_prob)
    now = best
    for _ in range(NUM_ROUNDS):
        square = np.bincount(group, np.square(now.weights))
        # gamma: 1 - (posterior variance) / (prior variance) for each weight, summed over a group.
        gamma = size - np.bincount(group, now.variance_of_weights()) / np.maximum(variances, 1e-12)
        wanted = np.minimum(square / np.maximum(gamma + hyperprior, 1e-3), HIGHEST_VARIANCE)
        variances = np.where((variances > 0) & (wanted >= LEAST_VARIANCE), wanted, 0.0)
        if not variances.any():
            break
        now = fit_posterior(gaps, variances[group], target, random_answer_prob, now.weights)
        if now.fit.log_evidence > best.fit.log_evidence:
            best = now
    return best


def fit_posterior(
    gaps: Float[np.ndarray, "comparison feature"],
    variances: Float[np.ndarray, " feature"],
    target: Float[np.ndarray, " comparison"],
    random_answer_prob: float,
    near: Float[np.ndarray, " feature"] | None = None,
) -> Posterior:
    """The posterior for these prior variances, computed in as few directions as possible.

    The answers see the weights only through the logits, so there are no more directions to know than comparisons. With
    more functions than comparisons the weights are therefore written in the basis L^-1 X, where X are the gaps in units
    of the prior and L L^T = X X^T: its rows are orthonormal, and the logits are L times the weights in it.

    Args:
        gaps: as for `maximize_evidence`.
        variances: of the prior of each weight; functions with 0 are not used.
        target: P(left preferred).
        random_answer_prob: share of answers that are coin flips [1].
        near: weights to begin Newton's method with; 0 if unset.

    Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, section 2.1.2: weights and functions.
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
        # The little on the diagonal keeps equal comparisons from making it singular.
        design = np.linalg.cholesky(gram + 1e-9 * max(1.0, float(np.trace(gram))) * np.eye(len(gram)))
        directions[:, used] = solve_triangular(design, scaled, lower=True)
    fit = fit_logistic(design, target, random_answer_prob, directions[:, used] @ unit)
    return Posterior(variances, directions, fit, random_answer_prob)

"""Bayesian logistic regression by Laplace's method: a normal distribution around the most probable weights.

Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, section 3.4, here in weights instead of
function values.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_solve, solve_triangular

MAX_NEWTON_STEPS = 50
TOLERANCE = 1e-6
"""A Newton step that gains less ends the search [nats]."""


class LogisticFit(NamedTuple):
    """The posterior of weights with the prior N(0, 1) each, as a normal distribution around its peak."""

    weights: Float[np.ndarray, " feature"]
    """The most probable weights."""
    precision_root: Float[np.ndarray, "feature feature"]
    """Lower Cholesky factor of the posterior's precision."""
    log_evidence: float
    """Log probability of all answers, averaged over the prior: Laplace's approximation [nats]."""
    left_out: Float[np.ndarray, " comparison"]
    """Logit of each answer as predicted from all others, drawn towards 0 by how uncertain that prediction is."""

    def draw(self, noise: Float[np.ndarray, "feature draw"]) -> Float[np.ndarray, "feature draw"]:
        """Samples of the posterior, as deviations from `weights`; `noise` is standard normal.

        With L L^T the precision, L^-T noise has the covariance (L L^T)^-1.
        """
        return np.asarray(solve_triangular(self.precision_root, noise, lower=True, trans="T"))


def fit_logistic(
    design: Float[np.ndarray, "comparison feature"],
    target: Float[np.ndarray, " comparison"],
    random_answer_prob: float = 0.0,
    start: Float[np.ndarray, " feature"] | None = None,
) -> LogisticFit:
    """The posterior of the weights, given answers: Newton's method with a line search, then Laplace's approximation.

    P(left) = (1 - p) sigmoid(design @ weights) + p / 2 with p = random_answer_prob. With p = 0 the likelihood is
    concave and there is one maximum. With p > 0 it is not: Fisher's expected curvature, which is never
    negative, takes the place of the curvature; for p = 0 both are the same. The line search halves a step until it
    gains.

    Args:
        design: one row for each comparison, float64.
        target: P(left preferred) in [0, 1].
        random_answer_prob: share of answers that are coin flips, in [0, 1) [1].
        start: weights to begin with; 0 if unset.

    Source: Rasmussen & Williams 2006, eq. 3.18 (Newton's step) and 3.32 (evidence), for weights with the prior N(0, 1).
    """
    weights = np.zeros(design.shape[1]) if start is None else start
    logit = design @ weights
    objective = _log_likelihood(logit, target, random_answer_prob) - 0.5 * float(weights @ weights)
    for _ in range(MAX_NEWTON_STEPS):
        slope, curvature = _slopes(logit, target, random_answer_prob)
        root = _precision_root(design, curvature)
        step = cho_solve((root, True), design.T @ slope - weights)
        size, gain = 1.0, -np.inf
        while gain < 0 and size > 1e-6:
            new = weights + size * step
            gain = _log_likelihood(design @ new, target, random_answer_prob) - 0.5 * float(new @ new) - objective
            size /= 2
        if gain < 0:
            break
        weights, logit, objective = new, design @ new, objective + gain
        if gain < TOLERANCE:
            break
    slope, curvature = _slopes(logit, target, random_answer_prob)
    root = _precision_root(design, curvature)
    variance = np.square(solve_triangular(root, design.T, lower=True)).sum(0)
    # Likelihood and prior at the peak, less half the log determinant of the precision: the sum of logs along its root.
    log_evidence = float(objective - np.log(np.diag(root)).sum())
    return LogisticFit(weights, root, log_evidence, _left_out(logit, slope, curvature, variance))


def probability_of_left(
    logit: Float[np.ndarray, "..."], random_answer_prob: float = 0.0
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """P(left preferred) and P(right preferred): computed apart, because 1 - P loses all digits of a small one."""
    z = np.exp(-np.abs(logit))
    larger, smaller = 1.0 / (1.0 + z), z / (1.0 + z)
    sure, coin = 1.0 - random_answer_prob, random_answer_prob / 2
    left, right = np.where(logit >= 0, larger, smaller), np.where(logit >= 0, smaller, larger)
    return sure * left + coin, sure * right + coin


def answer_loss(
    logit: Float[np.ndarray, "..."], target: Float[np.ndarray, "..."], random_answer_prob: float = 0.0
) -> Float[np.ndarray, "..."]:
    """Cross-entropy of each answer [nats]; `core/bradley_terry.py` has it for the device."""
    left, right = (np.log(np.maximum(p, 1e-300)) for p in probability_of_left(logit, random_answer_prob))
    return np.asarray(-(target * left + (1.0 - target) * right))


def _log_likelihood(logit: np.ndarray, target: np.ndarray, random_answer_prob: float) -> float:
    return -float(answer_loss(logit, target, random_answer_prob).sum())


def _slopes(logit: np.ndarray, target: np.ndarray, random_answer_prob: float) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of each answer's log likelihood by its logit, and Fisher's information about the logit.

    Of an answer with P = P(left) and P' = dP / d logit: (y - P) P' / (P (1 - P)), and P'^2 / (P (1 - P)).

    Source: Fisher scoring, McCullagh & Nelder 1989, Generalized Linear Models, section 2.5.
    """
    left, right = probability_of_left(logit, random_answer_prob)
    sure_left, sure_right = probability_of_left(logit)
    change = (1.0 - random_answer_prob) * sure_left * sure_right  # d P(left) / d logit
    ratio = change / np.maximum(left * right, 1e-300)
    return (target - left) * ratio, change * ratio


def _precision_root(design: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Cholesky factor of the posterior's precision I + X^T W X, W the curvature of each answer."""
    scaled = design * np.sqrt(curvature)[:, None]
    return np.linalg.cholesky(np.eye(design.shape[1]) + scaled.T @ scaled)


def _left_out(logit: np.ndarray, slope: np.ndarray, curvature: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The logit of each answer as predicted from all others, without a fit for each.

    The posterior of a logit has the precision 1 / variance, of which its own answer gave `curvature`; taking that out
    leaves the cavity, with mean logit - slope / rest. A logit that is known as N(mean, 1 / rest) is then replaced by
    the one whose sigmoid is the average of its sigmoid: mean / sqrt(1 + pi / (8 rest)). The pi / 8 makes sigmoid(x) and
    the normal distribution function of x sqrt(pi / 8) equally steep at 0; with the latter the average is exact.

    Args:
        logit: of each answer, most probable.
        slope: of its log likelihood by the logit.
        curvature: its information about the logit.
        variance: of the logit in the posterior.

    Source: cavity: Rasmussen & Williams 2006, section 3.6, eq. 3.56, with Laplace's approximation of each answer.
    pi / 8: MacKay 1992, The Evidence Framework Applied to Classification Networks; Bishop 2006, Pattern Recognition and
    Machine Learning, eq. 4.153 and 4.154.
    """
    rest = np.maximum(1.0 / np.maximum(variance, 1e-12) - curvature, 1e-9)  # precision without it
    mean = logit - slope / rest
    return np.asarray(mean / np.sqrt(1.0 + np.pi / (8.0 * rest)))

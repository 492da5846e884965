"""Bayesian logistic regression by Laplace's method: the most probable weights, and how well the prior explains them."""

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
    """The most probable ones."""
    precision_root: Float[np.ndarray, "feature feature"]
    """Lower Cholesky factor of the posterior's precision."""
    log_evidence: float
    """Log probability of all answers under the prior [nats]."""
    left_out: Float[np.ndarray, " comparison"]
    """Logit of each answer as predicted from all others, drawn towards 0 by its own uncertainty."""

    def draw(self, noise: Float[np.ndarray, "feature draw"]) -> Float[np.ndarray, "feature draw"]:
        """Deviations from `weights`, as probable as the posterior says; `noise` is standard normal."""
        return np.asarray(solve_triangular(self.precision_root, noise, lower=True, trans="T"))


def fit_logistic(
    design: Float[np.ndarray, "comparison feature"],
    target: Float[np.ndarray, " comparison"],
    random_answer_prob: float = 0.0,
    start: Float[np.ndarray, " feature"] | None = None,
) -> LogisticFit:
    """Newton's method with a line search.

    P(left) = (1 - p) sigmoid(design @ weights) + p / 2 with p = random_answer_prob. With p > 0 the likelihood is not
    concave; its expected curvature (Fisher's) takes the place of the curvature, which is the same for p = 0.

    Args:
        design: one row for each comparison, float64.
        target: P(left preferred) in [0, 1].
        random_answer_prob: share of answers that are coin flips, in [0, 1) [1].
        start: weights to begin with; 0 if unset.

    Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, section 3.4 (in weights instead of
    function values); leaving out one: section 5.4.2's cavity with Laplace's sites; drawing towards 0: MacKay 1992,
    The Evidence Framework Applied to Classification Networks, eq. 10.
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
    log_evidence = float(objective - np.log(np.diag(root)).sum())
    return LogisticFit(weights, root, log_evidence, _left_out(logit, slope, curvature, variance))


def probability_of_left(
    logit: Float[np.ndarray, "..."], random_answer_prob: float = 0.0
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """P(left preferred) and P(right preferred), each as exact as it can be."""
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
    """Derivative of each answer's log likelihood by its logit, and Fisher's information about it."""
    left, right = probability_of_left(logit, random_answer_prob)
    sure_left, sure_right = probability_of_left(logit)
    change = (1.0 - random_answer_prob) * sure_left * sure_right  # d P(left) / d logit
    ratio = change / np.maximum(left * right, 1e-300)
    return (target - left) * ratio, change * ratio


def _precision_root(design: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    scaled = design * np.sqrt(curvature)[:, None]
    return np.linalg.cholesky(np.eye(design.shape[1]) + scaled.T @ scaled)


def _left_out(logit: np.ndarray, slope: np.ndarray, curvature: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Take each answer's own share out of its posterior, then average over what is left of the uncertainty."""
    rest = np.maximum(1.0 / np.maximum(variance, 1e-12) - curvature, 1e-9)  # precision without it
    mean = logit - slope / rest
    return np.asarray(mean / np.sqrt(1.0 + np.pi / (8.0 * rest)))

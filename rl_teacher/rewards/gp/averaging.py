"""Where some answers may be wrong, no single posterior is trusted: several models of the answers are averaged.

A model says which functions a reward may be made of, and which share of the answers are coin flips. It counts as much
as it makes the answers probable.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from rl_teacher.rewards.gp.ard import Posterior, maximize_evidence

RANDOM_ANSWER_PROBS = (0.0, 0.1, 0.2, 0.4)
"""Shares of coin flips that are tried in turn, until the answers are clearly less probable."""
CLEARLY_LESS = 1.0
"""[nats]"""
LEAST_PROB = 0.01
"""Models that are less probable are left out: functions that only they use would cost time in every step.

Source: Occam's window, Hoeting et al. 1999, Bayesian Model Averaging, section 3.
"""


class Mixture(NamedTuple):
    """A posterior of the weights with several peaks, one for each model of the answers."""

    parts: tuple[Posterior, ...]
    probs: Float[np.ndarray, " part"]
    """Probability of each model given the answers; they sum to 1."""

    @property
    def weights(self) -> Float[np.ndarray, " feature"]:
        """The most probable weights of each part, averaged over the parts."""
        return np.asarray(self._mean([part.weights for part in self.parts]))

    @property
    def random_answer_prob(self) -> float:
        """Expected share of answers that are coin flips [1]."""
        return float(self._mean([part.random_answer_prob for part in self.parts]))

    @property
    def noise_probability(self) -> float:
        """Probability that any answers are coin flips at all [1]."""
        return float(self._mean([part.random_answer_prob > 0 for part in self.parts]))

    @property
    def log_evidence(self) -> float:
        """Of the most probable part [nats]."""
        return max(part.fit.log_evidence for part in self.parts)

    @property
    def left_out(self) -> Float[np.ndarray, " comparison"]:
        """Logit of each answer as predicted from all others, averaged over the parts."""
        return np.asarray(self._mean([part.fit.left_out for part in self.parts]))

    def draw(self, noise: Float[np.ndarray, "feature draw"]) -> Float[np.ndarray, "feature draw"]:
        """Samples of the posterior, as deviations from `weights`; each part has as many as it is probable.

        Args:
            noise: standard normal.
        """
        num = noise.shape[1]
        of_part = np.searchsorted(np.cumsum(self.probs), (np.arange(num) + 0.5) / num)
        of_part = np.minimum(of_part, len(self.parts) - 1)  # the sum of all may be a little less than 1
        deviations, mean = np.zeros_like(noise), self.weights
        for index, part in enumerate(self.parts):
            own = of_part == index
            deviations[:, own] = (part.weights - mean)[:, None] + part.draw(noise[:, own])
        return deviations

    def _mean(self, values: Sequence[Any]) -> Any:
        """Of what each part says, numbers or arrays."""
        return sum(prob * value for prob, value in zip(self.probs, values, strict=True))


def average_models(
    gaps: Float[np.ndarray, "comparison feature"],
    group: Int[np.ndarray, " feature"],
    target: Float[np.ndarray, " comparison"],
    candidate_models: Sequence[Bool[np.ndarray, " group"]],
    random_answer_prob: float | None = None,
    hyperprior: Float[np.ndarray, " group"] | None = None,
    *,
    prefers_first: bool = True,
) -> Mixture:
    """The posterior of one candidate where no answer seems wrong, else the average over all of them.

    A model that knows no coin flips must explain a wrong answer to a clear question, and finds structure where there is
    none. And where answers are wrong, a single search for the evidence's maximum depends on its first steps: five wrong
    ones of fifty can make it take a curve for a line, though both explain the answers alike. So several models are
    fitted, one for each candidate and share of coin flips, and weighed by their evidence.

    Args:
        gaps: as for `ard.maximize_evidence`.
        group: of each function, from 0 on.
        target: P(left preferred).
        candidate_models: groups that each model may use, all models equally likely beforehand.
        random_answer_prob: share of answers that are coin flips; unset: all of RANDOM_ANSWER_PROBS are tried.
        hyperprior: as for `ard.maximize_evidence`.
        prefers_first: where no answer seems wrong, take the first candidate, else the most probable one. Those that
            may use less are cases of the first, so that one of them is more probable only if the search for the first
            one's maximum stopped at a lower one: with survival among the functions it often does.

    Source: Hoeting, Madigan, Raftery & Volinsky 1999, Bayesian Model Averaging, eq. 1.
    """
    found: list[Posterior] = []
    for prob in RANDOM_ANSWER_PROBS if random_answer_prob is None else (random_answer_prob,):
        now = [maximize_evidence(gaps, group, target, prob, hyperprior, allowed) for allowed in candidate_models]
        if found and _largest_evidence(now) < _largest_evidence(found) - CLEARLY_LESS:
            break
        found += now
    mixture = weigh_by_evidence(found)
    if mixture.noise_probability > 0:
        return mixture
    return weigh_by_evidence(found[:1] if prefers_first else [max(found, key=lambda one: one.fit.log_evidence)])


def weigh_by_evidence(found: Sequence[Posterior]) -> Mixture:
    """These posteriors, each as probable as its model makes the answers.

    Source: Hoeting et al. 1999, eq. 2, with the same prior probability for all models.
    """
    evidence = np.array([posterior.fit.log_evidence for posterior in found])
    probs = np.exp(evidence - evidence.max())
    probs /= probs.sum()
    kept = probs >= LEAST_PROB
    return Mixture(tuple(itertools.compress(found, kept)), probs[kept] / probs[kept].sum())


def _largest_evidence(found: Sequence[Posterior]) -> float:
    return max(posterior.fit.log_evidence for posterior in found)

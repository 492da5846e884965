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


class Candidate(NamedTuple):
    """What a model may be made of."""

    allowed: Bool[np.ndarray, " group"]
    """Groups that it may use."""
    hyperprior: Float[np.ndarray, " group"] | None = None
    """Of each group, as for `ard.maximize_evidence`."""


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
    candidate_models: Sequence[Candidate],
    random_answer_prob: float | None = None,
    *,
    price: Float[np.ndarray, " group"] | None = None,
    num_preferred: int = 1,
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
        candidate_models: what each model may be made of.
        random_answer_prob: share of answers that are coin flips; unset: all of RANDOM_ANSWER_PROBS are tried.
        price: how much less probable beforehand each group in use makes a model [nats]; 0 if unset: all models are
            equally likely.
        num_preferred: where no answer seems wrong, the most probable one of so many first candidates is taken alone.
            One that may use less than another is a case of it, and is more probable only if the search for the other
            one's maximum stopped at a lower one.

    Source: Hoeting, Madigan, Raftery & Volinsky 1999, Bayesian Model Averaging, eq. 1.
    """
    found: list[Posterior] = []

    def log_prob(one: Posterior) -> float:
        used = np.unique(group[one.variances > 0])
        return one.fit.log_evidence - (0.0 if price is None else float(price[used].sum()))

    for prob in RANDOM_ANSWER_PROBS if random_answer_prob is None else (random_answer_prob,):
        now = [
            maximize_evidence(gaps, group, target, prob, model.hyperprior, model.allowed) for model in candidate_models
        ]
        if found and max(map(log_prob, now)) < max(map(log_prob, found)) - CLEARLY_LESS:
            break
        found += now
    mixture = weigh(found, [log_prob(one) for one in found])
    if mixture.noise_probability > 0:
        return mixture
    best = max(found[:num_preferred], key=log_prob)
    return weigh([best], [0.0])


def weigh(found: Sequence[Posterior], log_probs: Sequence[float]) -> Mixture:
    """These posteriors, each as probable as its model is, given the answers.

    Args:
        found: of each model.
        log_probs: log evidence and log prior probability of each, but for a constant [nats].

    Source: Hoeting et al. 1999, eq. 2.
    """
    probs = np.exp(np.array(log_probs) - max(log_probs))
    probs /= probs.sum()
    kept = probs >= LEAST_PROB
    return Mixture(tuple(itertools.compress(found, kept)), probs[kept] / probs[kept].sum())

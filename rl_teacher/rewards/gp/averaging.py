"""One explanation of the answers, or several that are averaged, where some of the answers may be wrong."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from rl_teacher.rewards.gp.ard import Explanation, search

RANDOM_ANSWER_PROBS = (0.0, 0.1, 0.2, 0.4)
"""Shares of coin flips that are tried in turn, until the answers are clearly less probable."""
CLEARLY_LESS = 1.0
"""[nats]"""
LEAST_PROB = 0.01
"""Explanations that are less probable are left out: functions that only they use would cost time in every step."""


class Mixture(NamedTuple):
    """A posterior of weights with a peak for each explanation."""

    parts: tuple[Explanation, ...]
    probs: Float[np.ndarray, " part"]
    """Their probabilities, which sum to 1."""

    @property
    def weights(self) -> Float[np.ndarray, " feature"]:
        """The mean of the most probable ones of each part."""
        return np.asarray(self._mean([part.weights for part in self.parts]))

    @property
    def random_answer_prob(self) -> float:
        """Share of answers that are taken as coin flips, on average."""
        return float(self._mean([part.random_answer_prob for part in self.parts]))

    @property
    def doubt(self) -> float:
        """Probability that some answers are coin flips."""
        return float(self._mean([part.random_answer_prob > 0 for part in self.parts]))

    @property
    def log_evidence(self) -> float:
        """Of the most probable part [nats]."""
        return max(part.fit.log_evidence for part in self.parts)

    @property
    def left_out(self) -> Float[np.ndarray, " comparison"]:
        """Logit of each answer as predicted from all others, on average."""
        return np.asarray(self._mean([part.fit.left_out for part in self.parts]))

    def draw(self, noise: Float[np.ndarray, "feature draw"]) -> Float[np.ndarray, "feature draw"]:
        """Deviations from `weights`; `noise` is standard normal. Each part has as many draws as it is probable."""
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


def explain(
    gaps: Float[np.ndarray, "comparison feature"],
    group: Int[np.ndarray, " feature"],
    target: Float[np.ndarray, " comparison"],
    hypotheses: Sequence[Bool[np.ndarray, " group"]],
    random_answer_prob: float | None = None,
    reluctance: Float[np.ndarray, " group"] | None = None,
) -> Mixture:
    """The best explanation; where some answers may be wrong, the best under each hypothesis and share of them.

    Without coin flips one wrong answer to a clear question makes a model explain what has no explanation. And where
    answers are wrong, one search alone follows its first steps: five wrong ones of fifty can make it take a curve for a
    line, though both explain the answers alike. So explanations count as much as they make the answers probable.

    Args:
        gaps: as for `evidence.search`.
        group: of each function, from 0 on.
        target: P(left preferred).
        hypotheses: groups that may be used, of which one is as likely as the other beforehand; the first is that of the
            best explanation where no answer seems wrong.
        random_answer_prob: share of answers that are coin flips; unset: all of RANDOM_ANSWER_PROBS are tried.
        reluctance: as for `evidence.search`.

    Source: Bayesian model averaging, Hoeting, Madigan, Raftery & Volinsky 1999, eq. 1.
    """
    found: list[Explanation] = []
    for prob in RANDOM_ANSWER_PROBS if random_answer_prob is None else (random_answer_prob,):
        now = [search(gaps, group, target, prob, reluctance, allowed) for allowed in hypotheses]
        if found and _best(now) < _best(found) - CLEARLY_LESS:
            break
        found += now
    mixture = weighed(found)
    return mixture if mixture.doubt > 0 else weighed(found[:1])


def weighed(found: Sequence[Explanation]) -> Mixture:
    """These explanations, as probable as each makes the answers."""
    evidence = np.array([explanation.fit.log_evidence for explanation in found])
    probs = np.exp(evidence - evidence.max())
    probs /= probs.sum()
    kept = probs >= LEAST_PROB
    return Mixture(tuple(itertools.compress(found, kept)), probs[kept] / probs[kept].sum())


def _best(found: Sequence[Explanation]) -> float:
    return max(explanation.fit.log_evidence for explanation in found)

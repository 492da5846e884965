"""How much of each kind of function a Gaussian-process reward has: as much as makes the answers most probable."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import solve_triangular

from rl_teacher.core.logistic import LogisticFit, fit_logistic

OFF = -np.inf
LOWEST, HIGHEST = -8.0, 12.0
"""Of a block's log2 variance: beyond 2^12 every logit is large, and the answers say no more of its size."""
FIRST = 4.0
"""Log2 variance of the first block before there are answers: as in the middle of what the nine tasks end with."""
CYCLES = 6
LEAST_GAIN = 0.01
"""A cycle over all blocks that gains less ends the search [nats]."""


class GapPrior:
    """A normal prior of gaps, left return minus right: a sum of blocks of functions, each with a variance of its own.

    Every block is scaled so that its mean squared gap is 1 when its variance is 1. Variances are given as their log2.
    """

    def __init__(
        self,
        blocks: Sequence[Float[np.ndarray, "comparison _"]],
        target: Float[np.ndarray, " comparison"],
        random_answer_prob: float,
    ) -> None:
        """
        Args:
            blocks: the gap of each function in each comparison, float64.
            target: P(left preferred).
            random_answer_prob: share of answers that are coin flips.
        """
        self.target, self.random_answer_prob = target, random_answer_prob
        sizes = [np.square(block).sum(1).mean() if block.size else 0.0 for block in blocks]
        self.factors = np.array([1.0 / np.sqrt(size) if size > 0 else 0.0 for size in sizes])
        self._blocks = [block * factor for block, factor in zip(blocks, self.factors, strict=True)]
        self._sizes = [block.shape[1] for block in blocks]
        self._fits: dict[tuple[float, ...], LogisticFit] = {}

    def features(self, log2_variances: Float[np.ndarray, " block"]) -> Float[np.ndarray, "comparison feature"]:
        """The gaps of all functions, scaled so that each one's weight has the prior N(0, 1)."""
        sizes = np.sqrt(np.exp2(log2_variances))
        return np.concatenate([block * size for block, size in zip(self._blocks, sizes, strict=True)], axis=1)

    def design(self, log2_variances: Float[np.ndarray, " block"]) -> Float[np.ndarray, "comparison direction"]:
        """The same in as few directions as possible: one for each function in use, or for each comparison."""
        used = self._used(log2_variances)
        if used.sum() <= len(self.target):
            sizes = np.sqrt(np.exp2(log2_variances))
            return np.hstack([block * size for block, size in zip(self._blocks, sizes, strict=True) if size > 0])
        gram = np.asarray(np.tensordot(np.exp2(log2_variances), self._grams, 1))
        jitter = 1e-9 * max(1.0, float(np.trace(gram)))
        return np.linalg.cholesky(gram + jitter * np.eye(len(gram)))

    def directions(self, log2_variances: Float[np.ndarray, " block"]) -> Float[np.ndarray, "direction feature"]:
        """Which functions the directions of `design` are made of: orthonormal rows."""
        used = self._used(log2_variances)
        if used.sum() <= len(self.target):
            return np.asarray(np.eye(len(used))[used])
        root, features = self.design(log2_variances), self.features(log2_variances)
        return np.asarray(solve_triangular(root, features, lower=True))

    def _used(self, log2_variances: Float[np.ndarray, " block"]) -> Bool[np.ndarray, " feature"]:
        return np.asarray(np.repeat(np.isfinite(log2_variances), self._sizes))

    @cached_property
    def _grams(self) -> Float[np.ndarray, "block comparison comparison"]:
        return np.stack([block @ block.T for block in self._blocks])

    def fit(self, log2_variances: Float[np.ndarray, " block"]) -> LogisticFit:
        """The posterior of the directions' weights."""
        key = tuple(log2_variances.tolist())
        if key not in self._fits:
            self._fits[key] = fit_logistic(self.design(log2_variances), self.target, self.random_answer_prob)
        return self._fits[key]

    def search(self, start: Float[np.ndarray, " block"]) -> Float[np.ndarray, " block"]:
        """The variances with the highest evidence that changing one at a time finds, from `start`."""
        best = start
        for _ in range(CYCLES):
            before = self.fit(best).log_evidence
            for block in range(len(best)):
                for candidate in _candidates(best, block):
                    if self.fit(candidate).log_evidence > self.fit(best).log_evidence + LEAST_GAIN:
                        best = candidate
            if self.fit(best).log_evidence < before + LEAST_GAIN:
                break
        return best


def _candidates(log2_variances: Float[np.ndarray, " block"], block: int) -> list[Float[np.ndarray, " block"]]:
    """The variances with one of them changed: a little, or switched on or off; never all off."""
    now = log2_variances[block]
    others_off = not np.isfinite(np.delete(log2_variances, block)).any()
    steps = [0.0, 4.0, 8.0] if now == OFF else [now - 4, now - 2, now + 2, now + 4] + ([] if others_off else [OFF])
    values = [value for value in steps if value == OFF or LOWEST <= value <= HIGHEST]
    return [np.where(np.arange(len(log2_variances)) == block, value, log2_variances) for value in values]

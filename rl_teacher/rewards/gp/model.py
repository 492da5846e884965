"""The learned reward model: a Gaussian process, as simple as the labels allow."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray
from threadpoolctl import threadpool_limits

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.bradley_terry import decisive_accuracy
from rl_teacher.core.logistic import answer_loss, probability_of_left
from rl_teacher.core.streams import host_generator
from rl_teacher.protocols import FitData, Look
from rl_teacher.rewards.due import is_due
from rl_teacher.rewards.gp.averaging import Mixture, explain
from rl_teacher.rewards.gp.basis import BLOCKS, Basis
from rl_teacher.rewards.scale import Scale, measure
from rl_teacher.rewards.view import ObsStats, flat_obs, normalized_inputs

CHUNK = 64
"""Comparisons whose frames are turned into functions in one call."""
RELEVANT = 0.01
"""Share of what decides between the labeled segments from which on a group of functions is counted as relevant."""


class GaussianProcessReward(eqx.Module):
    """A weighted sum of fixed functions of a frame, frozen between fits.

    The weights have a normal prior, and each group of functions the variance under which the answers are most probable:
    0 for all that they do not need. The posterior is taken as normal (Laplace), with a peak for each of several
    explanations where some answers may be wrong. `__call__` is its mean, `member_returns` are draws from it.

    Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, chapters 3 and 5; for preferences
    between segments Biyik et al. 2020, arXiv:2005.02575.
    """

    basis: Basis
    weights: Float[Array, " feature"]
    members: Float[Array, "feature member"]
    """Draws from the posterior; their mean is `weights`."""
    obs_stats: ObsStats
    """Snapshot of the agent's observation statistics at the last fit."""
    scale: Scale
    shares: Float[Array, " group"]
    """How much each group of functions decides between the labeled segments [1]."""
    doubts: Array
    """Whether some answers may be wrong."""
    num_fitted: Array
    """Changes of the labels until the last fit."""
    obs_axes: int = eqx.field(static=True)
    """Axes of one observation."""
    center: bool = eqx.field(static=True)
    """Shift the reward to mean 0: only where no episode can end early."""
    config: RewardModelConfig = eqx.field(static=True)

    @classmethod
    def build(
        cls, obs_shape: tuple[int, ...], num_actions: int, config: RewardModelConfig, *,
        center: bool, key: PRNGKeyArray,
    ) -> "GaussianProcessReward":  # fmt: skip
        """A model that knows nothing, with a reward of 0 everywhere.

        Args:
            obs_shape: of one observation.
            num_actions: numbers that an action has for the model.
            config: its settings.
            center: shift the reward to mean 0.
            key: draws the joint functions.
        """
        num_obs = int(np.prod(obs_shape))
        basis = Basis.build(num_obs + num_actions, config.joint_features, key)
        num = sum(basis.sizes)
        return cls(
            basis, jnp.zeros(num), jnp.zeros((num, config.num_members)), (jnp.zeros(num_obs), jnp.ones(num_obs)),
            Scale.identity(1), jnp.zeros(int(basis.groups[-1]) + 1), jnp.array(False), jnp.array(0), len(obs_shape),
            center, config,
        )  # fmt: skip

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """The posterior's mean, normalized, less `pessimism` standard deviations."""
        normalized = self.scale.apply(self._rewards(x, self.weights[:, None]))[0]
        if not self.config.pessimism:
            return normalized
        return normalized - self.config.pessimism * self.scale.factor[0] * self._rewards(x, self.members).std(0)

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """Each draw's return of each segment, not normalized: differences of two are its logits."""
        return np.asarray(self._rewards(x, self.members).sum(-1))

    def wants_fit(self, num_changes: int) -> bool:
        """True when enough is new or changed since the last fit: less is, where some answers may be wrong."""
        growth = self.config.doubtful_refit_growth if self.doubts else self.config.refit_growth
        return is_due(num_changes, int(self.num_fitted), growth)

    def fit(
        self, data: FitData, num_steps: int | None, key: PRNGKeyArray
    ) -> tuple["GaussianProcessReward", dict[str, float]]:
        """The posterior given all labels, on a new snapshot of the observation statistics. Takes no gradient steps."""
        stats = (data.obs_stats.mean, data.obs_stats.variance)
        target = data.labeled.target.astype(np.float64)
        gaps, factors = scaled_blocks(gap_features(self.basis, data.labeled, stats))
        with threadpool_limits(1, "blas"):  # matrices are small, and threads would wait for those that simulate
            found = explain(
                gaps, self.basis.groups, target, self.basis.hypotheses, self.config.random_answer_prob,
                self.basis.reluctance,
            )  # fmt: skip
            deviations = _balanced(found, self.config.num_members, host_generator(key))
            metrics = judged(found, gaps, deviations, target)
        shares = decided_by(found.weights, gaps, self.basis)
        metrics |= relevance(shares, self.basis)
        weights = factors * found.weights
        fitted = eqx.tree_at(
            lambda model: (
                model.weights, model.members, model.obs_stats, model.shares, model.doubts, model.num_fitted,
            ), self,
            (
                jnp.asarray(weights, jnp.float32),
                jnp.asarray(weights[:, None] + factors[:, None] * deviations, jnp.float32),
                stats, jnp.asarray(shares, jnp.float32), jnp.array(found.doubt > 0), jnp.array(data.num_changes),
            ),
        )  # fmt: skip
        raw = np.asarray(fitted._rewards(data.window, fitted.weights[:, None]))
        scale = measure(raw, center=self.center) if self.config.normalize else self.scale
        metrics |= {"reward/raw_mean": float(raw.mean()), "reward/raw_std": float(raw.std())}
        return eqx.tree_at(lambda model: model.scale, fitted, scale), metrics

    def looks(self, names: Sequence[str]) -> list[Look]:
        """What the reward depends on, largest first; satisfies protocols.Legible."""
        linear, additive, products, _ = self.basis.sizes
        weights, shares = np.asarray(self.weights).tolist(), np.asarray(self.shares).tolist()
        at = linear + additive
        pairs = itertools.combinations(names, 2) if products else ()
        what = [f"{_more(w)} {name}" for w, name in zip(weights[:linear], names, strict=True)]
        what += [f"a curve of {name}" for name in names] if additive else []
        what += [
            f"{_more(w)} {one} times {other}"
            for w, (one, other) in zip(weights[at : at + products], pairs, strict=True)
        ]
        what += ["all numbers together"]
        found = [Look(*pair) for pair in zip(what, shares, strict=True) if pair[1] > 0]
        return sorted(found, key=lambda look: -look.share)

    def _rewards(self, x: RewardInput, weights: Float[Array, "feature output"]) -> Float[Array, "output *batch"]:
        obs, action = flat_obs(x, self.obs_axes), jnp.asarray(x.action)
        rewards: Array = _weighted(self.basis, weights, obs, action, self.obs_stats)
        return rewards


@jax.jit
def _weighted(
    basis: Basis, weights: Float[Array, "feature output"], obs: Num[Array, "*batch obs"],
    action: Float[Array, "*batch act"], stats: ObsStats,
) -> Float[Array, "output *batch"]:  # fmt: skip
    return jnp.moveaxis(basis.weighted(normalized_inputs(obs, action, stats), weights), -1, 0)


def gap_features(basis: Basis, data: LabeledBatch, stats: ObsStats) -> list[Float[np.ndarray, "comparison _"]]:
    """Sum of each function over the frames of the left segment less that over the right, block by block."""
    parts = []
    for at in range(0, len(data), CHUNK):
        rows = np.minimum(np.arange(at, at + CHUNK), len(data) - 1)  # the last one fills up
        obs = data.obs[rows]
        parts.append(_gaps(basis, jnp.asarray(obs.reshape(*obs.shape[:3], -1)), jnp.asarray(data.action[rows]), stats))
    return [
        np.concatenate([np.asarray(part[block], np.float64) for part in parts])[: len(data)]
        for block in range(len(BLOCKS))
    ]


@jax.jit
def _gaps(
    basis: Basis, obs: Num[Array, "comparison 2 frame obs"], action: Float[Array, "comparison 2 frame act"],
    stats: ObsStats,
) -> tuple[Float[Array, "comparison _"], ...]:  # fmt: skip
    x = normalized_inputs(obs, action, stats)
    sums = (basis.block(i, x).sum(2) for i in range(len(BLOCKS)))
    return tuple(total[:, 0] - total[:, 1] for total in sums)


def scaled_blocks(
    blocks: list[Float[np.ndarray, "comparison _"]],
) -> tuple[Float[np.ndarray, "comparison feature"], Float[np.ndarray, " feature"]]:
    """All gaps side by side, each block scaled to a mean squared gap of 1; and the factor of each function."""
    sizes = [float(np.square(block).sum(1).mean()) for block in blocks]
    factors = [
        np.full(b.shape[1], 1.0 / np.sqrt(size) if size > 0 else 0.0) for b, size in zip(blocks, sizes, strict=True)
    ]
    joined = np.concatenate(factors)
    return np.concatenate(blocks, axis=1) * joined, joined


def _balanced(found: Mixture, num_members: int, generator: np.random.Generator) -> Float[np.ndarray, "feature member"]:
    """Deviations of as many draws, which sum to 0 and are together as wide as the posterior."""
    deviations = found.draw(generator.standard_normal((len(found.weights), num_members)))
    deviations -= deviations.mean(1, keepdims=True)
    return np.asarray(deviations * np.sqrt(num_members / max(1, num_members - 1)))


def judged(
    found: Mixture, gaps: Float[np.ndarray, "comparison feature"], deviations: Float[np.ndarray, "feature member"],
    target: Float[np.ndarray, " comparison"],
) -> dict[str, float]:  # fmt: skip
    """How well the model explains the answers, and each of them from all others."""
    logit, alike = gaps @ found.weights, np.ones(len(target))
    random_answer_prob = found.random_answer_prob
    of_members = probability_of_left(logit[:, None] + gaps @ deviations)[0]
    return {
        "predictor/loss": float(answer_loss(logit, target, random_answer_prob).mean()),
        "predictor/holdout_loss": float(answer_loss(found.left_out, target, random_answer_prob).mean()),
        "predictor/accuracy": decisive_accuracy(logit, target, alike),
        "predictor/holdout_accuracy": decisive_accuracy(found.left_out, target, alike),
        "predictor/disagreement": float(of_members.std(axis=1).mean()),
        "predictor/evidence": found.log_evidence / len(target),
        "predictor/random_answer_share": random_answer_prob,
        "predictor/tie_share": float((target == 0.5).mean()),
    }


def decided_by(
    weights: Float[np.ndarray, " feature"], gaps: Float[np.ndarray, "comparison feature"], basis: Basis
) -> Float[np.ndarray, " group"]:
    """Mean square of each group's part in the logits of the answers, as a share of the sum of all."""
    starts = np.flatnonzero(np.diff(basis.groups, prepend=-1))
    squares = np.square(np.add.reduceat(gaps * weights, starts, axis=1)).mean(0)
    return np.asarray(squares / max(float(squares.sum()), 1e-12))


def _more(weight: float) -> str:
    return "more" if weight > 0 else "less"


def relevance(shares: Float[np.ndarray, " group"], basis: Basis) -> dict[str, float]:
    """How simple the reward is, by what decides between the labeled segments."""
    return {
        "predictor/nonlinear_share": float(shares[basis.sizes[0] :].sum()),
        "predictor/num_relevant": float((shares > RELEVANT).sum()),
    }

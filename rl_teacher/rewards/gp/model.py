"""The learned reward model: a Gaussian process, as simple as the labels allow."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from threadpoolctl import threadpool_limits

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LabeledBatch, RewardInput
from rl_teacher.core.bradley_terry import decisive_accuracy
from rl_teacher.core.logistic import answer_loss, probability_of_left
from rl_teacher.core.streams import host_generator
from rl_teacher.protocols import FitData, PortableParts, Relevance
from rl_teacher.rewards.due import is_due
from rl_teacher.rewards.gp.averaging import Mixture, average_models
from rl_teacher.rewards.gp.basis import BLOCKS, LINEAR, NODES, Basis
from rl_teacher.rewards.gp.meetings import Picture, meeting_words, met_in
from rl_teacher.rewards.gp.portable import portable_arrays
from rl_teacher.rewards.gp.size import part_of
from rl_teacher.rewards.scale import Scale, measure
from rl_teacher.rewards.view import ObsStats, frames_of, frozen, input_words, no_stats, num_inputs

CHUNK = 64
"""Comparisons whose frames are turned into functions in one call."""
ROUNDING = 1e-5
"""Of sums of float32, relative to them [1]."""
RELEVANT = 0.01
"""Share (`group_shares`) above which a group of functions is counted as relevant [1]."""


class GaussianProcessReward(eqx.Module):
    """A weighted sum of fixed functions of a frame, frozen between fits.

    The weights have a normal prior, and each group of functions the prior variance under which the answers are most
    probable: 0 for all that they do not need (ard.py). The posterior is taken as normal around its peak (Laplace's
    method), or, where some answers may be wrong, around several peaks (averaging.py). The reward is the posterior's
    mean; the members are draws from it, and differ where the answers leave the reward open.

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
    has_label_noise: Array
    """Whether some answers seem to be wrong, as the last fit found."""
    num_fitted: Array
    """Changes of the labels until the last fit."""
    center: bool = eqx.field(static=True)
    """Shift the reward to mean 0: where no episode can end early, the offset says nothing."""
    config: RewardModelConfig = eqx.field(static=True)

    @classmethod
    def build(
        cls, obs_shape: tuple[int, ...], num_actions: int, config: RewardModelConfig, *,
        center: bool, key: PRNGKeyArray, turns: tuple[int, ...] = (),
    ) -> "GaussianProcessReward":  # fmt: skip
        """A model that knows nothing, with a reward of 0 everywhere.

        Args:
            obs_shape: of one observation.
            num_actions: numbers that an action has for the model.
            config: its settings.
            center: shift the reward to mean 0, as no episode can end early; else what survival is worth is learned.
            key: draws the joint functions.
            turns: numbers of an observation that are angles of what can turn all the way round.
        """
        num_obs = 0 if center else math.prod(obs_shape)
        turns = turns if center and config.sees_turns else ()
        size = num_inputs(obs_shape, num_actions, len(turns))
        picture = met_in(obs_shape, config)
        basis = Basis.build(size, config.joint_features, key, num_obs=num_obs, turns=turns, picture=picture)
        num = sum(basis.sizes)
        return cls(
            basis=basis,
            weights=jnp.zeros(num),
            members=jnp.zeros((num, config.num_members)),
            obs_stats=no_stats(obs_shape),
            scale=Scale.identity(1),
            shares=jnp.zeros(int(basis.groups[-1]) + 1),
            has_label_noise=jnp.array(False),
            num_fitted=jnp.array(0),
            center=center,
            config=config,
        )

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """The posterior's mean, normalized, less `pessimism` standard deviations."""
        reward = self.scale.apply(self._rewards(x, self.weights[:, None]))[0]
        if self.config.pessimism:
            reward -= self.config.pessimism * self.scale.factor[0] * self._rewards(x, self.members).std(0)
        return reward if x.phase is None else jnp.where(jnp.asarray(x.phase) == ENDED, 0.0, reward)

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """Each draw's return of each segment, not normalized: differences of two are its logits."""
        return np.asarray(self._rewards(x, self.members).sum(-1))

    def wants_fit(self, num_changes: int) -> bool:
        """Whether the labels have grown by `refit_growth` since the last fit; by less where some of them may be wrong.

        There each new answer may change which of the old ones are believed.
        """
        growth = self.config.doubtful_refit_growth if self.has_label_noise else self.config.refit_growth
        return is_due(num_changes, int(self.num_fitted), growth)

    def fit(
        self, data: FitData, num_steps: int | None, key: PRNGKeyArray
    ) -> tuple["GaussianProcessReward", dict[str, float]]:
        """The posterior given all labels, on a new snapshot of the observation statistics. Takes no gradient steps."""
        stats = frozen(data.obs_stats)
        labeled = part_of(data.labeled, sum(self.basis.sizes))
        target = labeled.target.astype(np.float64)
        basis, blocks = gap_features(self.basis, labeled, stats)
        gaps, factors = scaled_blocks(blocks)
        with threadpool_limits(1, "blas"):  # matrices are small, and threads would wait for those that simulate
            found = average_models(
                gaps, basis.groups, target, basis.candidate_models,
                random_answer_prob=self.config.random_answer_prob, price=basis.price,
                num_preferred=basis.num_preferred,
            )  # fmt: skip
            deviations = _centered_draws(found, self.config.num_members, host_generator(key))
            metrics = fit_metrics(found, gaps, deviations, target)
        shares = group_shares(found.weights, gaps, basis)
        metrics |= simplicity_metrics(shares, basis)
        if len(labeled) < len(data.labeled):
            metrics["predictor/fitted_to"] = float(len(labeled))
        weights = factors * found.weights
        fitted = eqx.tree_at(
            lambda model: (
                model.weights, model.members, model.obs_stats, model.shares, model.has_label_noise, model.num_fitted,
            ), dataclasses.replace(self, basis=basis),
            (
                jnp.asarray(weights, jnp.float32),
                jnp.asarray(weights[:, None] + factors[:, None] * deviations, jnp.float32),
                stats, jnp.asarray(shares, jnp.float32), jnp.array(found.noise_probability > 0),
                jnp.array(data.num_changes),
            ),
        )  # fmt: skip
        raw = np.asarray(fitted._rewards(data.window, fitted.weights[:, None]))
        knows_ends = data.labeled.phase is not None  # else the rule for one length holds: mean 0
        scale = measure(raw, center=self.center or not knows_ends) if self.config.normalize else self.scale
        metrics |= {"reward/raw_mean": float(raw.mean()), "reward/raw_std": float(raw.std())}
        return eqx.tree_at(lambda model: model.scale, fitted, scale), metrics

    def relevances(self, names: Sequence[str]) -> list[Relevance]:
        """What the reward depends on, largest first; satisfies protocols.HasRelevances."""
        shares, blocks = np.asarray(self.shares).tolist(), self.basis.blocks
        words = input_words(names, self.basis.turns)
        of_block = np.split(np.asarray(self.weights, np.float64), np.cumsum(self.basis.sizes)[:-1])
        what = [
            text
            for block, weights in zip(blocks, of_block, strict=True)
            for text in _says(block, weights.tolist(), words, self.basis.picture)
        ]
        found = [Relevance(*pair) for pair in zip(what, shares, strict=True) if pair[1] > 0]
        return sorted(found, key=lambda one: -one.share)

    def portable(self) -> PortableParts:
        """As NumPy alone; satisfies protocols.HasPortable."""
        columns = np.asarray(self.weights, np.float64)[:, None]
        if self.config.pessimism:
            columns = np.concatenate([columns, np.asarray(self.members, np.float64)], 1)
        arrays = portable_arrays(self.basis, columns, self.obs_stats, self.scale, self.config.pessimism)
        return PortableParts("gp", arrays, ends=bool(self.basis.num_obs) or "meeting" in arrays)

    def of_today(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """With squares of weight 0, where a version before them wrote the arrays; satisfies protocols.HasOlderForms."""
        num_squares, blocks = self.basis.sizes[BLOCKS.index("square")], self.basis.block_of_group
        if not num_squares:
            return dict(arrays)
        without = {
            len(self.weights) - num_squares: sum(self.basis.sizes[: BLOCKS.index("square")]),
            len(blocks) - num_squares: blocks.index("square"),
        }

        def inserted(array: np.ndarray) -> np.ndarray:
            at = without.get(array.shape[0]) if array.ndim else None
            zeros = np.zeros((num_squares, *array.shape[1:]), array.dtype)
            return array if at is None else np.concatenate([array[:at], zeros, array[at:]])

        leaves = jax.tree.leaves(eqx.filter(self, eqx.is_array))
        return {
            name: inserted(array) if array.shape != leaves[int(name)].shape else array for name, array in arrays.items()
        }

    def _rewards(self, x: RewardInput, weights: Float[Array, "feature output"]) -> Float[Array, "output *batch"]:
        """What each column of weights makes of each frame."""
        rewards: Array = _weighted(self.basis, weights, x, self.obs_stats)
        return rewards


@jax.jit
def _weighted(
    basis: Basis, weights: Float[Array, "feature output"], x: RewardInput, stats: ObsStats
) -> Float[Array, "output *batch"]:
    return jnp.moveaxis(basis.weighted(frames_of(x, stats, basis.turns), weights), -1, 0)


def gap_features(
    basis: Basis, data: LabeledBatch, stats: ObsStats
) -> tuple[Basis, list[Float[np.ndarray, "comparison _"]]]:
    """What a fit needs of the comparisons: how much of each function the left segment has more than the right.

    The logit of an answer is the sum of weight times gap, so no frame is looked at again.

    Where episodes can end early, all functions of what is seen are made 0 on average over the frames that were lived.
    Else a curve of something that hardly changes would pay for survival as well as survival itself does, and the
    answers could not tell them apart.

    Returns:
        The basis, with its new centers; and for each block of functions the sum over the left segment's frames less
        that over the right one's.

    Source: functional analysis of variance, where each effect has mean 0: Duvenaud 2014, Automatic Model Construction
    with Gaussian Processes, section 2.4; for Gaussian processes Lu, Boukouvalas & Hensman 2022, arXiv:2206.09861.
    """
    if basis.centers is None:
        return basis, _in_chunks(_gaps, basis, data, stats)
    uncentered = dataclasses.replace(basis, centers=jnp.zeros_like(basis.centers))
    gaps, totals = (_in_chunks(one, uncentered, data, stats) for one in (_gaps, _totals))
    at = basis.blocks.index("survival")
    centers = [total.sum(0) / totals[at].sum() for total in totals[: len(BLOCKS)]]
    centered = [_difference(gap, gaps[at] * center) for gap, center in zip(gaps, centers, strict=False)]
    basis = dataclasses.replace(basis, centers=jnp.asarray(np.concatenate(centers), jnp.float32))
    return basis, centered + gaps[len(BLOCKS) :]


Sums = tuple[Float[Array, "comparison _"], ...]


def _in_chunks(
    compiled: Callable[[Basis, RewardInput, ObsStats], Sums], basis: Basis, data: LabeledBatch, stats: ObsStats
) -> list[Float[np.ndarray, "comparison _"]]:
    """For each block of functions a row for each comparison."""
    x, parts = data.reward_input(), []
    for at in range(0, len(data), CHUNK):
        rows = np.minimum(np.arange(at, at + CHUNK), len(data) - 1)  # the last one fills up
        parts.append(compiled(basis, jax.tree.map(lambda array, rows=rows: array[rows], x), stats))
    return [
        np.concatenate([np.asarray(part[block], np.float64) for part in parts])[: len(data)]
        for block in range(len(basis.sizes))
    ]


@jax.jit
def _gaps(basis: Basis, x: RewardInput, stats: ObsStats) -> Sums:
    """Of frames with the axes (comparison, side, step): the left sides' sums less the right ones'."""
    frames = frames_of(x, stats, basis.turns)
    sums = (basis.block(i, frames).sum(2) for i in range(len(basis.sizes)))
    return tuple(total[:, 0] - total[:, 1] for total in sums)


@jax.jit
def _totals(basis: Basis, x: RewardInput, stats: ObsStats) -> Sums:
    """The same, but the sums of both sides."""
    frames = frames_of(x, stats, basis.turns)
    return tuple(basis.block(i, frames).sum((1, 2)) for i in range(len(basis.sizes)))


def _difference(one: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """One less the other; 0 where only rounding is left of them, which a scale would make large."""
    difference = one - other
    return np.where(np.abs(difference) > ROUNDING * (np.abs(one) + np.abs(other)), difference, 0.0)


def scaled_blocks(
    blocks: list[Float[np.ndarray, "comparison _"]],
) -> tuple[Float[np.ndarray, "comparison feature"], Float[np.ndarray, " feature"]]:
    """All gaps side by side, each block of functions scaled by one number.

    Afterwards the prior of a block with variance v for each weight has logits with variance v, on average over the
    comparisons. So one variance to begin with, and one limit to leave a group out, suit blocks of any size and any
    length of segments. Within a block the functions keep their sizes: those that hardly differ between segments stay
    small.

    Returns:
        The scaled gaps, and the factor of each function, by which its weight is to be multiplied.

    Source: ours; the same is done when Gaussian-process kernels are scaled to unit variance on the data.
    """
    sizes = [float(np.square(block).sum(1).mean()) for block in blocks]
    factors = [
        np.full(b.shape[1], 1.0 / np.sqrt(size) if size > 0 else 0.0) for b, size in zip(blocks, sizes, strict=True)
    ]
    joined = np.concatenate(factors)
    return np.concatenate(blocks, axis=1) * joined, joined


def _centered_draws(
    found: Mixture, num_members: int, generator: np.random.Generator
) -> Float[np.ndarray, "feature member"]:
    """Draws from the posterior, as deviations from its mean, shifted so that they sum to 0: their mean is the reward.

    That takes variance away, one draw's worth; the factor gives it back (Bessel's correction).
    """
    deviations = found.draw(generator.standard_normal((len(found.weights), num_members)))
    deviations -= deviations.mean(1, keepdims=True)
    return np.asarray(deviations * np.sqrt(num_members / max(1, num_members - 1)))


def fit_metrics(
    found: Mixture, gaps: Float[np.ndarray, "comparison feature"], deviations: Float[np.ndarray, "feature member"],
    target: Float[np.ndarray, " comparison"],
) -> dict[str, float]:  # fmt: skip
    """How well a model predicts the answers: those that it was fitted to, and each from all others (`holdout`).

    Args:
        found: the posterior.
        gaps: scaled, as it was fitted with.
        deviations: of the members' weights from the mean.
        target: P(left preferred).
    """
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


def group_shares(
    weights: Float[np.ndarray, " feature"], gaps: Float[np.ndarray, "comparison feature"], basis: Basis
) -> Float[np.ndarray, " group"]:
    """How much each group of functions decides between the labeled segments: its part in the logits, mean square.

    Returns:
        Shares of the sum of all groups [1]. What two groups do together is counted for neither.
    """
    starts = np.flatnonzero(np.diff(basis.groups, prepend=-1))
    squares = np.square(np.add.reduceat(gaps * weights, starts, axis=1)).mean(0)
    return np.asarray(squares / max(float(squares.sum()), 1e-12))


def _more(weight: float) -> str:
    return "more" if weight > 0 else "less"


def _says(block: str, weights: list[float], names: Sequence[str], picture: Picture | None) -> list[str]:
    """What each group of a block looks at, in words."""
    num = len(weights)
    match block:
        case "linear":
            return [f"{_more(w)} {name}" for w, name in zip(weights, names, strict=True)]
        case "additive":
            return [f"a curve of {name}" for name in names[: num // NODES]]
        case "product":
            pairs = itertools.combinations(names, 2) if num else ()
            return [f"{_more(w)} {one} times {other}" for w, (one, other) in zip(weights, pairs, strict=True)]
        case "square":
            return [
                f"{'far from' if w > 0 else 'near'} the mean of {name}" for w, name in zip(weights, names, strict=False)
            ]
        case "meeting":
            found = meeting_words(names, picture) if picture else ()
            return [f"{_more(w)} {words}" for w, words in zip(weights, found, strict=True)]
        case "survival":
            return [f"{_more(weights[0])} survival"]
        case "ending":
            at_end = [f"{_more(w)} {name} at the end" for w, name in zip(weights[1:], names, strict=True)]
            return [f"{_more(weights[0])} endings", *at_end]
        case "change":
            return [f"a {'rise' if w > 0 else 'fall'} of {name}" for w, name in zip(weights, names, strict=False)]
        case "curve change":
            return [f"a way along a curve of {name}" for name in names[: num // NODES]]
    return ["all numbers together"]


def simplicity_metrics(shares: Float[np.ndarray, " group"], basis: Basis) -> dict[str, float]:
    """How simple the reward is: how much of it is not linear, and how many groups of functions it is made of.

    What ends are worth is no curve: survival is a constant, and the last step has a linear reward of its own.
    """
    nonlinear = np.array([block not in LINEAR for block in basis.block_of_group])
    return {
        "predictor/nonlinear_share": float(shares[nonlinear].sum()),
        "predictor/num_relevant": float((shares > RELEVANT).sum()),
    }

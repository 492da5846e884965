"""Fitting the ensemble to labels: fixed-size minibatches, temporal crops by prefix sums, fixed weights of labels."""

import math
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch
from rl_teacher.core.bradley_terry import preference_loss
from rl_teacher.core.mapped import looked_up, release
from rl_teacher.core.streams import host_generator
from rl_teacher.rewards.ensemble.members import member_rewards
from rl_teacher.rewards.member_metrics import member_metrics
from rl_teacher.rewards.view import ObsStats

STEPS_PER_CALL = 25
"""Gradient steps of one compiled call; a fit is a whole number of calls, so nothing recompiles as labels grow."""


class FitState(eqx.Module):
    """The members' parameters, flat, with their optimizer and weight decay."""

    members: Float[Array, "member params"]
    opt_state: optax.OptState
    weight_decay: Float[Array, ""]

    @classmethod
    def fresh(cls, members: Float[Array, "member params"], config: RewardModelConfig) -> "FitState":
        """An optimizer that has seen nothing."""
        return cls(members, optax.scale_by_adam().init(members), jnp.float32(config.weight_decay))

    def anew(self, members: Float[Array, "member params"]) -> "FitState":
        """These members and an optimizer that has seen nothing; the weight decay stays as it was adapted."""
        return FitState(members, optax.scale_by_adam().init(members), self.weight_decay)


class Minibatch(NamedTuple):
    """Comparisons of one gradient step; or, with an axis `call` in front, of as many as one compiled call makes."""

    obs: Num[Array, "..."]
    """(*call, comparison, 2, frame, *obs)"""
    action: Float[Array, "*call comparison 2 frame act"]
    phase: Int[Array, "*call comparison 2 frame"] | None
    """None where no episode can end early."""
    target: Float[Array, "*call comparison"]
    weight: Float[Array, "*call member comparison"]
    starts: Int[Array, "*call crop 2"]
    """First frame of each crop, left and right."""
    lengths: Int[Array, "*call crop"]
    frame_weight: Float[Array, "*call"]
    """Frames of the whole segment per frame looked at, so that a thinned segment has the return of a whole one."""


def label_weights(
    key: Int[np.ndarray, " comparison"], config: RewardModelConfig
) -> Float[np.ndarray, "member comparison"]:
    """How much each label weighs for each member; one of weight 0 is held out, and tells how good that member is.

    Weights depend only on the comparison's own key and the member, so they are never redrawn.
    """
    if config.num_members == 1:
        return np.ones((1, len(key)), np.float32)
    if config.bootstrap:
        return bootstrap_weights(key, config.num_members)
    return np.asarray(_uniform(key, config.num_members) >= config.held_out, np.float32)


def bootstrap_weights(key: Int[np.ndarray, " comparison"], num_members: int) -> Float[np.ndarray, "member comparison"]:
    """Poisson(1) weights: how often a label occurs in a bootstrap sample of many. The share 1/e occurs never: held out.

    Source: bootstrap samples and the 1/e: Christiano et al. 2017, arXiv:1706.03741, section 2.2.3; Poisson weights
    instead of drawing: Oza & Russell 2001, Online Bagging and Boosting.
    """
    cumulative = np.cumsum([np.exp(-1.0) / f for f in (1, 1, 2, 6, 24, 120, 720)])
    return np.asarray(np.searchsorted(cumulative, _uniform(key, num_members)), np.float32)


def _uniform(key: Int[np.ndarray, " comparison"], num_members: int) -> Float[np.ndarray, "member comparison"]:
    """Numbers in [0, 1) that each comparison and member always get.

    Source: SplitMix64 of Steele, Lea & Flood 2014, Fast Splittable Pseudorandom Number Generators.
    """
    mixed = key.astype(np.uint64)[None, :] + np.arange(1, num_members + 1, dtype=np.uint64)[:, None] * np.uint64(
        0x9E3779B97F4A7C15
    )
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2**53)


def fit_members(
    state: FitState, data: LabeledBatch, stats: ObsStats, config: RewardModelConfig,
    num_steps: int | None, key: PRNGKeyArray,
) -> tuple[FitState, dict[str, float]]:  # fmt: skip
    """Fit for `num_steps` gradient steps, or for as many as the number of labels deserves.

    Args:
        state: where to begin.
        data: at least one label; its phases are None where no episode can end early.
        stats: snapshot of the observation statistics.
        num_steps: None: `passes_per_fit` passes within min_steps..max_steps.
    """
    steps = num_steps or default_steps(len(data), config)
    weights = label_weights(data.key, config)
    generator = host_generator(key)
    done = 0
    while done < steps:
        count = STEPS_PER_CALL
        batches = _minibatches(data, weights, config, generator, count)
        live = (np.arange(count) < steps - done).astype(np.float32)
        state = _run_steps(state, batches, live, stats, config, jax.random.fold_in(key, done))
        done += count
    state, metrics = evaluate_fit(state, data, weights, stats, config)
    return state, metrics | {"predictor/fit_steps": float(steps)}


def default_steps(num_labels: int, config: RewardModelConfig) -> int:
    """passes_per_fit passes over the labels, within min_steps..max_steps."""
    batches = -(-num_labels // config.minibatch_size)
    return int(np.clip(round(config.passes_per_fit * batches), config.min_steps, config.max_steps))


def adapted_decay(decay: float, train_loss: float, held_out_loss: float) -> float:
    """The next weight decay: a step of 0.1 in its logarithm, up when held-out / training loss > 1.5, down when < 1.1.

    Unchanged where the ratio is undefined: nothing held out, or nothing trained on.

    Source: Christiano et al. 2017, arXiv:1706.03741, section 2.2.3.
    """
    if not (math.isfinite(held_out_loss) and train_loss > 0):
        return decay
    ratio = held_out_loss / train_loss
    change = 0.1 if ratio > 1.5 else -0.1 if ratio < 1.1 else 0.0
    return min(max(decay * math.exp(change), 1e-6), 1.0)


def _minibatches(
    data: LabeledBatch, weights: Float[np.ndarray, "member comparison"], config: RewardModelConfig,
    generator: np.random.Generator, count: int,
) -> Minibatch:  # fmt: skip
    """`count` minibatches of one fixed size, stacked: rows shuffled anew for every pass, frames and crops drawn."""
    size, num = config.minibatch_size, len(data)
    if num <= size:  # full batch; the rows beyond are padding
        rows = np.tile(np.arange(size) % num, (count, 1))
        used = np.tile(np.arange(size) < num, (count, 1))
    else:
        passes = -(-count * size // num)
        rows = np.concatenate([generator.permutation(num) for _ in range(passes)])[: count * size].reshape(count, size)
        used = np.ones_like(rows, bool)
    length = data.action.shape[2]
    stride = -(-length // config.max_frames) if config.max_frames else 1
    frames = length // stride
    offset = generator.integers(0, length - (frames - 1) * stride, count)
    picked = offset[:, None] + stride * np.arange(frames)[None]  # (count, frame)
    index = (rows[:, :, None, None], np.arange(2)[None, None, :, None], picked[:, None, None, :])
    obs, action = looked_up(data.obs, index), looked_up(data.action, index)
    phase = None if data.phase is None else data.phase[index]
    crops = config.num_crops
    shortest, longest = max(1, round(config.min_crop * frames)), max(1, round(config.max_crop * frames))
    lengths = generator.integers(shortest, longest + 1, (count, crops))
    starts = (generator.random((count, crops, 2)) * (frames - lengths[:, :, None] + 1)).astype(np.int64)
    whole_start, whole_length = np.zeros((count, 1, 2), np.int64), np.full((count, 1), frames)
    return Minibatch(
        obs=jnp.asarray(obs),
        action=jnp.asarray(action),
        phase=None if phase is None else jnp.asarray(phase),
        target=jnp.asarray(data.target[rows], jnp.float32),
        weight=jnp.asarray(np.moveaxis(weights[:, rows] * used[None], 0, 1), jnp.float32),
        starts=jnp.asarray(np.concatenate([whole_start, starts], 1), jnp.int32),
        lengths=jnp.asarray(np.concatenate([whole_length, lengths], 1), jnp.int32),
        frame_weight=jnp.full(count, length / frames),
    )


@partial(jax.jit, static_argnames="config")
def _run_steps(
    state: FitState, batches: Minibatch, live: Float[Array, " call"], stats: ObsStats,
    config: RewardModelConfig, key: PRNGKeyArray,
) -> FitState:  # fmt: skip
    optimizer = optax.scale_by_adam()

    def step(state: FitState, inputs: tuple[Minibatch, Array, PRNGKeyArray]) -> tuple[FitState, None]:
        batch, alive, key = inputs
        gradient = jax.grad(_loss)(state.members, batch, stats, config, key)
        norm = jnp.sqrt(jnp.square(gradient).sum(1, keepdims=True))
        gradient = gradient * jnp.minimum(1.0, config.max_grad_norm / (norm + 1e-9))
        direction, opt_state = optimizer.update(gradient, state.opt_state)
        # The decay is decoupled from Adam's step sizes: Loshchilov & Hutter 2019, arXiv:1711.05101.
        moved = state.members - config.learning_rate * (direction + state.weight_decay * state.members)
        new = FitState(moved, opt_state, state.weight_decay)
        return jax.tree.map(lambda a, b: jnp.where(alive > 0, a, b), new, state), None

    keys = jax.random.split(key, live.shape[0])
    state, _ = jax.lax.scan(step, state, (batches, live, keys))
    return state


def _loss(
    members: Float[Array, "member params"], batch: Minibatch, stats: ObsStats, config: RewardModelConfig,
    key: PRNGKeyArray,
) -> Float[Array, ""]:  # fmt: skip
    """Sum over members of each one's weighted mean loss over comparisons and crops; members do not mix."""
    reward = member_rewards(members, batch.obs, batch.action, stats, config, phase=batch.phase, key=key)
    # Axes (member, comparison, 2, frame).
    sums = jnp.cumsum(jnp.pad(reward * batch.frame_weight, ((0, 0), (0, 0), (0, 0), (1, 0))), -1)
    left = _crop_sums(sums[:, :, 0], batch.starts[:, 0], batch.lengths)
    right = _crop_sums(sums[:, :, 1], batch.starts[:, 1], batch.lengths)
    target = jnp.broadcast_to(batch.target[None, :, None], left.shape)
    loss = preference_loss(
        left - right, target, random_answer_prob=config.random_answer_prob or 0.0, smoothing=config.label_smoothing
    ).mean(-1)
    return ((loss * batch.weight).sum(1) / jnp.maximum(batch.weight.sum(1), 1.0)).sum()


def _crop_sums(
    sums: Float[Array, "member comparison frame"], starts: Int[Array, " crop"], lengths: Int[Array, " crop"]
) -> Float[Array, "member comparison crop"]:
    """Return of frames start .. start + length from prefix sums."""
    return sums[:, :, starts + lengths] - sums[:, :, starts]


@partial(jax.jit, static_argnames="config")
def _gaps(
    members: Float[Array, "member params"], obs: Num[Array, "comparison 2 step *obs"],
    action: Float[Array, "comparison 2 step act"], phase: Int[Array, "comparison 2 step"] | None,
    target: Float[Array, " comparison"], stats: ObsStats, config: RewardModelConfig,
) -> tuple[Float[Array, "member comparison"], Float[Array, "member comparison"]]:  # fmt: skip
    """Predicted return of left minus that of right, and the loss of the bare Bradley-Terry model."""
    returns = member_rewards(members, obs, action, stats, config, phase=phase).sum(-1)
    gap = returns[..., 0] - returns[..., 1]
    return gap, preference_loss(gap, jnp.broadcast_to(target[None], gap.shape))


def evaluate_fit(
    state: FitState, data: LabeledBatch, weights: Float[np.ndarray, "member comparison"], stats: ObsStats,
    config: RewardModelConfig,
) -> tuple[FitState, dict[str, float]]:  # fmt: skip
    """How well the members predict the answers that they were fitted to, and those that they held out.

    Args:
        state: after the fit.
        data: all labels.
        weights: of each label for each member; 0 is held out.
        stats: what observations are normalized by.
        config: the model's settings.

    Returns:
        The state, its weight decay adapted to the two losses if the config says so; and the metrics.
    """
    size = config.minibatch_size
    parts = [_gaps(state.members, *_padded(data, at, size), stats, config) for at in range(0, len(data), size)]
    gaps, loss = (np.concatenate([np.asarray(part[i]) for part in parts], axis=1)[:, : len(data)] for i in (0, 1))
    metrics = member_metrics(gaps, loss, data.target, weights)
    decay = state.weight_decay
    if config.adapt_weight_decay:
        found = adapted_decay(float(decay), metrics["predictor/loss"], metrics["predictor/holdout_loss"])
        decay = jnp.float32(found)
    metrics["predictor/weight_decay"] = float(decay)
    return FitState(state.members, state.opt_state, decay), metrics


def _padded(data: LabeledBatch, at: int, size: int) -> tuple[Array, Array, Array | None, Array]:
    """Observations, actions, phases and targets of `size` comparisons from `at` on; the last one fills up."""
    rows = np.minimum(np.arange(at, at + size), len(data) - 1)
    phase = None if data.phase is None else jnp.asarray(data.phase[rows])
    obs, action = jnp.asarray(data.obs[rows]), jnp.asarray(data.action[rows])
    release(data.obs)
    release(data.action)
    return obs, action, phase, jnp.asarray(data.target[rows])

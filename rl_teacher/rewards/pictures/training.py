"""Fitting the networks to labels: minibatches of comparisons, added up over parts that stay in the cache."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch
from rl_teacher.core.bradley_terry import preference_loss
from rl_teacher.core.streams import host_generator
from rl_teacher.core.vision import Scale
from rl_teacher.rewards.ensemble.training import label_weights
from rl_teacher.rewards.member_metrics import member_metrics
from rl_teacher.rewards.pictures.network import PictureNetworks

STEPS_PER_CALL = 2
"""Gradient steps of one compiled call: as many minibatches of pictures are in memory at once."""
PART = 2
"""Comparisons of a part of a minibatch: some 50 pictures, which stay in the processor's cache."""


class FitState(eqx.Module):
    """The networks and their optimizer."""

    networks: PictureNetworks
    opt_state: optax.OptState

    @classmethod
    def fresh(cls, networks: PictureNetworks) -> "FitState":
        """An optimizer that has seen nothing."""
        return cls(networks, optax.scale_by_adam().init(ravel_pytree(networks)[0]))


class Minibatches(NamedTuple):
    """The comparisons of several gradient steps; axes (call, part) in front."""

    pictures: Num[Array, "call part comparison 2 frame height width channel"]
    phase: Int[Array, "call part comparison 2 frame"] | None
    target: Float[Array, "call part comparison"]
    weight: Float[Array, "call part comparison member"]
    """The weights of a minibatch add up to 1 for each member."""
    alive: Float[Array, " call"]
    """1, or 0 for steps beyond those that are wanted."""


def fit_networks(
    state: FitState, data: LabeledBatch, scale: Scale, config: RewardModelConfig, num_steps: int, key: PRNGKeyArray
) -> FitState:
    """The networks after `num_steps` gradient steps.

    Args:
        state: where to begin.
        data: at least one label.
        scale: what pictures are standardized by.
        config: learning rate, decay, dropout, frames of a segment that a step looks at.
        num_steps: of how many minibatches.
        key: draws minibatches, frames, and what is dropped.
    """
    weights = label_weights(data.key, config).T
    for number, batches in enumerate(_minibatches(data, weights, config, num_steps, host_generator(key))):
        length = data.action.shape[2]
        state = _run_steps(state, batches, scale, config, length, jax.random.fold_in(key, number))
    return state


def _minibatches(
    data: LabeledBatch, weights: Float[np.ndarray, "comparison member"], config: RewardModelConfig, num_steps: int,
    generator: np.random.Generator,
) -> Iterator[Minibatches]:  # fmt: skip
    """As many minibatches as one call makes, again and again: rows shuffled anew for every pass, frames drawn."""
    size, num, length = config.minibatch_size // PART * PART or PART, len(data), data.action.shape[2]
    stride = -(-length // config.picture_frames)
    frames = length // stride
    order = np.zeros(0, np.int64)
    for done in range(0, num_steps, STEPS_PER_CALL):
        while len(order) < STEPS_PER_CALL * size:
            order = np.concatenate([order, generator.permutation(num)])
        rows, order = order[: STEPS_PER_CALL * size], order[STEPS_PER_CALL * size :]
        offset = generator.integers(0, length - (frames - 1) * stride, len(rows))
        picked = offset[:, None] + stride * np.arange(frames)[None]
        index = (rows[:, None, None], np.arange(2)[None, :, None], picked[:, None, :])
        weight = weights[rows].reshape(STEPS_PER_CALL, size, -1)
        weight = weight / np.maximum(weight.sum(1, keepdims=True), 1.0)

        def parted(array: np.ndarray, size: int = size) -> Array:
            return jnp.asarray(array.reshape(STEPS_PER_CALL, size // PART, PART, *array.shape[1:]))

        yield Minibatches(
            pictures=parted(data.obs[index]),
            phase=None if data.phase is None else parted(data.phase[index]),
            target=parted(data.target[rows]),
            weight=parted(weight.reshape(len(rows), -1).astype(np.float32)),
            alive=jnp.asarray(np.arange(STEPS_PER_CALL) < num_steps - done, jnp.float32),
        )


@partial(jax.jit, static_argnames=("config", "length"))
def _run_steps(
    state: FitState, batches: Minibatches, scale: Scale, config: RewardModelConfig, length: int, key: PRNGKeyArray
) -> FitState:
    optimizer = optax.scale_by_adam()
    flat, unravel = ravel_pytree(state.networks)

    def loss(flat: Float[Array, " n"], part: Minibatches, key: PRNGKeyArray) -> Float[Array, ""]:
        return _loss(unravel(flat), part, scale, config, length, key)

    def add(
        carry: tuple[Float[Array, " n"], Float[Array, " n"], PRNGKeyArray], part: Minibatches
    ) -> tuple[tuple[Float[Array, " n"], Float[Array, " n"], PRNGKeyArray], None]:
        summed, flat, key = carry
        key, own = jax.random.split(key)
        return (summed + jax.grad(loss)(flat, part, own), flat, key), None

    def step(
        carry: tuple[Float[Array, " n"], optax.OptState], inputs: tuple[Minibatches, PRNGKeyArray]
    ) -> tuple[tuple[Float[Array, " n"], optax.OptState], None]:
        (flat, opt_state), (batch, key) = carry, inputs
        parts = batch._replace(alive=jnp.zeros(len(batch.target)))
        (gradient, _, _), _ = jax.lax.scan(add, (jnp.zeros_like(flat), flat, key), parts)
        gradient = gradient * jnp.minimum(1.0, config.max_grad_norm / (jnp.linalg.norm(gradient) + 1e-9))
        direction, moved_state = optimizer.update(gradient, opt_state)
        # The decay is decoupled from Adam's step sizes: Loshchilov & Hutter 2019, arXiv:1711.05101.
        moved = flat - config.picture_learning_rate * (direction + config.picture_decay * flat)
        new = (moved, moved_state)
        return jax.tree.map(lambda a, b: jnp.where(batch.alive > 0, a, b), new, carry), None

    keys = jax.random.split(key, STEPS_PER_CALL)
    (flat, opt_state), _ = jax.lax.scan(step, (flat, state.opt_state), (batches, keys))
    return FitState(unravel(flat), opt_state)


def _loss(
    networks: PictureNetworks,
    part: Minibatches,
    scale: Scale,
    config: RewardModelConfig,
    length: int,
    key: PRNGKeyArray,
) -> Float[Array, ""]:
    """A part's share of the sum over members of each one's weighted mean loss."""
    shape = part.pictures.shape
    pictures = part.pictures.reshape(-1, *shape[3:])
    phase = None if part.phase is None else part.phase.reshape(-1)
    mask = None
    if config.picture_dropout:
        keep = 1.0 - config.picture_dropout
        # One mask for both segments of a comparison: else the difference of two like segments would be noise.
        drawn = jax.random.bernoulli(key, keep, (shape[0], 1, 1, config.picture_features)) / keep
        mask = jnp.broadcast_to(drawn, (*shape[:3], config.picture_features)).reshape(-1, config.picture_features)
    reward = networks(pictures, scale, phase, mask).reshape(-1, *shape[:3])
    returns = reward.mean(-1) * length  # of whole segments, though only some frames are looked at
    target = jnp.broadcast_to(part.target[None], returns.shape[:2])
    loss = preference_loss(
        returns[..., 0] - returns[..., 1], target, random_answer_prob=config.random_answer_prob or 0.0,
        smoothing=config.label_smoothing,
    )  # fmt: skip
    return (loss * part.weight.T).sum()


def fit_metrics(
    returns: Float[np.ndarray, "member comparison 2"], data: LabeledBatch, config: RewardModelConfig, num_steps: int
) -> dict[str, float]:
    """How well the members predict the answers that they were fitted to, and those that they held out.

    Args:
        returns: predicted return of each side.
        data: all labels.
        config: which labels each member holds out.
        num_steps: of the fit.
    """
    gaps = returns[..., 0] - returns[..., 1]
    target = np.broadcast_to(data.target[None], gaps.shape)
    loss = np.asarray(preference_loss(jnp.asarray(gaps), jnp.asarray(target)))
    metrics = member_metrics(gaps, loss, data.target, label_weights(data.key, config))
    return metrics | {"predictor/fit_steps": float(num_steps)}

"""The members of a reward ensemble: one row of parameters per network, so that a step on all of them is one kernel."""

import itertools

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LAST
from rl_teacher.core.networks import MLP, uniform_mlp
from rl_teacher.rewards.view import ObsStats, model_inputs

END_INPUTS = 2
"""Where episodes can end early, two more numbers of a frame: whether it is the last one, and whether it is after it."""


def fresh_members(
    num_inputs: int, config: RewardModelConfig, key: PRNGKeyArray, last_scale: float = 0.01
) -> Float[Array, "member params"]:
    """The parameters of new networks, one row each.

    Args:
        num_inputs: numbers of a frame, END_INPUTS included where episodes can end early.
        config: hidden layers, and how many networks.
        key: draws the weights.
        last_scale: of the last layer's weights. A small one makes the output nearly 0, so that a fresh model ranks
            nothing by chance.
    """
    sizes = (num_inputs, *config.hidden, 1)
    keys = jax.random.split(key, config.num_members)
    return jnp.stack([_flatten(uniform_mlp(sizes, "leaky_relu", last_scale=last_scale, key=k)) for k in keys])


def member_rewards(
    members: Float[Array, "member params"],
    obs: Num[Array, "..."],
    action: Float[Array, "*batch act"],
    stats: ObsStats,
    config: RewardModelConfig,
    *,
    phase: Int[Array, "*batch"] | None,
    key: PRNGKeyArray | None = None,
) -> Float[Array, "member *batch"]:
    """Each member's reward of each frame, not normalized.

    Where episodes can end early, it is by how much a network finds the frame better than what is after the end: that
    is worth 0, so the network learns what a step of survival is worth.

    Args:
        members: one row of parameters per network.
        obs: observations of any shape, (*batch, *obs), not normalized.
        action: clamped or one-hot.
        stats: what observations are normalized by.
        config: the model's settings.
        phase: LIVED, LAST or ENDED of each frame; None where no episode can end early.
        key: given while fitting only; with it, hidden units are dropped if the config says so.
    """
    x = model_inputs(obs, action, stats)
    if phase is None:
        return _outputs(members, x, config, key)
    absorbing = jnp.zeros(x.shape[-1] + END_INPUTS).at[-1].set(1.0)
    worth = _outputs(members, _with_phase(x, phase), config, key)
    of_end = _outputs(members, absorbing, config, None)
    return jnp.where(phase == ENDED, 0.0, worth - of_end.reshape(-1, *(1,) * phase.ndim))


def _outputs(
    members: Float[Array, "member params"], x: Float[Array, "*batch input"], config: RewardModelConfig,
    key: PRNGKeyArray | None,
) -> Float[Array, "member *batch"]:  # fmt: skip
    masks = _dropout_masks((len(members), *x.shape[:-1]), config, key)
    out = jax.vmap(lambda flat, own: _forward(_unflatten(flat, x.shape[-1], config), x, own))(members, masks)
    return jnp.tanh(out) if config.tanh_output else out


def _with_phase(x: Float[Array, "*batch input"], phase: Int[Array, "*batch"]) -> Float[Array, "*batch end_input"]:
    """The numbers of a frame with END_INPUTS more; after the end all others are 0."""
    ended = (phase == ENDED)[..., None]
    return jnp.concatenate([jnp.where(ended, 0.0, x), (phase == LAST)[..., None], ended], -1)


def _forward(net: MLP, x: Float[Array, "*batch features"], masks: list[Array]) -> Float[Array, "*batch"]:
    if not masks:
        return net(x)[..., 0]
    for weight, bias, mask in zip(net.weights[:-1], net.biases[:-1], masks, strict=True):
        x = MLP((weight,), (bias,), "leaky_relu")(x)
        x = jnp.where(x > 0, x, 0.01 * x) * mask
    return MLP(net.weights[-1:], net.biases[-1:], "leaky_relu")(x)[..., 0]


def _dropout_masks(batch: tuple[int, ...], config: RewardModelConfig, key: PRNGKeyArray | None) -> list[Array]:
    if key is None or not config.dropout:
        return []
    keep = 1.0 - config.dropout
    keys = jax.random.split(key, len(config.hidden))
    return [jax.random.bernoulli(k, keep, (*batch, units)) / keep for k, units in zip(keys, config.hidden, strict=True)]


def _flatten(net: MLP) -> Float[Array, " params"]:
    flat, _ = ravel_pytree((net.weights, net.biases))
    return flat


def _unflatten(flat: Float[Array, " params"], num_inputs: int, config: RewardModelConfig) -> MLP:
    """The network of a row of parameters: all weights in order, then all biases."""
    sizes = (num_inputs, *config.hidden, 1)
    weights, biases, at = [], [], 0
    for fan_in, fan_out in itertools.pairwise(sizes):
        weights.append(flat[at : at + fan_in * fan_out].reshape(fan_in, fan_out))
        at += fan_in * fan_out
    for fan_out in sizes[1:]:
        biases.append(flat[at : at + fan_out])
        at += fan_out
    return MLP(tuple(weights), tuple(biases), "leaky_relu")

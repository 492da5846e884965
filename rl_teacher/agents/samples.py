"""From a scored rollout to the samples of an update: what PPO and TRPO share."""

from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num, PRNGKeyArray

from rl_teacher.agents.actor_critic import ActorCritic, denormalize, rescale_value_head
from rl_teacher.agents.observations import features, network_inputs
from rl_teacher.config.agents import PPOConfig, TRPOConfig, discount_of
from rl_teacher.core.advantages import generalized_advantages
from rl_teacher.core.arrays import BlindRollout
from rl_teacher.core.bradley_terry import weighted_mean
from rl_teacher.core.distributions import Distribution
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.streams import host_generator
from rl_teacher.core.vision import CHUNK, Scale, in_chunks, picture_scale

T = TypeVar("T")


class Steps(NamedTuple):
    """A rollout on the device, without the reward's input, which no update needs once it is scored."""

    obs: Num[Array, "time env *obs"]
    action: Num[Array, "time env *act"]
    last_obs: Num[Array, "env *obs"]
    final_obs: Num[Array, "..."]
    """(time, env, *obs); of pictures (row, *obs)."""
    terminated: Bool[Array, "time env"]
    truncated: Bool[Array, "time env"]
    counted: Bool[Array, "time env"]
    final_place: Int[Array, "row 2"] | None = None
    """Of pictures: time and environment of each row of `final_obs`."""


class Sample(NamedTuple):
    """What one step contributes to an update; every field has a leading axis of samples."""

    x: Num[Array, "sample ..."]
    """Normalized vectors, or pictures as they are."""
    action: Num[Array, "sample *act"]
    log_prob: Float[Array, " sample"]
    advantage: Float[Array, " sample"]
    target: Float[Array, " sample"]
    weight: Float[Array, " sample"]


class Batch(NamedTuple):
    """A prepared rollout."""

    samples: Sample
    networks: ActorCritic
    """The value head rescaled to the new value statistics."""
    obs_stats: RunningStats
    """With this rollout: for acting from now on."""
    value_stats: RunningStats
    scale: Scale | None
    """What pictures are standardized by; None of vectors."""
    metrics: dict[str, Float[Array, ""]]


def prepare(
    networks: ActorCritic,
    obs_stats: RunningStats,
    value_stats: RunningStats,
    steps: Steps,
    reward: Float[Array, "time env"],
    config: PPOConfig | TRPOConfig,
    distribution: Distribution,
) -> Batch:
    """Samples of one rollout, and the statistics and value head after it.

    Args:
        networks: those that acted.
        obs_stats: of the observations before this rollout.
        value_stats: of the returns before it: what the value network's output is a number of standard deviations of.
        steps: the rollout.
        reward: of each step, frozen meanwhile.
        config: discount and lambda.
        distribution: of the actions.
    """
    counted = steps.counted
    weight = flatten_axes(counted.astype(jnp.float32))
    reward = jnp.where(counted, reward, 0.0)
    look = (_look_at_vectors if networks.torso is None else _look_at_pictures)(networks, obs_stats, steps)
    value = denormalize(look.value, value_stats)
    advantage = generalized_advantages(
        reward, value, denormalize(look.last_value, value_stats), denormalize(look.final_value, value_stats),
        steps.terminated & counted, steps.truncated & counted, counted,
        discount=discount_of(config), gae_lambda=config.gae_lambda,
    )  # fmt: skip
    returns = flatten_axes(advantage + value)  # the TD(lambda) estimate: 37 details, core 5
    # Old returns are of an older policy and an older reward: forget them at a time scale of ten batches.
    recent = RunningStats(
        jnp.minimum(value_stats.count, 10.0 * weight.shape[0]), value_stats.mean, value_stats.variance
    )
    new_value_stats = recent.merge(returns, weight)
    # Computed again instead of stored while acting: at the start of an update both are the same, ratios begin at 1.
    action = jnp.where(counted.reshape(counted.shape + (1,) * (steps.action.ndim - 2)), steps.action, 0)
    log_prob = distribution.log_prob(look.params, networks.log_std, action)
    samples = Sample(
        x=look.x,
        action=flatten_axes(action),
        log_prob=flatten_axes(log_prob),
        advantage=flatten_axes(advantage),
        target=(returns - new_value_stats.mean) / jnp.sqrt(new_value_stats.variance + 1e-8),
        weight=weight,
    )
    rescaled = rescale_value_head(networks.value, value_stats, new_value_stats)
    mean = weighted_mean(returns, weight)
    unexplained = weighted_mean(jnp.square(flatten_axes(advantage)), weight)
    spread = weighted_mean(jnp.square(returns - mean), weight)
    metrics = {"agent/explained_variance": 1.0 - unexplained / (spread + 1e-8), "agent/mean_return_target": mean}
    return Batch(
        samples=samples,
        networks=ActorCritic(networks.policy, networks.log_std, rescaled, networks.torso),
        obs_stats=look.obs_stats,
        value_stats=new_value_stats,
        scale=look.scale,
        metrics=metrics,
    )


class _Look(NamedTuple):
    """What the networks say of a rollout."""

    x: Num[Array, "sample ..."]
    """What they are given of each observation."""
    params: Float[Array, "time env p"]
    """Of the actions' distribution."""
    value: Float[Array, "time env"]
    """Normalized, as those that follow."""
    last_value: Float[Array, " env"]
    final_value: Float[Array, "time env"]
    """At the end of an episode; of no meaning elsewhere."""
    obs_stats: RunningStats
    """With this rollout."""
    scale: Scale | None = None
    """What pictures are standardized by."""


def _look_at_vectors(networks: ActorCritic, obs_stats: RunningStats, steps: Steps) -> _Look:
    counted = steps.counted
    obs = jnp.where(counted[:, :, None], features(steps.obs, 2), 0.0)  # padding may hold anything, even nan
    seen = obs_stats.merge(flatten_axes(obs), flatten_axes(counted.astype(jnp.float32)))
    # 37 details (see actor_critic.py), continuous 6 and 7.
    # The first batch has nothing older to be normalized by; later ones are normalized as they were acted with.
    now = jax.tree.map(lambda new, old: jnp.where(obs_stats.count == 0, new, old), seen, obs_stats)
    x = network_inputs(obs, now, 2)
    final_x = network_inputs(steps.final_obs, now, 2)
    last_x = network_inputs(steps.last_obs, now, 1)
    return _Look(
        x=flatten_axes(x), params=networks.policy(x), value=networks.values(x), last_value=networks.values(last_x),
        final_value=networks.values(final_x), obs_stats=seen,
    )  # fmt: skip


def _look_at_pictures(networks: ActorCritic, obs_stats: RunningStats, steps: Steps) -> _Look:
    """The same of pictures, which stay bytes until a network is given them."""
    assert steps.final_place is not None, "on_device gathers the last pictures of episodes"
    shape = steps.counted.shape
    x = flatten_axes(steps.obs)
    seen = _merged(obs_stats, x, flatten_axes(steps.counted.astype(jnp.float32)))
    now = jax.tree.map(lambda new, old: jnp.where(obs_stats.count == 0, new, old), seen, obs_stats)
    scale = picture_scale(now.mean, now.variance)

    def values(pictures: Num[Array, "picture ..."]) -> Float[Array, " picture"]:
        return in_chunks(lambda part: networks.heads(part, scale)[1], pictures)

    def joined(part: Num[Array, "picture ..."]) -> Float[Array, "picture number"]:
        params, value = networks.heads(part, scale)
        return jnp.concatenate([params, value[:, None]], -1)

    numbers = in_chunks(joined, x)
    time, env = steps.final_place.T
    return _Look(
        x=x, params=numbers[:, :-1].reshape(*shape, -1), value=numbers[:, -1].reshape(shape),
        last_value=values(steps.last_obs),
        final_value=jnp.zeros(shape).at[time, env].set(values(steps.final_obs), mode="drop"), obs_stats=seen,
        scale=scale,
    )  # fmt: skip


def _merged(stats: RunningStats, pictures: Num[Array, "picture ..."], weight: Float[Array, " picture"]) -> RunningStats:
    """The statistics after these pictures too, some at a time: as numbers all at once would fill the memory."""
    size = next(part for part in range(CHUNK, 0, -1) if len(pictures) % part == 0)

    def merge(stats: RunningStats, part: tuple[Array, Array]) -> tuple[RunningStats, None]:
        return stats.merge(jnp.asarray(features(part[0], 1)), part[1]), None

    parts = (pictures.reshape(-1, size, *pictures.shape[1:]), weight.reshape(-1, size))
    return jax.lax.scan(merge, stats, parts)[0]


def on_device(rollout: BlindRollout, *, sees_pictures: bool) -> Steps:
    """The rollout as a compiled update takes it; of pictures, only the last ones of episodes that ended."""
    steps = {name: getattr(rollout, name) for name in Steps._fields if name != "final_place"}
    place = None
    if sees_pictures:
        found = np.argwhere((rollout.terminated | rollout.truncated) & rollout.counted)
        # A whole number of chunks, so that the update is compiled for few sizes; beyond the last step nothing is set.
        capacity = CHUNK * max(1, -(-len(found) // CHUNK))
        place = np.full((capacity, 2), rollout.counted.shape[0])
        place[: len(found)] = found
        pictures = np.zeros((capacity, *rollout.obs.shape[2:]), rollout.obs.dtype)
        pictures[: len(found)] = rollout.final_obs[tuple(found.T)]
        steps["final_obs"] = pictures
    return Steps(
        **{name: jnp.asarray(array) for name, array in steps.items()},
        final_place=None if place is None else jnp.asarray(place),
    )


def shuffled_rows(
    key: PRNGKeyArray, num_epochs: int, size: int, minibatch_size: int
) -> Int[np.ndarray, "epoch minibatch sample"]:
    """Rows of each minibatch: every epoch shuffles all and cuts them into round(size / minibatch_size) equal parts.

    Drawn on the host: a permutation in XLA sorts, and took a third of an update's time on CPUs.

    Source: 37 details, core 6.
    """
    num_minibatches = max(1, round(size / minibatch_size))
    per_epoch = num_minibatches * (size // num_minibatches)
    generator = host_generator(key)
    orders = np.stack([generator.permutation(size)[:per_epoch] for _ in range(num_epochs)])
    return orders.astype(np.int32).reshape(num_epochs, num_minibatches, -1)


def standardize(values: Float[Array, " sample"], weight: Float[Array, " sample"]) -> Float[Array, " sample"]:
    """Values with weighted mean 0 and standard deviation 1."""
    mean = weighted_mean(values, weight)
    return (values - mean) / jnp.sqrt(weighted_mean(jnp.square(values - mean), weight) + 1e-8)


def unless_empty(weight: Float[Array, " sample"], new: T, old: T) -> T:
    """`new`, or `old` where a minibatch is all padding: even a gradient of zero moves what has momentum."""
    kept: T = jax.tree.map(lambda a, b: jnp.where(weight.any(), a, b), new, old)
    return kept


def flatten_axes(x: Num[Array, "time env ..."]) -> Num[Array, "sample ..."]:
    """Axes (time, env) as one."""
    return x.reshape(-1, *x.shape[2:])

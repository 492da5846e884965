"""PPO: proximal policy optimization with a clipped objective, readable from top to bottom.

Source: Schulman et al. 2017, arXiv:1707.06347. *37 details* is Huang et al. 2022, "The 37 Implementation Details of
Proximal Policy Optimization", with the number of the core detail. docs/agents.md has all of them, and our defaults.
"""

from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from rl_teacher.agents.acting import Actor, actor_of
from rl_teacher.agents.actor_critic import ActorCritic
from rl_teacher.agents.observations import num_inputs
from rl_teacher.agents.samples import Sample, Steps, on_device, prepare, shuffled_rows, standardize, unless_empty
from rl_teacher.config.agents import PPOConfig, known, settled
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import BlindRollout
from rl_teacher.core.distributions import Distribution
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.vision import CHUNK, Scale, is_picture
from rl_teacher.protocols import RewardFn, UpdateResult


class PPO(eqx.Module):
    """The agent: networks, optimizer state, observation and value statistics."""

    networks: ActorCritic
    opt_state: optax.OptState
    obs_stats: RunningStats
    value_stats: RunningStats
    actions: ActionSpec = eqx.field(static=True)
    config: PPOConfig = eqx.field(static=True)

    @classmethod
    def build(cls, obs_shape: tuple[int, ...], actions: ActionSpec, config: PPOConfig, key: PRNGKeyArray) -> "PPO":
        """A fresh agent."""
        size, sees_pictures = num_inputs(obs_shape), is_picture(obs_shape)
        config = settled(config, sees_pictures=sees_pictures)
        if sees_pictures:
            features, distribution = known(config.hidden)[-1], actions.distribution
            networks = ActorCritic.of_pictures(obs_shape, distribution, features, config.init_log_std, key)
        else:
            networks = ActorCritic.build(size, actions.distribution, known(config.hidden), config.init_log_std, key)
        flat, _ = ravel_pytree(networks)
        return cls(
            networks=networks,
            opt_state=_optimizer(config).init(flat),
            obs_stats=RunningStats.of_shape((size,)),
            value_stats=RunningStats.of_shape(()),
            actions=actions,
            config=config,
        )

    def actor(self) -> Actor:
        """The policy for one rollout: its parameters on the device, its function compiled."""
        return actor_of(self.networks, self.obs_stats, self.actions.distribution)

    def update(
        self, rollout: BlindRollout, reward: RewardFn, progress: float, key: PRNGKeyArray
    ) -> tuple["PPO", UpdateResult]:
        """The agent after learning from one rollout.

        Args:
            rollout: axes (time, env).
            reward: scores the whole rollout in one call; frozen meanwhile.
            progress: share of the run that is over, in [0, 1], for learning rate and entropy bonus.
        """
        predicted = jnp.asarray(reward(rollout.reward_input))
        state = (self.networks, self.opt_state, self.obs_stats, self.value_stats)
        epochs, size = known(self.config.num_epochs), known(self.config.minibatch_size)
        rows = shuffled_rows(key, epochs, rollout.counted.size, size)
        steps = on_device(rollout, sees_pictures=self.networks.torso is not None)
        updated, metrics = _update(
            state, steps, predicted, jnp.float32(progress), rows, self.config, self.actions.distribution
        )
        networks, opt_state, obs_stats, value_stats = updated
        agent = type(self)(
            networks=networks, opt_state=opt_state, obs_stats=obs_stats, value_stats=value_stats,
            actions=self.actions, config=self.config,
        )  # fmt: skip
        return agent, UpdateResult(np.asarray(predicted), metrics)


def _optimizer(config: PPOConfig) -> optax.GradientTransformation:
    """Adam on all parameters as one vector; its step size is applied apart, because it changes.

    Source: 37 details, core 11: one odd minibatch must not throw both networks off, so the norm of all gradients
    together is limited; core 3: epsilon 1e-5, that of OpenAI baselines.
    """
    return optax.chain(
        optax.clip_by_global_norm(config.max_grad_norm), optax.scale_by_adam(eps=config.adam_eps), optax.scale(-1.0)
    )


State = tuple[ActorCritic, optax.OptState, RunningStats, RunningStats]


@partial(jax.jit, static_argnums=(5, 6))
def _update(
    state: State,
    steps: Steps,
    reward: Float[Array, "time env"],
    progress: Float[Array, ""],
    rows: Int[Array, "epoch minibatch sample"],
    config: PPOConfig,
    distribution: Distribution,
) -> tuple[State, dict[str, Float[Array, ""]]]:
    """One call on the device: prepare the samples, then epochs of minibatch steps."""
    networks, opt_state, obs_stats, value_stats = state
    batch = prepare(networks, obs_stats, value_stats, steps, reward, config, distribution)
    networks, samples, scale = batch.networks, batch.samples, batch.scale
    flat, unravel = ravel_pytree(networks)
    optimizer = _optimizer(config)
    # 37 details, core 4: smaller steps near the end, where there is more to lose than to gain.
    first_rate, first_bonus = known(config.learning_rate), known(config.entropy_coef)
    learning_rate = first_rate + progress * (known(config.final_learning_rate) - first_rate)
    entropy_coef = first_bonus + progress * (known(config.final_entropy_coef) - first_bonus)

    def loss(flat: Float[Array, " n"], batch: Sample, total: Float[Array, ""]) -> LossAndMetrics:
        return _loss(unravel(flat), batch, total, scale, entropy_coef, config, distribution)

    def minibatch_step(
        carry: tuple[Float[Array, " n"], optax.OptState], batch: Sample
    ) -> tuple[tuple[Float[Array, " n"], optax.OptState], dict[str, Float[Array, ""]]]:
        flat, opt_state = carry
        # 37 details, core 7: in each minibatch; so the size of the reward does not change the size of a step.
        batch = batch._replace(advantage=standardize(batch.advantage, batch.weight))
        gradient, metrics = gradient_of(loss, flat, batch, in_parts=networks.torso is not None)
        step, stepped = optimizer.update(gradient, opt_state)
        return unless_empty(batch.weight, (flat + learning_rate * step, stepped), carry), metrics

    def epoch(
        carry: tuple[Float[Array, " n"], optax.OptState], rows: Int[Array, "minibatch sample"]
    ) -> tuple[tuple[Float[Array, " n"], optax.OptState], dict[str, Float[Array, ""]]]:
        # 37 details, core 6: every sample once in each epoch, in an order of its own.
        return jax.lax.scan(minibatch_step, carry, jax.tree.map(lambda x: x[rows], samples))

    (flat, opt_state), metrics = jax.lax.scan(epoch, (flat, opt_state), rows)
    last = jax.tree.map(lambda x: x[-1].mean(), metrics) | batch.metrics
    return (unravel(flat), opt_state, batch.obs_stats, batch.value_stats), last


LossAndMetrics = tuple[Float[Array, ""], dict[str, Float[Array, ""]]]


def gradient_of(
    loss: Callable[[Float[Array, " n"], Sample, Float[Array, ""]], LossAndMetrics],
    flat: Float[Array, " n"], batch: Sample, *, in_parts: bool,
) -> tuple[Float[Array, " n"], dict[str, Float[Array, ""]]]:  # fmt: skip
    """Gradient and metrics of a minibatch, as the sum over parts of it that stay in the processor's cache.

    Args:
        loss: of the parameters, a part, and the weight of the whole minibatch.
        flat: the parameters.
        batch: the minibatch.
        in_parts: as with pictures, which are large; else the minibatch is one part.
    """
    gradient, total = jax.grad(loss, has_aux=True), batch.weight.sum()
    if not in_parts:
        whole: tuple[Array, dict[str, Array]] = gradient(flat, batch, total)
        return whole
    size = next(part for part in range(CHUNK, 0, -1) if len(batch.weight) % part == 0)
    parts = jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:]), batch)

    def add(summed: Float[Array, " n"], part: Sample) -> tuple[Float[Array, " n"], dict[str, Float[Array, ""]]]:
        of_part, metrics = gradient(flat, part, total)
        return summed + of_part, metrics

    summed, metrics = jax.lax.scan(add, jnp.zeros_like(flat), parts)
    return summed, jax.tree.map(lambda x: x.sum(0), metrics)


def _loss(
    networks: ActorCritic,
    batch: Sample,
    total: Float[Array, ""],
    scale: Scale | None,
    entropy_coef: Float[Array, ""],
    config: PPOConfig,
    distribution: Distribution,
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """-(clipped surrogate) - entropy bonus + squared error of the value, each a weighted mean over samples.

    `total` is the weight that the means are divided by: that of the batch, or of the minibatch that it is a part of.

    Source: Schulman et al. 2017, eq. 7 (clipped surrogate) and eq. 9 (all three); 37 details, core 8 and 10. The value
    loss is not clipped: core 9 finds no help in it, nor do Andrychowicz et al. 2021, arXiv:2006.05990.
    """

    def mean(values: Float[Array, " sample"]) -> Float[Array, ""]:
        return jnp.where(total > 0, (values * batch.weight).sum() / jnp.maximum(total, 1e-8), 0.0)

    (params, value), log_std = networks.heads(batch.x, scale), networks.log_std
    log_ratio = distribution.log_prob(params, log_std, batch.action) - batch.log_prob
    ratio = jnp.exp(log_ratio)
    advantage = batch.advantage
    # The smaller of the two: an action that is clipped has no gradient, unless it moved against its advantage.
    clipped = jnp.clip(ratio, 1 - config.clip_ratio, 1 + config.clip_ratio)
    surrogate = mean(jnp.minimum(ratio * advantage, clipped * advantage))
    entropy = mean(distribution.entropy(params, log_std))
    value_loss = 0.5 * mean(jnp.square(value - batch.target))
    loss = -surrogate - entropy_coef * entropy + config.value_coef * value_loss
    metrics = {
        "agent/policy_loss": -surrogate,
        "agent/value_loss": value_loss,
        "agent/entropy": entropy,
        # 37 details, core 12: never negative, and of less variance than -log_ratio: Schulman 2020, "Approximating KL
        # divergence", joschu.net/blog/kl-approx.html.
        "agent/kl": mean(ratio - 1 - log_ratio),
        "agent/clip_share": mean((jnp.abs(ratio - 1) > config.clip_ratio).astype(jnp.float32)),
    }
    return loss, metrics

"""PPO: proximal policy optimization with a clipped objective, readable from top to bottom.

Source: Schulman et al. 2017, arXiv:1707.06347. *37 details* is Huang et al. 2022, "The 37 Implementation Details of
Proximal Policy Optimization", with the number of the core detail. docs/agents.md has all of them, and our defaults.
"""

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
from rl_teacher.config.agents import PPOConfig
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import BlindRollout
from rl_teacher.core.bradley_terry import weighted_mean
from rl_teacher.core.distributions import Distribution
from rl_teacher.core.running_stats import RunningStats
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
        size = num_inputs(obs_shape)
        networks = ActorCritic.build(size, actions.distribution, config.hidden, config.init_log_std, key)
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
        rows = shuffled_rows(key, self.config.num_epochs, rollout.counted.size, self.config.minibatch_size)
        updated, metrics = _update(
            state, on_device(rollout), predicted, jnp.float32(progress), rows, self.config, self.actions.distribution
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
    networks, samples = batch.networks, batch.samples
    flat, unravel = ravel_pytree(networks)
    optimizer = _optimizer(config)
    # 37 details, core 4: smaller steps near the end, where there is more to lose than to gain.
    learning_rate = config.learning_rate + progress * (config.final_learning_rate - config.learning_rate)
    entropy_coef = config.entropy_coef + progress * (config.final_entropy_coef - config.entropy_coef)

    def loss(flat: Float[Array, " n"], batch: Sample) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        return _loss(unravel(flat), batch, entropy_coef, config, distribution)

    def minibatch_step(
        carry: tuple[Float[Array, " n"], optax.OptState], batch: Sample
    ) -> tuple[tuple[Float[Array, " n"], optax.OptState], dict[str, Float[Array, ""]]]:
        flat, opt_state = carry
        gradient, metrics = jax.grad(loss, has_aux=True)(flat, batch)
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


def _loss(
    networks: ActorCritic,
    batch: Sample,
    entropy_coef: Float[Array, ""],
    config: PPOConfig,
    distribution: Distribution,
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """-(clipped surrogate) - entropy bonus + squared error of the value, each a weighted mean over samples.

    Source: Schulman et al. 2017, eq. 7 (clipped surrogate) and eq. 9 (all three); 37 details, core 8 and 10. The value
    loss is not clipped: core 9 finds no help in it, nor do Andrychowicz et al. 2021, arXiv:2006.05990.
    """
    params, log_std = networks.policy(batch.x), networks.log_std
    log_ratio = distribution.log_prob(params, log_std, batch.action) - batch.log_prob
    ratio = jnp.exp(log_ratio)
    # 37 details, core 7: in each minibatch; so the size of the reward does not change the size of a step.
    advantage = standardize(batch.advantage, batch.weight)
    # The smaller of the two: an action that is clipped has no gradient, unless it moved against its advantage.
    clipped = jnp.clip(ratio, 1 - config.clip_ratio, 1 + config.clip_ratio)
    surrogate = weighted_mean(jnp.minimum(ratio * advantage, clipped * advantage), batch.weight)
    entropy = weighted_mean(distribution.entropy(params, log_std), batch.weight)
    value_loss = 0.5 * weighted_mean(jnp.square(networks.values(batch.x) - batch.target), batch.weight)
    loss = -surrogate - entropy_coef * entropy + config.value_coef * value_loss
    metrics = {
        "agent/policy_loss": -surrogate,
        "agent/value_loss": value_loss,
        "agent/entropy": entropy,
        # 37 details, core 12: never negative, and of less variance than -log_ratio: Schulman 2020, "Approximating KL
        # divergence", joschu.net/blog/kl-approx.html.
        "agent/kl": weighted_mean(ratio - 1 - log_ratio, batch.weight),
        "agent/clip_share": weighted_mean((jnp.abs(ratio - 1) > config.clip_ratio).astype(jnp.float32), batch.weight),
    }
    return loss, metrics

"""TRPO: a natural-gradient step inside a trust region, readable from top to bottom.

Source: Schulman et al. 2015, arXiv:1502.05477, with generalized advantages, Schulman et al. 2016, arXiv:1506.02438.
*Spinning Up* is OpenAI's. docs/agents.md has all details, and our defaults.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from rl_teacher.agents.acting import Actor, actor_of
from rl_teacher.agents.actor_critic import ActorCritic
from rl_teacher.agents.observations import num_inputs
from rl_teacher.agents.samples import Sample, Steps, on_device, prepare, shuffled_rows, standardize, unless_empty
from rl_teacher.config.agents import TRPOConfig
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import BlindRollout
from rl_teacher.core.bradley_terry import weighted_mean
from rl_teacher.core.distributions import Distribution
from rl_teacher.core.networks import MLP
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.trust_region import conjugate_gradients, line_search
from rl_teacher.protocols import RewardFn, UpdateResult


class TRPO(eqx.Module):
    """The agent: networks, the value network's optimizer state, observation and value statistics."""

    networks: ActorCritic
    opt_state: optax.OptState
    obs_stats: RunningStats
    value_stats: RunningStats
    actions: ActionSpec = eqx.field(static=True)
    config: TRPOConfig = eqx.field(static=True)

    @classmethod
    def build(cls, obs_shape: tuple[int, ...], actions: ActionSpec, config: TRPOConfig, key: PRNGKeyArray) -> "TRPO":
        """A fresh agent."""
        size = num_inputs(obs_shape)
        networks = ActorCritic.build(size, actions.distribution, config.hidden, config.init_log_std, key)
        flat, _ = ravel_pytree(networks.value)
        return cls(
            networks=networks,
            opt_state=optax.scale_by_adam().init(flat),
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
    ) -> tuple["TRPO", UpdateResult]:
        """The agent after learning from one rollout; `progress` is not used, the trust region needs no schedule."""
        predicted = jnp.asarray(reward(rollout.reward_input))
        state = (self.networks, self.opt_state, self.obs_stats, self.value_stats)
        rows = shuffled_rows(key, self.config.value_epochs, rollout.counted.size, self.config.minibatch_size)
        updated, metrics = _update(
            state, on_device(rollout, sees_pictures=False), predicted, rows, self.config, self.actions.distribution
        )  # fmt: skip
        networks, opt_state, obs_stats, value_stats = updated
        agent = type(self)(
            networks=networks, opt_state=opt_state, obs_stats=obs_stats, value_stats=value_stats,
            actions=self.actions, config=self.config,
        )  # fmt: skip
        return agent, UpdateResult(np.asarray(predicted), metrics)


State = tuple[ActorCritic, optax.OptState, RunningStats, RunningStats]
PolicyParts = tuple[MLP, Float[Array, " act"]]
ValueSamples = tuple[Float[Array, "sample features"], Float[Array, " sample"], Float[Array, " sample"]]
"""Observations, targets and weights."""


@partial(jax.jit, static_argnums=(4, 5))
def _update(
    state: State,
    steps: Steps,
    reward: Float[Array, "time env"],
    rows: Int[Array, "epoch minibatch sample"],
    config: TRPOConfig,
    distribution: Distribution,
) -> tuple[State, dict[str, Float[Array, ""]]]:
    """One call on the device: prepare the samples, step the policy, fit the value network."""
    networks, opt_state, obs_stats, value_stats = state
    batch = prepare(networks, obs_stats, value_stats, steps, reward, config, distribution)
    (policy, log_std), metrics = _policy_step(
        (batch.networks.policy, batch.networks.log_std), batch.samples, config, distribution
    )
    value, opt_state, value_loss = _fit_value(batch.networks.value, opt_state, batch.samples, config, rows)
    metrics |= batch.metrics | {"agent/value_loss": value_loss}
    return (ActorCritic(policy, log_std, value), opt_state, batch.obs_stats, batch.value_stats), metrics


def _policy_step(
    parts: PolicyParts, samples: Sample, config: TRPOConfig, distribution: Distribution
) -> tuple[PolicyParts, dict[str, Float[Array, ""]]]:
    """Along the natural gradient as far as the KL limit allows, then back until it holds and the surrogate improves.

    Source: Schulman et al. 2015, arXiv:1502.05477, appendix C; the entropy bonus is ours.
    """
    start, unravel = ravel_pytree(parts)
    advantage = standardize(samples.advantage, samples.weight)
    old_params, old_log_std = parts[0](samples.x), parts[1]

    def surrogate(flat: Float[Array, " n"]) -> Float[Array, ""]:
        net, log_std = unravel(flat)
        params = net(samples.x)
        ratio = jnp.exp(distribution.log_prob(params, log_std, samples.action) - samples.log_prob)
        entropy = weighted_mean(distribution.entropy(params, log_std), samples.weight)
        return jnp.add(weighted_mean(ratio * advantage, samples.weight), config.entropy_coef * entropy)

    def mean_kl(flat: Float[Array, " n"]) -> Float[Array, ""]:
        net, log_std = unravel(flat)
        return weighted_mean(distribution.kl(old_params, old_log_std, net(samples.x), log_std), samples.weight)

    def fisher_product(vector: Float[Array, " n"]) -> Float[Array, " n"]:
        # H is never built: H v is the derivative of the KL's gradient along v (Pearlmutter 1994, Fast Exact
        # Multiplication by the Hessian). At the old policy the KL's Hessian is the Fisher information.
        # Damping, which keeps H positive definite where few samples say little: Spinning Up.
        _, product = jax.jvp(jax.grad(mean_kl), (start,), (vector,))
        return jnp.add(product, config.cg_damping * vector)

    before, gradient = jax.value_and_grad(surrogate)(start)
    direction = conjugate_gradients(fisher_product, gradient, num_steps=config.cg_steps)
    curvature = direction @ fisher_product(direction)
    # Appendix C: the longest step along x with 1/2 step^T H step within the limit, sqrt(2 delta / x^T H x) x. A
    # curvature that is not positive has no such length, and means no step.
    full_step = jnp.sqrt(2.0 * config.max_kl / jnp.where(curvature > 0, curvature, jnp.inf)) * direction

    def accept(flat: Float[Array, " n"]) -> Bool[Array, ""]:
        # The quadratic model of the KL was an approximation, so the KL itself is checked: as Spinning Up.
        return jnp.logical_and(mean_kl(flat) <= config.max_kl, surrogate(flat) > before)

    flat, share = line_search(
        accept, start, full_step, shrink=config.line_search_shrink, num_tries=config.line_search_tries
    )
    new_parts: PolicyParts = unravel(flat)
    entropy = weighted_mean(distribution.entropy(new_parts[0](samples.x), new_parts[1]), samples.weight)
    metrics = {
        "agent/policy_loss": -surrogate(flat),
        "agent/kl": mean_kl(flat),
        "agent/entropy": entropy,
        "agent/line_search_share": share,
    }
    return new_parts, metrics


def _fit_value(
    net: MLP,
    opt_state: optax.OptState,
    samples: Sample,
    config: TRPOConfig,
    rows: Int[Array, "epoch minibatch sample"],
) -> tuple[MLP, optax.OptState, Float[Array, ""]]:
    """A few passes of Adam on the squared error of the normalized returns: no trust region, as Spinning Up."""
    flat, unravel = ravel_pytree(net)
    optimizer = optax.scale_by_adam()

    def loss(flat: Float[Array, " n"], part: ValueSamples) -> Float[Array, ""]:
        x, target, weight = part
        return 0.5 * weighted_mean(jnp.square(unravel(flat)(x)[..., 0] - target), weight)

    def step(
        carry: tuple[Float[Array, " n"], optax.OptState], part: ValueSamples
    ) -> tuple[tuple[Float[Array, " n"], optax.OptState], Float[Array, ""]]:
        flat, opt_state = carry
        value, gradient = jax.value_and_grad(loss)(flat, part)
        direction, stepped = optimizer.update(gradient, opt_state)
        return unless_empty(part[2], (flat - config.value_learning_rate * direction, stepped), carry), value

    def epoch(
        carry: tuple[Float[Array, " n"], optax.OptState], rows: Int[Array, "minibatch sample"]
    ) -> tuple[tuple[Float[Array, " n"], optax.OptState], Float[Array, ""]]:
        parts = jax.tree.map(lambda x: x[rows], (samples.x, samples.target, samples.weight))
        return jax.lax.scan(step, carry, parts)

    (flat, opt_state), losses = jax.lax.scan(epoch, (flat, opt_state), rows)
    return unravel(flat), opt_state, losses[-1].mean()

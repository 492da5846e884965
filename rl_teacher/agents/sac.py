"""SAC: soft actor-critic whose replayed steps are scored anew by today's reward, readable from top to bottom.

Off-policy: each step is learned from many times, so it needs fewer environment steps than PPO and more computing for
each.

Source: Haarnoja et al. 2018, arXiv:1801.01290 and arXiv:1812.05905. *PEBBLE*, Lee et al. 2021, arXiv:2106.05091, is the
one that learned it from preferences; *B-Pref*, Lee et al. 2021, arXiv:2111.03026, has its constants. docs/agents.md has
all details, and our defaults.
"""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.agents.acting import Actor
from rl_teacher.agents.observations import features, network_inputs, num_inputs
from rl_teacher.agents.replay import Replay, Transitions
from rl_teacher.config.agents import SACConfig
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import BlindRollout
from rl_teacher.core.correlation import correlation
from rl_teacher.core.networks import MLP, orthogonal_mlp
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.protocols import RewardFn, UpdateResult

LOG_STD_RANGE = (-5.0, 2.0)
"""Of the log standard deviation of the policy before its tanh; B-Pref's."""
NEIGHBOR = 5
"""Exploring pays the distance to the neighbor of this rank; PEBBLE's."""
MOST_NEIGHBORS = 2000
"""Replayed observations among which neighbors are looked for."""


class Learner(eqx.Module):
    """What gradient steps change."""

    policy: MLP
    """Normalized observation -> mean and raw log standard deviation of each action."""
    critics: MLP
    """Two networks (leading axis): normalized observation and action -> soft value."""
    targets: MLP
    """Their slow copies."""
    log_alpha: Float[Array, ""]
    """Log weight of the entropy."""
    policy_opt: optax.OptState
    critic_opt: optax.OptState
    alpha_opt: optax.OptState


class SAC(eqx.Module):
    """The agent: networks, optimizers, observation statistics, and the steps that it can learn from again."""

    learner: Learner
    obs_stats: RunningStats
    replay: Replay
    last_reward: Float[Array, " probe"]
    """What the newest replayed steps were scored with at the last update: how a new reward is noticed."""
    actions: ActionSpec = eqx.field(static=True)
    explores: bool = eqx.field(static=True)
    """Whether it begins without any reward but that of going where it was not."""
    config: SACConfig = eqx.field(static=True)

    @classmethod
    def build(
        cls,
        obs_shape: tuple[int, ...],
        actions: ActionSpec,
        config: SACConfig,
        key: PRNGKeyArray,
        *,
        num_timesteps: int,
        with_true_reward: bool = False,
        shows_ends: bool = False,
    ) -> "SAC":
        """A fresh agent.

        Args:
            obs_shape: of one observation.
            actions: bounded vectors.
            config: its settings.
            key: draws the networks.
            num_timesteps: steps of the whole run: no more are kept.
            with_true_reward: whether the reward's input holds the true reward (`-p rl`); then it does not explore.
            shows_ends: whether the reward's input says which steps end an episode.
        """
        size = num_inputs(obs_shape)
        policy_key, critic_key = jax.random.split(key)
        policy = orthogonal_mlp((size, *config.hidden, 2 * actions.size), "relu", last_scale=0.01, key=policy_key)
        critics = _fresh_critics(size + actions.size, config, critic_key)
        log_alpha = jnp.log(jnp.float32(config.init_alpha))
        learner = Learner(
            policy=policy,
            critics=critics,
            targets=critics,
            log_alpha=log_alpha,
            policy_opt=optax.adam(config.learning_rate).init(policy),
            critic_opt=optax.adam(config.learning_rate).init(critics),
            alpha_opt=optax.adam(config.alpha_learning_rate).init(log_alpha),
        )
        capacity = max(min(config.replay_steps, num_timesteps), config.num_envs)
        replay = Replay.build(
            capacity, obs_shape, actions.size, with_true_reward=with_true_reward, shows_ends=shows_ends
        )
        probe = jnp.zeros(min(config.batch_size, capacity))
        return cls(
            learner=learner,
            obs_stats=RunningStats.of_shape((size,)),
            replay=replay,
            last_reward=probe,
            actions=actions,
            explores=not with_true_reward,
            config=config,
        )

    def actor(self) -> Actor:
        """The policy for one rollout: its parameters on the device, its function compiled."""
        policy, stats, num_actions = self.learner.policy, self.obs_stats, self.actions.size

        def noise(key: PRNGKeyArray, num_steps: int, num_envs: int) -> Num[np.ndarray, "time env act"]:
            return np.asarray(jax.random.normal(key, (num_steps, num_envs, num_actions)))

        def act(obs: Num[np.ndarray, "env ..."], row: Num[np.ndarray, "env act"]) -> Num[np.ndarray, "env act"]:
            return np.asarray(_act(policy, stats, obs, row))

        def mode(obs: Num[np.ndarray, "env ..."]) -> Num[np.ndarray, "env act"]:
            return np.asarray(_act(policy, stats, obs, np.zeros((len(obs), num_actions), np.float32)))

        return Actor(noise, act, mode)

    def update(
        self, rollout: BlindRollout, reward: RewardFn, progress: float, key: PRNGKeyArray
    ) -> tuple["SAC", UpdateResult]:
        """The agent after it has added a rollout to its replay and made its gradient steps.

        Args:
            rollout: axes (time, env).
            reward: scores the rollout, and every replayed step as it is used.
            progress: not used: nothing is annealed.
        """
        config = self.config
        draw_key, learn_key, reset_key = jax.random.split(key, 3)
        predicted = np.asarray(reward(rollout.reward_input))
        agreement = self._agreement(reward)
        replay = self.replay.add(rollout)
        is_exploring = self.explores and int(replay.num_written) <= config.explore_steps
        was_exploring = self.explores and 0 < int(self.replay.num_written) <= config.explore_steps
        # PEBBLE begins anew after exploring; ours also where the reward model has changed its mind: what the critics
        # have learned of the old reward is worth nothing then.
        is_new_reward = agreement < config.reset_below or (was_exploring and not is_exploring)
        learner = _with_fresh_critics(self.learner, config, reset_key) if is_new_reward else self.learner

        counted = np.asarray(rollout.counted)
        obs = jnp.asarray(features(np.asarray(rollout.obs)[counted], 1))
        stats = self.obs_stats.merge(obs, jnp.ones(len(obs)))
        num_updates = max(1, round(counted.size * config.updates_per_step))  # padded or not: one compiled shape
        rows = replay.draw(
            draw_key, (num_updates, config.batch_size), recent_share=config.recent_share,
            num_recent=config.recent_steps,
        )  # fmt: skip
        batches = replay.steps.take(rows)
        if is_exploring:
            scored = _novelty(stats, batches.obs, replay.steps.obs[rows.ravel()[:MOST_NEIGHBORS]])
        else:
            # PEBBLE's relabeling, without a pass over the whole replay: what is used is scored when it is used.
            scored = jnp.asarray(reward(batches.reward_input))
        learner, metrics = _learn(learner, stats, batches, scored, learn_key, config)
        metrics |= {"agent/critic_reset": jnp.float32(is_new_reward), "agent/exploring": jnp.float32(is_exploring)}
        probe = jnp.asarray(reward(_newest(replay, len(self.last_reward)).reward_input))
        agent = type(self)(
            learner=learner, obs_stats=stats, replay=replay, last_reward=probe, actions=self.actions,
            explores=self.explores, config=config,
        )  # fmt: skip
        return agent, UpdateResult(predicted, metrics)

    def _agreement(self, reward: RewardFn) -> float:
        """Correlation of what a reward says of some replayed steps, and the last one of them; 1 if unknown."""
        if not int(self.replay.num_written):
            return 1.0
        now = np.asarray(reward(_newest(self.replay, len(self.last_reward)).reward_input), np.float64)
        found = correlation(now, np.asarray(self.last_reward, np.float64))
        return 1.0 if np.isnan(found) else found


def _newest(replay: Replay, num: int) -> Transitions:
    """The newest steps; the oldest of them again and again where there are fewer."""
    age = jnp.minimum(jnp.arange(num), replay.size - 1)
    return replay.steps.take((replay.num_written - 1 - age) % replay.capacity)


def _fresh_critics(num_inputs: int, config: SACConfig, key: PRNGKeyArray) -> MLP:
    pair = [
        orthogonal_mlp((num_inputs, *config.hidden, 1), "relu", last_scale=1.0, key=one)
        for one in jax.random.split(key)
    ]
    stacked: MLP = jax.tree.map(lambda *x: jnp.stack(x), *pair)
    return stacked


def _with_fresh_critics(learner: Learner, config: SACConfig, key: PRNGKeyArray) -> Learner:
    """The policy is kept: what it can do is of use for the new reward; what the old one was worth is not."""
    critics = _fresh_critics(learner.critics.weights[0].shape[1], config, key)
    fresh: Learner = eqx.tree_at(
        lambda one: (one.critics, one.targets, one.critic_opt),
        learner, (critics, critics, optax.adam(config.learning_rate).init(critics)),
    )  # fmt: skip
    return fresh


@jax.jit
def _act(
    policy: MLP, stats: RunningStats, obs: Num[Array, "env ..."], noise: Float[Array, "env act"]
) -> Float[Array, "env act"]:
    return _sample(policy, network_inputs(obs, stats, 1), noise)[0]


def _sample(
    policy: MLP, x: Float[Array, "*batch features"], noise: Float[Array, "*batch act"]
) -> tuple[Float[Array, "*batch act"], Float[Array, "*batch"]]:
    """Actions in (-1, 1), and their log densities.

    Source: Haarnoja et al. 2018, arXiv:1801.01290, appendix C. 1 - tanh(u)^2 rounds to 0 for large u, so its logarithm
    is written as 2 (ln 2 - u - softplus(-2 u)), as Spinning Up and TensorFlow Probability do.
    """
    mean, raw = jnp.split(policy(x), 2, axis=-1)
    low, high = LOG_STD_RANGE
    log_std = low + 0.5 * (high - low) * (jnp.tanh(raw) + 1.0)
    u = mean + jnp.exp(log_std) * noise
    log_normal = -0.5 * jnp.square(noise) - log_std - 0.5 * jnp.log(2 * jnp.pi)
    log_slope = 2.0 * (jnp.log(2.0) - u - jax.nn.softplus(-2.0 * u))
    return jnp.tanh(u), (log_normal - log_slope).sum(-1)


def _values(
    critics: MLP, x: Float[Array, "sample features"], action: Float[Array, "sample act"]
) -> Float[Array, "2 sample"]:
    """Both critics; hidden layers are normalized, which keeps values from growing beyond what was ever paid.

    Source: LayerNorm, Ba et al. 2016, arXiv:1607.06450, here without parameters and with PyTorch's 1e-5; in critics
    against overestimation: Ball et al. 2023, arXiv:2302.02948.
    """
    inputs = jnp.concatenate([x, action], axis=-1)

    def one(net: MLP) -> Float[Array, " sample"]:
        h = inputs
        for weight, bias in zip(net.weights[:-1], net.biases[:-1], strict=True):
            h = h @ weight + bias[None]
            h = (h - h.mean(-1, keepdims=True)) * jax.lax.rsqrt(h.var(-1, keepdims=True) + 1e-5)
            h = jax.nn.relu(h)
        return (h @ net.weights[-1] + net.biases[-1][None])[:, 0]

    both: Array = jax.vmap(one)(critics)
    return both


@jax.jit
def _novelty(
    stats: RunningStats, obs: Float[Array, "update sample features"], others: Float[Array, "other features"]
) -> Float[Array, "update sample"]:
    """Distance to the fifth nearest of some replayed observations, with standard deviation 1.

    Source: PEBBLE, Lee et al. 2021, arXiv:2106.05091, section 4.1; normalized observations instead of raw ones.
    """
    points = network_inputs(others, stats, 1)

    def of_batch(batch: Float[Array, "sample features"]) -> Float[Array, " sample"]:
        x = network_inputs(batch, stats, 1)
        squared = (x**2).sum(-1)[:, None] + (points**2).sum(-1)[None] - 2.0 * x @ points.T
        nearest = squared.min(1)  # itself
        for _ in range(NEIGHBOR):  # passes of min are much faster here than a sort
            squared = jnp.where(squared <= nearest[:, None], jnp.inf, squared)
            further = squared.min(1)
            nearest = jnp.where(jnp.isfinite(further), further, nearest)
        return jnp.sqrt(jnp.maximum(nearest, 0.0))

    distance: Array = jax.lax.map(of_batch, obs)
    scaled: Array = distance / (distance.std() + 1e-8)
    return scaled


class _Batch(NamedTuple):
    x: Float[Array, "sample features"]
    action: Float[Array, "sample act"]
    next_x: Float[Array, "sample features"]
    terminated: Array
    reward: Float[Array, " sample"]
    noise: Float[Array, "2 sample act"]


@partial(jax.jit, static_argnames="config")
def _learn(
    learner: Learner,
    stats: RunningStats,
    steps: Transitions,
    reward: Float[Array, "update sample"],
    key: PRNGKeyArray,
    config: SACConfig,
) -> tuple[Learner, dict[str, Float[Array, ""]]]:
    """One call on the device: a gradient step of critics, policy and entropy weight for each minibatch."""
    num_updates, num_samples = reward.shape
    noise = jax.random.normal(key, (num_updates, 2, num_samples, steps.action.shape[-1]))
    batches = _Batch(
        x=network_inputs(jnp.asarray(steps.obs), stats, 2),
        action=jnp.asarray(steps.action),
        next_x=network_inputs(jnp.asarray(steps.next_obs), stats, 2),
        terminated=jnp.asarray(steps.terminated),
        reward=reward,
        noise=noise,
    )
    learner, metrics = jax.lax.scan(partial(_gradient_step, config), learner, batches)
    return learner, jax.tree.map(lambda x: x.mean(), metrics)


def _gradient_step(config: SACConfig, learner: Learner, batch: _Batch) -> tuple[Learner, dict[str, Float[Array, ""]]]:
    """One step of each: critics, policy, entropy weight, slow copies."""
    alpha, adam = jnp.exp(learner.log_alpha), optax.adam(config.learning_rate)
    next_action, next_log_prob = _sample(learner.policy, batch.next_x, batch.noise[0])
    next_value = _values(learner.targets, batch.next_x, next_action).min(0) - alpha * next_log_prob
    # The smaller of two critics, against overestimation: Fujimoto et al. 2018, arXiv:1802.09477. A time limit is no
    # termination: Pardo et al. 2018, arXiv:1712.00378.
    target = batch.reward + config.discount * jnp.where(batch.terminated, 0.0, next_value)

    def critic_loss(critics: MLP) -> Float[Array, ""]:
        return jnp.square(_values(critics, batch.x, batch.action) - target[None]).mean(1).sum()

    value_loss, gradient = jax.value_and_grad(critic_loss)(learner.critics)
    change, critic_opt = adam.update(gradient, learner.critic_opt)
    critics = optax.apply_updates(learner.critics, change)

    def policy_loss(policy: MLP) -> tuple[Float[Array, ""], Float[Array, ""]]:
        action, log_prob = _sample(policy, batch.x, batch.noise[1])
        value = _values(critics, batch.x, action).min(0)
        return (alpha * log_prob - value).mean(), -log_prob.mean()

    (loss, entropy), gradient = jax.value_and_grad(policy_loss, has_aux=True)(learner.policy)
    change, policy_opt = adam.update(gradient, learner.policy_opt)
    policy = optax.apply_updates(learner.policy, change)

    # Haarnoja et al. 2018, arXiv:1812.05905, section 5: alpha falls while the entropy is above its target. The gradient
    # of alpha (entropy - target) by ln alpha is alpha times the surplus.
    surplus = entropy + batch.action.shape[-1]  # above the wanted entropy of -1 nat for each action
    change, alpha_opt = optax.adam(config.alpha_learning_rate).update(alpha * surplus, learner.alpha_opt)
    log_alpha = learner.log_alpha + change
    targets = jax.tree.map(lambda slow, new: slow + config.target_rate * (new - slow), learner.targets, critics)
    metrics = {
        "agent/policy_loss": loss, "agent/value_loss": value_loss, "agent/entropy": entropy,
        "agent/entropy_weight": alpha, "agent/mean_return_target": target.mean(),
    }  # fmt: skip
    changed = Learner(
        policy=policy, critics=critics, targets=targets, log_alpha=log_alpha,
        policy_opt=policy_opt, critic_opt=critic_opt, alpha_opt=alpha_opt,
    )  # fmt: skip
    return changed, metrics

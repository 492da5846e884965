"""The learned reward model: an ensemble of small networks."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import RewardInput
from rl_teacher.protocols import FitData
from rl_teacher.rewards.due import is_due
from rl_teacher.rewards.ensemble.members import fresh_members, member_rewards
from rl_teacher.rewards.ensemble.training import FitState, fit_members
from rl_teacher.rewards.scale import Scale, measure
from rl_teacher.rewards.view import ObsStats, flat_obs


class RewardEnsemble(eqx.Module):
    """Members, the observation statistics that they were fitted with, and their scale: frozen between fits."""

    state: FitState
    start: Float[Array, "member params"]
    """What a fit without warm start begins with."""
    obs_stats: ObsStats
    """Snapshot of the agent's observation statistics at the last fit."""
    scale: Scale
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
        center: bool, key: PRNGKeyArray, last_scale: float = 0.01,
    ) -> "RewardEnsemble":  # fmt: skip
        """An ensemble that knows nothing.

        Args:
            obs_shape: of one observation.
            num_actions: numbers that an action has for the model.
            config: its settings.
            center: shift the reward to mean 0.
            key: draws the networks.
            last_scale: of the last layer; so small that a fresh model ranks nothing by chance.
        """
        num_obs = int(np.prod(obs_shape))
        members = fresh_members(num_obs + num_actions, config, key, last_scale)
        return cls(
            FitState.fresh(members, config), members, (jnp.zeros(num_obs), jnp.ones(num_obs)),
            Scale.identity(config.num_members), jnp.array(0), len(obs_shape), center, config,
        )  # fmt: skip

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """Mean over members of the normalized reward, less `pessimism` standard deviations."""
        action = jnp.asarray(x.action)
        reward: Array = _score(
            self.state.members, self.obs_stats, self.scale, flat_obs(x, self.obs_axes), action, self.config
        )
        return reward

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """Each member's return of each segment, not normalized: differences of two are its logits."""
        return np.asarray(self._raw(x).sum(-1))

    def wants_fit(self, num_changes: int) -> bool:
        """True when new and changed labels since the last fit are a share `refit_growth` of those before."""
        return is_due(num_changes, int(self.num_fitted), self.config.refit_growth)

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple["RewardEnsemble", dict[str, float]]:
        """The model fitted to all labels, on a new snapshot of the observation statistics."""
        stats = (data.obs_stats.mean, data.obs_stats.variance)
        begin = self.state if self.config.warm_start else self.state.anew(self.start)
        state, metrics = fit_members(begin, data.labeled, stats, self.config, num_steps, key)
        fitted, scale_metrics = self.taking(state, data)
        return fitted, metrics | scale_metrics

    def taking(self, state: FitState, data: FitData) -> tuple["RewardEnsemble", dict[str, float]]:
        """The model with these members, a new snapshot of the observation statistics, and the scale that follows."""
        stats = (data.obs_stats.mean, data.obs_stats.variance)
        fitted = eqx.tree_at(
            lambda model: (model.state, model.obs_stats, model.num_fitted),
            self, (state, stats, jnp.array(data.num_changes)),
        )  # fmt: skip
        raw = fitted._raw(data.window)
        scale = measure(raw, center=self.center) if self.config.normalize else Scale.identity(len(raw))
        metrics = {"reward/raw_mean": float(raw.mean()), "reward/raw_std": float(raw.std(axis=1).mean())}
        return eqx.tree_at(lambda model: model.scale, fitted, scale), metrics

    def _raw(self, x: RewardInput) -> Float[np.ndarray, "member *batch"]:
        return np.asarray(
            _member_rewards(
                self.state.members, flat_obs(x, self.obs_axes), jnp.asarray(x.action), self.obs_stats, self.config
            )
        )


_member_rewards = jax.jit(member_rewards, static_argnames="config")


@partial(jax.jit, static_argnames="config")
def _score(
    members: Float[Array, "member params"],
    stats: ObsStats,
    scale: Scale,
    obs: Num[Array, "*batch features"],
    action: Float[Array, "*batch act"],
    config: RewardModelConfig,
) -> Float[Array, "*batch"]:
    normalized = scale.apply(member_rewards(members, obs, action, stats, config))
    mean = normalized.mean(0)
    return mean - config.pessimism * normalized.std(0) if config.pessimism else mean

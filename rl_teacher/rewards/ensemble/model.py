"""The learned reward model: an ensemble of small networks."""

import dataclasses
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LIVED, LabeledBatch, RewardInput
from rl_teacher.protocols import FitData, PortableParts
from rl_teacher.rewards.due import is_due
from rl_teacher.rewards.ensemble.members import END_INPUTS, fresh_members, member_rewards
from rl_teacher.rewards.ensemble.portable import portable_arrays
from rl_teacher.rewards.ensemble.training import FitState, fit_members
from rl_teacher.rewards.scale import Scale, measure
from rl_teacher.rewards.view import ObsStats, frozen, no_stats, num_inputs


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
    center: bool = eqx.field(static=True)
    """Shift the reward to mean 0: no episode can end early, so the offset says nothing; phases are not looked at."""
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
            center: shift the reward to mean 0, as no episode can end early; else what survival is worth is learned.
            key: draws the networks.
            last_scale: of the last layer; so small that a fresh model ranks nothing by chance.
        """
        size = num_inputs(obs_shape, num_actions) + (0 if center else END_INPUTS)
        members = fresh_members(size, config, key, last_scale)
        return cls(
            state=FitState.fresh(members, config),
            start=members,
            obs_stats=no_stats(obs_shape),
            scale=Scale.identity(config.num_members),
            num_fitted=jnp.array(0),
            center=center,
            config=config,
        )

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """Mean over members of the normalized reward, less `pessimism` standard deviations; 0 after the end."""
        obs, action = jnp.asarray(x.obs), jnp.asarray(x.action)
        reward: Array = _score(self.state.members, self.obs_stats, self.scale, obs, action, self._phase(x), self.config)
        return reward

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """Each member's return of each segment, not normalized: differences of two are its logits."""
        return np.asarray(self._raw(x).sum(-1))

    def wants_fit(self, num_changes: int) -> bool:
        """True when new and changed labels since the last fit are a share `refit_growth` of those before."""
        return is_due(num_changes, int(self.num_fitted), self.config.refit_growth)

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple["RewardEnsemble", dict[str, float]]:
        """The model fitted to all labels, on a new snapshot of the observation statistics."""
        stats = frozen(data.obs_stats)
        begin = self.state if self.config.warm_start else self.state.anew(self.start)
        state, metrics = fit_members(begin, self.labels_seen(data), stats, self.config, num_steps, key)
        fitted, scale_metrics = self.taking(state, data)
        return fitted, metrics | scale_metrics

    def taking(self, state: FitState, data: FitData) -> tuple["RewardEnsemble", dict[str, float]]:
        """The model with these members, a new snapshot of the observation statistics, and the scale that follows."""
        stats = frozen(data.obs_stats)
        fitted = eqx.tree_at(
            lambda model: (model.state, model.obs_stats, model.num_fitted),
            self, (state, stats, jnp.array(data.num_changes)),
        )  # fmt: skip
        raw = fitted._raw(data.window)
        knows_ends = data.labeled.phase is not None  # else the rule for one length holds: mean 0
        center = self.center or not knows_ends
        scale = measure(raw, center=center) if self.config.normalize else Scale.identity(len(raw))
        metrics = {"reward/raw_mean": float(raw.mean()), "reward/raw_std": float(raw.std(axis=1).mean())}
        return eqx.tree_at(lambda model: model.scale, fitted, scale), metrics

    def portable(self) -> PortableParts:
        """As NumPy alone; satisfies protocols.HasPortable."""
        has_ends = not self.center
        arrays = portable_arrays(self.state.members, self.obs_stats, self.scale, self.config, has_ends=has_ends)
        return PortableParts("ensemble", arrays, has_ends)

    def labels_seen(self, data: FitData) -> LabeledBatch:
        """The labels as the networks look at them: with phases where episodes can end early, even if none did."""
        labeled = data.labeled
        if self.center:
            return dataclasses.replace(labeled, phase=None)
        return labeled if labeled.phase is not None else dataclasses.replace(labeled, phase=_all_lived(labeled.action))

    def _phase(self, x: RewardInput) -> Int[Array, "*batch"] | None:
        """What the networks look at: None where no episode can end early."""
        if self.center:
            return None
        return jnp.asarray(_all_lived(x.action) if x.phase is None else x.phase)

    def _raw(self, x: RewardInput) -> Float[np.ndarray, "member *batch"]:
        obs, action = jnp.asarray(x.obs), jnp.asarray(x.action)
        return np.asarray(
            _member_rewards(self.state.members, obs, action, self.obs_stats, self.config, phase=self._phase(x))
        )


def _all_lived(action: Float[Array | np.ndarray, "*batch act"]) -> Int[np.ndarray, "*batch"]:
    return np.full(action.shape[:-1], LIVED, np.int8)


_member_rewards = jax.jit(member_rewards, static_argnames="config")


@partial(jax.jit, static_argnames="config")
def _score(
    members: Float[Array, "member params"],
    stats: ObsStats,
    scale: Scale,
    obs: Num[Array, "..."],
    action: Float[Array, "*batch act"],
    phase: Int[Array, "*batch"] | None,
    config: RewardModelConfig,
) -> Float[Array, "*batch"]:
    normalized = scale.apply(member_rewards(members, obs, action, stats, config, phase=phase))
    mean = normalized.mean(0)
    reward = mean - config.pessimism * normalized.std(0) if config.pessimism else mean
    return reward if phase is None else jnp.where(phase == ENDED, 0.0, reward)  # the shift is for what was lived

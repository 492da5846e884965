"""The reward model for pictures: a convolutional network with several heads, which learns on from fit to fit."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LAST, LabeledBatch, RewardInput
from rl_teacher.core.vision import Scale as PictureScale
from rl_teacher.core.vision import in_chunks, picture_scale, standardized
from rl_teacher.protocols import FitData, PortableParts
from rl_teacher.rewards.due import is_due
from rl_teacher.rewards.pictures.network import PictureNetworks
from rl_teacher.rewards.pictures.portable import portable_arrays
from rl_teacher.rewards.pictures.training import FitState, fit_metrics, fit_networks
from rl_teacher.rewards.scale import Scale, measure
from rl_teacher.rewards.view import ObsStats, frozen, no_stats


class PictureReward(eqx.Module):
    """Networks, what pictures are standardized by, and the scale of the reward: frozen between fits."""

    state: FitState
    obs_stats: ObsStats
    """Snapshot of the agent's observation statistics at the last fit."""
    scale: Scale
    num_fitted: Array
    """Changes of the labels until the last fit."""
    shape: tuple[int, ...] = eqx.field(static=True)
    """(height, width, channels) of a picture."""
    center: bool = eqx.field(static=True)
    """Shift the reward to mean 0: no episode can end early, so the offset says nothing; phases are not looked at."""
    config: RewardModelConfig = eqx.field(static=True)

    @classmethod
    def build(
        cls, obs_shape: tuple[int, ...], config: RewardModelConfig, *, center: bool, key: PRNGKeyArray
    ) -> "PictureReward":
        """Networks that know nothing.

        Args:
            obs_shape: (height, width, channels) of a picture.
            config: its settings.
            center: shift the reward to mean 0, as no episode can end early; else what survival is worth is learned.
            key: draws the networks.
        """
        networks = PictureNetworks.build(obs_shape, config, key)
        scale = Scale.identity(config.num_members)
        stats = no_stats(obs_shape)
        return cls(FitState.fresh(networks), stats, scale, jnp.array(0), obs_shape, center, config)

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """Mean over members of the normalized reward, less `pessimism` standard deviations; 0 after the end."""
        members = self.scale.apply(jnp.asarray(self._raw(x)))
        reward = members.mean(0) - self.config.pessimism * members.std(0)
        return reward if self.center or x.phase is None else jnp.where(jnp.asarray(x.phase) == ENDED, 0.0, reward)

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """Each member's return of each segment, not normalized: differences of two are its logits."""
        returns: np.ndarray = self._raw(x).sum(-1)
        return returns

    def wants_fit(self, num_changes: int) -> bool:
        """True when new and changed labels since the last fit are a share `refit_growth` of those before."""
        return is_due(num_changes, int(self.num_fitted), self.config.refit_growth)

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple["PictureReward", dict[str, float]]:
        """The model after going on from the last fit with all labels; the first fit takes more passes over them."""
        config, labeled = self.config, data.labeled
        if self.center:
            labeled = dataclasses.replace(labeled, phase=None)
        passes = config.picture_passes if int(self.num_fitted) else config.picture_first_passes
        steps = num_steps or max(1, round(passes * len(labeled) / min(config.minibatch_size, len(labeled))))
        stats = frozen(data.obs_stats)
        state = fit_networks(self.state, labeled, picture_scale(*stats), config, steps, key)
        fitted = eqx.tree_at(
            lambda model: (model.state, model.obs_stats, model.num_fitted),
            self, (state, stats, jnp.array(data.num_changes)),
        )  # fmt: skip
        returns = fitted._returns_of(labeled)
        raw = fitted._raw(data.window)
        center = self.center or data.labeled.phase is None
        scale = measure(raw, center=center) if config.normalize else Scale.identity(config.num_members)
        metrics = fit_metrics(returns, labeled, config, steps)
        metrics |= {"reward/raw_mean": float(raw.mean()), "reward/raw_std": float(raw.std(axis=1).mean())}
        return eqx.tree_at(lambda model: model.scale, fitted, scale), metrics

    def saliency(self, x: RewardInput) -> Float[np.ndarray, "segment height width"]:
        """Where the reward looks: size of its gradient times the standardized pixel; satisfies protocols.HasSaliency.

        Source: gradient times input, Shrikumar et al. 2016, arXiv:1605.01713.
        """
        look = picture_scale(*self.obs_stats)
        maps = np.stack(
            [np.asarray(_saliency(self.state.networks, look, jnp.asarray(one))) for one in np.asarray(x.obs)]
        )
        most: np.ndarray = maps / np.maximum(maps.max((1, 2), keepdims=True), 1e-12)
        return most

    def portable(self) -> PortableParts:
        """As NumPy alone; satisfies protocols.HasPortable."""
        look, pessimism = picture_scale(*self.obs_stats), self.config.pessimism
        arrays = portable_arrays(self.state.networks, self.shape, look, self.scale, pessimism)
        return PortableParts("cnn", arrays, ends=not self.center)

    def _returns_of(self, labeled: LabeledBatch) -> Float[np.ndarray, "member comparison side"]:
        """Each member's return of both sides, some comparisons at a time: all pictures together would fill memory."""
        parts = []
        for at in range(0, len(labeled), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            phase = None if labeled.phase is None else labeled.phase[part]
            parts.append(self._raw(RewardInput(labeled.obs[part], labeled.action[part], phase=phase)).sum(-1))
        return np.concatenate(parts, 1)

    def _raw(self, x: RewardInput) -> Float[np.ndarray, "member *batch"]:
        """Each member's reward of each picture, not normalized."""
        shape = np.shape(x.action)[:-1]
        phase = None if self.center or x.phase is None else np.asarray(x.phase).reshape(-1)
        pictures = np.asarray(x.obs)
        pictures = pictures.reshape(-1, *pictures.shape[len(shape) :])
        parts, look = [], picture_scale(*self.obs_stats)
        for at in range(0, len(pictures), MOST):
            seen = jnp.asarray(pictures[at : at + MOST])
            own = None if phase is None else jnp.asarray(phase[at : at + MOST])
            parts.append(np.asarray(_rewards(self.state.networks, look, seen, own)))
        return np.concatenate(parts, 1).reshape(-1, *shape)


AT_ONCE = 32
"""Comparisons whose pictures are in memory together."""
MOST = 1024
"""Pictures of one call: more would be in memory twice."""


@jax.jit
def _rewards(
    networks: PictureNetworks,
    look: PictureScale,
    pictures: Num[Array, "picture ..."],
    phase: Int[Array, " picture"] | None,
) -> Float[Array, "member picture"]:
    without_ends = in_chunks(lambda part: networks(part, look, None).T, pictures).T
    if phase is None:
        return without_ends
    with_last = without_ends + networks.last_step[:, None] * (phase == LAST)[None]
    return jnp.where((phase == ENDED)[None], 0.0, with_last)


@jax.jit
def _saliency(
    networks: PictureNetworks, look: PictureScale, pictures: Num[Array, "step height width channel"]
) -> Float[Array, "height width"]:
    shown = standardized(pictures, look)

    def total(shown: Float[Array, "step height width channel"]) -> Float[Array, ""]:
        return (networks.torso(shown) @ networks.heads).mean(1).sum()

    return jnp.abs(jax.grad(total)(shown) * shown).sum((0, 3))

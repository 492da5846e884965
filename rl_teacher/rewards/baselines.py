"""Reward models that learn nothing, to tell what learning is worth: constant, and networks without a gradient step."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, RewardInput
from rl_teacher.protocols import FitData, PortableParts
from rl_teacher.rewards.due import is_due
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.rewards.ensemble.training import evaluate_fit


class ConstantReward(eqx.Module):
    """1 for every step that was lived, never centered: where episodes can end early it pays for survival alone."""

    num_fitted: Array
    """Changes of the labels until the last fit: questions come in the same rounds as with a model that learns."""
    refit_growth: float = eqx.field(static=True)

    @classmethod
    def build(cls, config: RewardModelConfig) -> "ConstantReward":
        """The only one there is."""
        return cls(jnp.array(0), config.refit_growth)

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """1 for every step, 0 after the end of an episode."""
        paid = jnp.ones(x.action.shape[:-1])
        return paid if x.phase is None else paid * (jnp.asarray(x.phase) < ENDED)

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """One member, to whom all segments of a length are equal."""
        return np.asarray(self(x).sum(-1))[None]

    def wants_fit(self, num_changes: int) -> bool:
        """As the ensemble."""
        return is_due(num_changes, int(self.num_fitted), self.refit_growth)

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple["ConstantReward", dict[str, float]]:
        """The same; with P = 1/2 every label costs ln 2, and half of the guesses are right."""
        metrics = {"predictor/holdout_loss": math.log(2), "predictor/holdout_accuracy": 0.5}
        return eqx.tree_at(lambda model: model.num_fitted, self, jnp.array(data.num_changes)), metrics

    def portable(self) -> PortableParts:
        """As NumPy alone; satisfies protocols.HasPortable."""
        return PortableParts("constant", {"constant": np.ones(1, np.float32)}, ends=False)


class UntrainedReward(eqx.Module):
    """An ensemble that takes no gradient step: what random networks, normalized like learned ones, make an agent do.

    After the end of an episode they too are worth 0.
    """

    ensemble: RewardEnsemble

    def __call__(self, x: RewardInput) -> Float[Array, "*batch"]:
        """The ensemble's."""
        return self.ensemble(x)

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """The ensemble's."""
        return self.ensemble.member_returns(x)

    def wants_fit(self, num_changes: int) -> bool:
        """The ensemble's."""
        return self.ensemble.wants_fit(num_changes)

    def fit(
        self, data: FitData, num_steps: int | None, key: PRNGKeyArray
    ) -> tuple["UntrainedReward", dict[str, float]]:
        """The same networks, a new snapshot of the observation statistics and a new scale; all labels are held out."""
        ensemble, metrics = self.ensemble.taking(self.ensemble.state, data)
        unused = np.zeros((ensemble.config.num_members, len(data.labeled)), np.float32)
        labeled = ensemble.labels_seen(data)
        _, fit_metrics = evaluate_fit(ensemble.state, labeled, unused, ensemble.obs_stats, ensemble.config)
        return UntrainedReward(ensemble), metrics | fit_metrics

    def portable(self) -> PortableParts:
        """The ensemble's; satisfies protocols.HasPortable."""
        return self.ensemble.portable()._replace(kind="untrained")

"""What both wrappers of Gymnasium share: when turns are taken, what a step is paid, what is known of the inside."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv, VectorWrapper
from gymnasium.wrappers import NormalizeObservation, NormalizeReward
from gymnasium.wrappers.vector import NormalizeObservation as NormalizeObservations
from gymnasium.wrappers.vector import NormalizeReward as NormalizeRewards
from jaxtyping import Bool, Float, Shaped

from rl_teacher.envs.catalog import spec_of
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError
from rl_teacher.integrations.observations import Flattener
from rl_teacher.integrations.reward_training import RewardTraining

AnyEnvs = gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]
NORMALIZERS = (NormalizeObservation, NormalizeReward, NormalizeObservations, NormalizeRewards)
CHUNK = 4096
"""Rows that are scored in one call."""


class Turns:
    """Takes the turns of a training, and knows how often the reward has changed.

    It takes them by itself, before a step, until somebody says `update` for the first time: from then on there alone.

    Args:
        training: the time before it is over.
        flatten: makes arrays of observations.
    """

    def __init__(self, training: RewardTraining, flatten: Flattener) -> None:
        self._training, self._flatten = training, flatten
        self._version, self._newest = 0, training.paid_by
        self._told, self._is_driven = 0, False

    @property
    def version(self) -> int:
        """How often the reward has changed since this object was made."""
        if self._training.paid_by is not self._newest:
            self._version, self._newest = self._version + 1, self._training.paid_by
        return self._version

    def before_step(self) -> None:
        """Take a turn if one is due, and nobody else says when."""
        if not self._is_driven and self._training.is_turn_due:
            self._training.turn()

    def update(self) -> bool:
        """Take a turn if one is due; whether the reward has changed since the last call."""
        self._is_driven = True
        if self._training.is_turn_due:
            self._training.turn()
        told, self._told = self._told, self.version
        return told != self._told

    def reward_of(
        self, obs: Any, actions: Shaped[np.ndarray, "*batch"], next_obs: Any, terminated: Bool[np.ndarray, "*batch"]
    ) -> Float[np.ndarray, "*batch"]:
        """What the newest reward pays for steps, as the environments gave and took them."""
        action, ended = self._training.actions.from_env(np.asarray(actions)), np.asarray(terminated, bool)
        num_axes = action.ndim - 1
        if not num_axes:
            rows = self._flatten.one(obs), action, self._flatten.one(next_obs), ended
            return self._training.score(*rows)
        worth = np.zeros(action.shape[:-1], np.float32)
        for first in range(0, len(action), CHUNK):
            at = slice(first, first + CHUNK)
            before, after = (self._flatten(_rows(one, at), num_axes) for one in (obs, next_obs))
            worth[at] = self._training.score(before, action[at], after, ended[at])
        return worth


def _rows(obs: Any, at: slice) -> Any:
    return {key: part[at] for key, part in obs.items()} if isinstance(obs, dict) else obs[at]


def spec_inside(envs: AnyEnvs) -> EnvSpec:
    """What is known of environments that the reward is to be learned in; of those side by side, of the first.

    Raises:
        ConfigError: a wrapper that normalizes is inside.
    """
    _refuse_normalizers(envs)
    inner: Any = envs.unwrapped
    if isinstance(inner, SyncVectorEnv):
        return spec_of(inner.envs[0])
    if isinstance(inner, AsyncVectorEnv):
        first: Any = _Worker(inner)
        return spec_of(first, "environment" if first.spec is None else None)
    return spec_of(envs)


class _Worker:
    """What can be asked of the first of environments in other processes."""

    def __init__(self, envs: AsyncVectorEnv[Any, Any]) -> None:
        self.spec, self.metadata, self.unwrapped = envs.get_attr("spec")[0], envs.metadata, self


def _refuse_normalizers(envs: AnyEnvs) -> None:
    layer: Any = envs
    while isinstance(layer, (gymnasium.Wrapper, VectorWrapper, SyncVectorEnv)):
        if isinstance(layer, NORMALIZERS):
            raise ConfigError(
                f"{type(layer).__name__} is inside of what the reward is learned in: clips, teacher and reward would "
                "see numbers whose scale drifts. Put it around instead, so that the agent alone sees it."
            )
        layer = layer.envs[0] if isinstance(layer, SyncVectorEnv) else layer.env

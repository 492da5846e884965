"""Arrays of what TorchRL's environments speak in tensors, and back."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import Bool, Float, Num, Shaped
from tensordict import TensorDictBase
from torchrl.data import Bounded, Categorical, OneHot, Unbounded
from torchrl.envs import EnvBase

from rl_teacher.errors import ConfigError, UnsupportedSpace
from rl_teacher.integrations.steps import Outcome


@dataclass(frozen=True, slots=True)
class Arrays:
    """Turns tensordicts of an environment into arrays of environments side by side: one, where it is not batched."""

    key: str
    """Of the observation."""
    told: tuple[Any, ...]
    """Keys of all observations."""
    num_envs: int
    obs_space: spaces.Box
    """Of one environment."""
    action_space: spaces.Space[Any]
    """Of one environment; choices are numbered from 0."""
    is_one_hot: bool
    """Whether choices are told as one-hot."""

    @property
    def obs_axes(self) -> int:
        """Axes of one observation."""
        return len(self.obs_space.shape or ())

    def numpy(self, tensor: torch.Tensor) -> Num[np.ndarray, "env *obs"]:
        """Observations as an array of its own, environments first."""
        return self._array(tensor).reshape(self.num_envs, *(self.obs_space.shape or ()))

    def obs(self, tensordict: TensorDictBase) -> Num[np.ndarray, "env *obs"]:
        """The observations in it."""
        return self.numpy(tensordict.get(self.key))

    def rows(self, tensordict: TensorDictBase) -> Num[np.ndarray, "..."]:
        """The observations in it, with whatever axes it has.

        Raises:
            ConfigError: they have another shape than in the environment.
        """
        found, expected = self._array(tensordict.get(self.key)), tuple(self.obs_space.shape or ())
        if found.shape[found.ndim - len(expected) :] != expected:
            raise ConfigError(
                f"{self.key!r}: steps hold observations of shape {found.shape}, the reward was taught on {expected}. "
                "Give transforms around taught.env another out_key, or put them inside."
            )
        return found

    def flags(self, tensor: torch.Tensor) -> Bool[np.ndarray, " env"]:
        """One flag for each environment."""
        return np.array(tensor.detach().cpu().numpy(), bool).reshape(self.num_envs)

    def terminated(self, after: TensorDictBase, batch: tuple[int, ...]) -> Bool[np.ndarray, "*batch"]:
        """Which steps ended their episode for good; where nothing says so, those that are done and not cut short."""
        found = after.get("terminated", None)
        if found is None:
            cut = after.get("truncated", None)
            found = after.get("done") if cut is None else after.get("done") & ~cut
        return np.array(found.detach().cpu().numpy(), bool).reshape(batch)

    def env_action(self, tensordict: TensorDictBase) -> Shaped[np.ndarray, "..."]:
        """Actions in the environment's units, numbers of choices, with whatever axes they have."""
        found = self._array(tensordict.get("action"))
        return np.argmax(found, -1) if self.is_one_hot else found

    def action(self, tensordict: TensorDictBase) -> Shaped[np.ndarray, "env ..."]:
        """The same, environments first."""
        return self.env_action(tensordict).reshape(self.num_envs, *(self.action_space.shape or ()))

    def torch_action(self, env_action: Shaped[np.ndarray, "env ..."], like: EnvBase) -> torch.Tensor:
        """Actions as the environment takes them: the way back from `action`."""
        spec = like.action_spec
        told = torch.as_tensor(env_action)
        if self.is_one_hot:
            told = torch.nn.functional.one_hot(told, spec.shape[-1])
        return told.to(spec.device, spec.dtype).reshape(spec.shape)

    def reward(self, paid: Float[np.ndarray, " env"], like: torch.Tensor) -> torch.Tensor:
        """Rewards in the shape of those of the environment."""
        return torch.as_tensor(paid, dtype=torch.float32).to(like.device).reshape(like.shape)

    def outcome(self, after: TensorDictBase, alive: Bool[np.ndarray, " env"] | None) -> Outcome:
        """What a step came to.

        Args:
            after: what is under "next", with the true reward.
            alive: which environments made one; None for all.
        """
        obs, nothing = self.obs(after), np.zeros(self.num_envs, bool)
        terminated, cut = self.terminated(after, (self.num_envs,)), after.get("truncated", None)
        truncated = nothing if cut is None else self.flags(cut) & ~terminated
        true_reward = np.array(after.get("reward").detach().cpu().numpy(), np.float32).reshape(self.num_envs)
        return Outcome(obs, obs, true_reward, terminated, truncated, alive)

    def _array(self, tensor: torch.Tensor) -> np.ndarray:
        return np.array(tensor.detach().cpu().numpy())


def arrays_of(env_id: str, env: EnvBase, key: str) -> Arrays:
    """How to speak with an environment.

    Args:
        env_id: what errors call it.
        env: with batch_size () or (N,).
        key: of the observation.

    Raises:
        ConfigError: it has no such observation.
        UnsupportedSpace: its observations or actions are no numbers, or several choices at once.
    """
    axes, num_envs = len(env.batch_size), math.prod(env.batch_size)
    told = tuple(env.observation_spec.keys(True, True))
    if key not in told:
        raise ConfigError(
            f"env {env_id!r}: no observation {key!r}, expected one of {told}. Say which: PreferenceReward(..., "
            "observation='...')."
        )
    seen, acted = env.observation_spec[key], env.action_spec
    is_one_hot = isinstance(acted, OneHot)
    if isinstance(acted, OneHot | Categorical):
        action: spaces.Space[Any] = spaces.Discrete(int(acted.space.n))
    else:
        action = _box(env_id, "actions", acted, axes)
    return Arrays(key, told, num_envs, _box(env_id, "observations", seen, axes), action, is_one_hot)


def _box(env_id: str, what: str, spec: Any, axes: int) -> spaces.Box:
    """The box of one environment."""
    if not isinstance(spec, Bounded | Unbounded):
        raise UnsupportedSpace(
            f"env {env_id!r}: {what} are {type(spec).__name__}, expected numbers (Bounded, Unbounded) or, as actions, "
            "one choice (OneHot, Categorical). Use a transform."
        )
    first, shape = (0,) * axes, tuple(spec.shape[axes:])
    dtype: Any = np.dtype(str(spec.dtype).removeprefix("torch."))
    if isinstance(spec, Unbounded) and not isinstance(spec, Bounded):
        if dtype.kind == "f":
            return spaces.Box(-np.inf, np.inf, shape, dtype)
        return spaces.Box(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype)
    low, high = (np.broadcast_to(side.cpu().numpy(), tuple(spec.shape))[first] for side in (spec.low, spec.high))
    return spaces.Box(np.asarray(low, dtype), np.asarray(high, dtype), shape, dtype)

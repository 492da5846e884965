"""A new reward in the buffers of Stable-Baselines3, where an older one was stored."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from stable_baselines3.common.buffers import ReplayBuffer, RolloutBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from rl_teacher.errors import ConfigError
from rl_teacher.integrations.observations import Flattener

if TYPE_CHECKING:
    from rl_teacher.integrations.reward_training import RewardTraining

CHUNK = 4096
"""Steps of an environment that are scored in one call."""


def rescore_rollout(
    buffer: RolloutBuffer, change: Float[np.ndarray, "time env"], dones: Float[np.ndarray, " env"]
) -> None:
    """Put a new reward into a rollout whose advantages are computed already.

    Advantages are linear in the rewards (Schulman et al. 2016, arXiv:1506.02438, equation 16), so they change by the
    discounted sum of the changes: what was added at time limits stays, and no value is needed again.

    Args:
        buffer: full.
        change: new less old reward of each step, as the model was given them.
        dones: whether the last step ended an episode.
    """
    goes_on = 1.0 - np.concatenate([buffer.episode_starts[1:], dones[None]])
    total = np.zeros_like(change[0])
    for step in reversed(range(len(change))):
        total = change[step] + buffer.gamma * buffer.gae_lambda * goes_on[step] * total
        buffer.advantages[step] += total
        buffer.returns[step] += total
    buffer.rewards += change


def rewrite_replay(buffer: ReplayBuffer, training: "RewardTraining", flatten: Flattener) -> None:
    """Write the newest reward over that of every stored step."""
    length = buffer.buffer_size if buffer.full else buffer.pos
    for first in range(0, length, CHUNK):
        rows = np.arange(first, min(first + CHUNK, length))
        buffer.rewards[rows] = stored_rewards(buffer, (rows,), training, flatten)


def stored_rewards(
    buffer: ReplayBuffer, at: tuple[np.ndarray, ...], training: "RewardTraining", flatten: Flattener,
    goal: np.ndarray | None = None,
) -> Float[np.ndarray, "..."]:  # fmt: skip
    """The newest reward of stored steps.

    Args:
        buffer: that holds them, with observations as the environments gave them, and actions within +-1.
        at: their places, as an index of its arrays: rows, or rows and environments.
        training: has the reward.
        flatten: makes arrays of observations.
        goal: where given, as if it had been the desired goal.
    """
    obs, next_obs = (_observations(buffer, at, flatten, goal, after=after) for after in (False, True))
    stored = buffer.actions[at]
    if training.actions.distribution.is_discrete:
        action = training.actions.from_env(stored[..., 0])
    else:
        action = training.actions.clamp(stored)
    terminated = (buffer.dones[at] > 0) & ~(buffer.timeouts[at] > 0)
    return training.score(obs, action, next_obs, terminated)


def _observations(
    buffer: ReplayBuffer, at: tuple[np.ndarray, ...], flatten: Flattener, goal: np.ndarray | None, *, after: bool
) -> np.ndarray:
    stored: Any = buffer.observations
    if after and buffer.optimize_memory_usage:
        at = ((at[0] + 1) % buffer.buffer_size, *at[1:])
    elif after:
        stored = buffer.next_observations
    num_axes = buffer.actions[at].ndim - 1
    if flatten.keys:
        parts = {key: stored[key][at] for key in flatten.keys}
        found = flatten(parts if goal is None else {**parts, "desired_goal": goal}, num_axes)
    else:
        found = flatten(stored[at], num_axes)
    expected = tuple(flatten.space.shape or ())
    if found.shape[-len(expected) :] != expected:
        raise ConfigError(
            f"replay buffer: it holds observations of shape {found.shape[-len(expected) :]}, the reward was taught on "
            f"{expected}. A wrapper around taught.venv changes them: put it inside instead."
        )
    return np.asarray(found)


class PreferenceHerReplayBuffer(HerReplayBuffer):
    """Hindsight experience replay (Andrychowicz et al. 2017, arXiv:1707.01495) with the learned reward.

    `SAC("MultiInputPolicy", taught.venv, replay_buffer_class=PreferenceHerReplayBuffer)`. The reward of an invented
    goal is that of the step as if it had been the desired one.
    """

    def _get_virtual_samples(
        self, batch_indices: np.ndarray, env_indices: np.ndarray, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        """Steps with invented goals; the reward model answers in the place of the environments."""
        envs: Any = self.env
        self.env: Any = _Scores(self, (batch_indices, env_indices))
        try:
            return super()._get_virtual_samples(batch_indices, env_indices, env)
        finally:
            self.env = envs


class _Scores:
    """Stands where a HerReplayBuffer looks for environments that compute rewards."""

    def __init__(self, buffer: PreferenceHerReplayBuffer, at: tuple[np.ndarray, ...]) -> None:
        self._buffer, self._at = buffer, at
        self._envs: Any = buffer.env

    def env_method(self, name: str, achieved: np.ndarray, goal: np.ndarray, infos: Any, indices: Any) -> list[Any]:
        """The rewards of the steps as if this goal had been desired."""
        training = getattr(self._envs, "training", None)  # of whatever is wrapped in it
        if training is None:
            raise ConfigError("PreferenceHerReplayBuffer: the model does not train in taught.venv.")
        return [stored_rewards(self._buffer, self._at, training, self._envs.flatten, goal)]

"""GymnasiumEnvs: any environment of Gymnasium's registry, as a vector environment that can be kept and restored."""

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled, ResetNeeded
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from rl_teacher.envs.finite import require_finite
from rl_teacher.envs.gymnasium.lookup import missing_package
from rl_teacher.envs.gymnasium.running_actions import RunningActions
from rl_teacher.envs.snapshots import check_snapshot
from rl_teacher.envs.tasks.starts import reset_seed, staggered_limits
from rl_teacher.errors import UnsupportedSpace

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

MUJOCO_ENV_MODULE = "gymnasium.envs.mujoco.mujoco_env"
"""Where Gymnasium defines the class of its MuJoCo environments; not imported unless the environment does."""
NO_LIMIT = np.iinfo(np.int64).max


class GymnasiumEnvs(VectorEnv[Array, Array, Array]):
    """`num_envs` copies of a Gymnasium environment in this process; an ended episode restarts in the same step.

    Observations may have any shape; they become float32, but bytes (uint8) stay bytes. Discrete actions count from 0.
    Episode k of environment i is reset with a seed that is a function of (seed, i, k). A snapshot holds that seed and
    the actions since, and `restore` plays them again: exact for every environment that is deterministic given its
    seed, at a cost of memory and time that grows with the length of the episode.

    The arrays that `reset`, `step` and `restore` return are buffers of this object, valid until its next call.
    """

    def __init__(
        self, env_id: str, num_envs: int, *, seed: int, limit: int | None = None, stagger: bool = False
    ) -> None:
        """Build the environments; `reset` must follow.

        Args:
            env_id: 'Id-v1' or 'module:Id-v1'.
            num_envs: how many copies, >= 1.
            seed: of all episodes, 0 to 2**64 - 1; `reset(seed=)` replaces it.
            limit: steps of an episode at most, where known; only `stagger` uses it.
            stagger: truncate the first episode of env i after ceil(limit * (i + 1) / num_envs) steps.

        Raises:
            UnsupportedSpace: observations are not a Box, or actions neither a Box nor Discrete.
            ConfigError: it needs a package that is not installed.
        """
        self._vector = SyncVectorEnv([_maker(env_id)] * num_envs, copy=False, autoreset_mode=AutoresetMode.DISABLED)
        self.env_id = env_id
        self.num_envs = num_envs
        self.metadata = {**self._vector.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = _observation_space(self._vector.single_observation_space, env_id)
        self.single_action_space, self._first_action = _action_space(self._vector.single_action_space, env_id)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        no_limits = np.full(num_envs, NO_LIMIT, np.int64)
        self._first_limits = staggered_limits(limit, num_envs) if stagger and limit else no_limits
        self._seed = seed
        self._num_steps = 0
        self._episodes = np.full(num_envs, -1, np.int64)
        self._limits = self._first_limits.copy()
        self._running = RunningActions(num_envs, self.single_action_space)
        self._obs: Array = np.zeros(self.observation_space.shape or (), self.single_observation_space.dtype)
        self._final_obs = np.zeros_like(self._obs)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start a new episode everywhere; with `seed`, the episodes of that seed from the first on.

        Returns:
            Observations (num_envs, *obs); no infos.
        """
        if seed is not None:
            self._seed = seed
            self._episodes[:] = -1
        self._start_episodes(np.ones(self.num_envs, np.bool_))
        self._limits[:] = self._first_limits
        return self._obs, {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Step every environment once; where an episode ended, the next one has begun.

        Args:
            actions: (num_envs, *act), or (num_envs,) from 0 on if discrete.

        Returns:
            Observations (num_envs, *obs), those of the new episode where one ended; true rewards float64 (num_envs,);
            terminations and truncations, bool (num_envs,). Where any episode ended, infos has `final_obs`, like the
            observations: those before the resets, and `_final_obs`, who was reset. The environment's own infos are
            left out.

        Raises:
            NotFinite: an observation or reward is nan or infinite.
        """
        if self._episodes[0] < 0:
            raise ResetNeeded(f"env '{self.env_id}': step() before reset(). Call reset() first.")
        taken = self._running.append(np.asarray(actions) + self._first_action)
        observations, rewards, terminations, truncations, _ = self._vector.step(taken)
        self._num_steps += self.num_envs
        require_finite(observations, rewards, self.env_id, self._num_steps)
        truncations |= (self._running.lengths >= self._limits) & ~terminations
        ended = terminations | truncations
        np.copyto(self._obs, observations, casting="unsafe")
        if not ended.any():
            return self._obs, rewards, terminations, truncations, {}
        np.copyto(self._final_obs, self._obs)
        self._start_episodes(ended)
        return self._obs, rewards, terminations, truncations, {"final_obs": self._final_obs, "_final_obs": ended}

    def sim_state(self) -> npt.NDArray[np.float64]:
        """[qpos, qvel] of every environment now, a fresh (num_envs, nq + nv); (num_envs, 0) if it is not MuJoCo's."""
        return np.stack([_qpos_and_qvel(env.unwrapped) for env in self._vector.envs])

    def snapshot(self) -> Arrays:
        """Seed, episode and actions since its start of every environment: what `restore` plays again."""
        return {
            "obs": self._obs.copy(),
            "episodes": self._episodes.copy(),
            "limits": self._limits.copy(),
            "lengths": self._running.lengths.copy(),
            "actions": self._running.actions(),
            "num_steps": np.array(self._num_steps, np.int64),
            "seed": np.array(self._seed, np.uint64),
        }

    def restore(self, snapshot: Arrays) -> Array:
        """Reset every environment with the seed of its episode, and take the same actions again.

        Warns where that led to another observation, since the environment is then not deterministic; such an episode
        goes on from where the replay led.

        Returns:
            The observations now, (num_envs, *obs).

        Raises:
            CheckpointError: the snapshot is of another environment or another number of environments.
        """
        check_snapshot(snapshot, self.snapshot(), self.env_id, grows={"actions"})
        self._seed, self._num_steps = int(snapshot["seed"]), int(snapshot["num_steps"])
        self._episodes[:] = snapshot["episodes"]
        if self._episodes[0] < 0:  # taken before the first reset
            return self._obs
        self._episodes -= 1
        self._start_episodes(np.ones(self.num_envs, np.bool_))
        self._limits[:] = snapshot["limits"]
        self._running.load(snapshot["actions"], snapshot["lengths"])
        ended = np.zeros(self.num_envs, np.bool_)
        for index, env in enumerate(self._vector.envs):
            for action in self._running.of(index):
                observation, _, terminated, truncated, _ = env.step(action)
                self._obs[index] = observation
                ended[index] |= terminated or truncated
        differs = (self._obs != snapshot["obs"]).reshape(self.num_envs, -1).any(axis=1)
        if differs.any():
            where = np.flatnonzero(differs).tolist()
            warnings.warn(
                f"env '{self.env_id}' is not deterministic: playing the same actions from the same seed led elsewhere "
                f"in environments {where} of {self.num_envs}. Their episodes go on from there.",
                stacklevel=2,
            )
        if ended.any():
            self._start_episodes(ended)
        return self._obs

    def close_extras(self, **kwargs: Any) -> None:
        """Close every environment."""
        self._vector.close(**kwargs)

    def _start_episodes(self, who: npt.NDArray[np.bool_]) -> None:
        """Begin the next episode where `who` is true; writes `_obs` there."""
        self._episodes[who] += 1
        seeds = [
            reset_seed(self._seed, env, int(self._episodes[env])) if who[env] else None for env in range(self.num_envs)
        ]
        observations, _ = self._vector.reset(seed=seeds, options={"reset_mask": who})
        require_finite(observations, np.zeros(self.num_envs), self.env_id, self._num_steps)
        self._obs[who] = observations[who]
        self._running.lengths[who] = 0
        self._limits[who] = NO_LIMIT


def _maker(env_id: str) -> Callable[[], gymnasium.Env[Any, Any]]:
    def make() -> gymnasium.Env[Any, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 'Hopper-v4 is out of date': the user chose it
            try:
                return gymnasium.make(env_id, disable_env_checker=True)
            except (ImportError, DependencyNotInstalled) as error:
                raise missing_package(env_id, error) from error

    return make


def _observation_space(space: gymnasium.Space[Any], env_id: str) -> Box:
    if not isinstance(space, Box):
        raise UnsupportedSpace(
            f"env '{env_id}': observations are {space}, expected a Box. "
            "Wrap the environment in gymnasium.wrappers.FlattenObservation, and register that."
        )
    if space.dtype == np.uint8:
        return space
    with np.errstate(over="ignore"):  # the largest float64 becomes infinity
        return Box(space.low.astype(np.float32), space.high.astype(np.float32), dtype=np.float32)


def _action_space(space: gymnasium.Space[Any], env_id: str) -> tuple[Box | Discrete, int]:
    """The space that agents see, and what to add to their actions."""
    if isinstance(space, Discrete):
        return Discrete(int(space.n)), int(space.start)
    if isinstance(space, Box):
        return space, 0
    raise UnsupportedSpace(
        f"env '{env_id}': actions are {space}, expected a Box or Discrete. "
        "Write a gymnasium.ActionWrapper that maps one of these to it, and register that."
    )


def _qpos_and_qvel(env: Any) -> npt.NDArray[np.float64]:
    if any(one.__module__ == MUJOCO_ENV_MODULE for one in type(env).__mro__):
        return np.concatenate([env.data.qpos, env.data.qvel])
    return np.zeros(0)

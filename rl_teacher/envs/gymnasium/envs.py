"""GymnasiumEnvs: any environment of Gymnasium's registry, as a vector environment that can be kept and restored."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from rl_teacher.envs.finite import require_finite
from rl_teacher.envs.gymnasium.describe import metadata_of
from rl_teacher.envs.gymnasium.faults import env_fault, what_was_raised
from rl_teacher.envs.gymnasium.making import AnyEnv, close_env, make_env, observed_as, spaces_of
from rl_teacher.envs.gymnasium.returned import BOOLS, NUMBERS, Odd, reset_result, step_result
from rl_teacher.envs.gymnasium.running_actions import RunningActions
from rl_teacher.envs.numbering import Numbering
from rl_teacher.envs.snapshots import check_snapshot
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.errors import EnvFault
from rl_teacher.oneline import shown

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

MUJOCO_ENV_MODULE = "gymnasium.envs.mujoco.mujoco_env"
"""Where Gymnasium defines the class of its MuJoCo environments; not imported unless the environment does."""
NO_LIMIT = np.iinfo(np.int64).max
DIVERGED = "but its action was no number: the agent diverged, so scale observations and rewards down"
"""Where an environment is not to blame."""
NOTHING = object()
"""In place of what a method that raised has not returned."""


class GymnasiumEnvs(VectorEnv[Array, Array, Array]):
    """`num_envs` copies of a Gymnasium environment in this process; an ended episode restarts in the same step.

    Observations may have any shape; they become float32, but bytes (uint8) stay bytes. Infos are not looked at. An
    environment that breaks Gymnasium's rules is stepped as any other, and looked at closely once something broke.
    Episode k of environment i is reset with a seed that is a function of (seed, i, k). A snapshot holds that seed and
    the actions since, and `restore` plays them again: exact for every environment that is deterministic given its
    seed, at a cost of memory and time that grows with the length of the episode.

    The arrays that `reset`, `step` and `restore` return are buffers of this object, valid until its next call.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int,
        *,
        seed: int,
        limit: int | None = None,
        stagger: bool = False,
        make: Callable[[], AnyEnv] | None = None,
        numbering: Numbering | None = None,
    ) -> None:
        """Build the environments; `reset` must follow.

        Args:
            env_id: 'Id-v1' or 'module:Id-v1'.
            num_envs: how many copies, >= 1.
            seed: of all episodes, 0 to 2**64 - 1; `reset(seed=)` replaces it.
            limit: steps of an episode at most, where known; only `stagger` uses it.
            stagger: truncate the first episode of env i after ceil(limit * (i + 1) / num_envs) steps.
            make: makes a copy, where no id can; `env_id` is then what errors call it.
            numbering: which environments of a run these are; all, unless it is given.

        Raises:
            UnsupportedSpace: observations are not a Box, or actions neither a Box nor Discrete.
            ConfigError: it needs a package that is not installed.
            EnvFault: it cannot be built, or its copies differ.
        """
        self._envs: list[Any] = []  # Gymnasium 1.2 closes one that could not be made
        self._envs += [make() if make else make_env(env_id) for _ in range(num_envs)]
        self.env_id = env_id
        self.num_envs, self._numbering = num_envs, numbering or Numbering(0, num_envs)
        observed, self.single_action_space = self._common_spaces()
        self.metadata = {**(metadata_of(self._envs[0]) or {}), "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = self._observed_space = observed_as(observed)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        no_limits = np.full(num_envs, NO_LIMIT, np.int64)
        self._first_limits = self._numbering.first_limits(limit, num_envs) if stagger and limit else no_limits
        self._seed = seed
        self._num_steps = 0
        self._episodes = np.full(num_envs, -1, np.int64)
        self._limits = self._first_limits.copy()
        self._running = RunningActions(num_envs, self.single_action_space)
        shape, dtype = self.observation_space.shape or (), self.single_observation_space.dtype
        self._obs: Array = np.zeros(shape, dtype)
        self._final_obs = np.zeros_like(self._obs)
        self._is_bytes = dtype == np.uint8
        self._observed = self._obs if self._is_bytes else np.zeros(shape)
        """What the environments returned, before it becomes float32."""
        self._rewards = np.zeros(num_envs)
        self._terminations, self._truncations = np.zeros(num_envs, np.bool_), np.zeros(num_envs, np.bool_)

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
            actions: (num_envs, *act), or (num_envs,) if discrete; handed on in the dtype of the action space.

        Returns:
            Observations (num_envs, *obs), those of the new episode where one ended; true rewards float64 (num_envs,);
            terminations and truncations, bool (num_envs,). Where any episode ended, infos has `final_obs`, like the
            observations: those before the resets, and `_final_obs`, who was reset. The environment's own infos are
            left out.

        Raises:
            NotFinite: an observation or reward is nan or infinite, also as float32.
            EnvFault: an environment raised something, or returned what cannot be taken.
        """
        if self._episodes[0] < 0:
            raise ResetNeeded(f"env '{self.env_id}': step() before reset(). Call reset() first.")
        taken = self._running.append(np.asarray(actions))
        self._num_steps += self._numbering.total
        for index, env in enumerate(self._envs):
            self._step_one(index, env, taken[index])
        self._take_observations()
        rewards, terminations = self._rewards.copy(), self._terminations.copy()
        require_finite(self._observed, rewards, self.env_id, self._num_steps, self._numbering)
        truncations = self._truncations | ((self._running.lengths >= self._limits) & ~terminations)
        ended = terminations | truncations
        if not ended.any():
            return self._obs, rewards, terminations, truncations, {}
        np.copyto(self._final_obs, self._obs)
        self._start_episodes(ended)
        return self._obs, rewards, terminations, truncations, {"final_obs": self._final_obs, "_final_obs": ended}

    def sim_state(self) -> npt.NDArray[np.float64]:
        """[qpos, qvel] of every environment now, a fresh (num_envs, nq + nv); (num_envs, 0) if it is not MuJoCo's."""
        return np.stack([_qpos_and_qvel(env.unwrapped) for env in self._envs])

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
        for index, env in enumerate(self._envs):
            for action in self._running.of(index):
                self._step_one(index, env, action)
                ended[index] |= self._terminations[index] or self._truncations[index]
        self._take_observations()
        differs = (self._obs != snapshot["obs"]).reshape(self.num_envs, -1).any(axis=1)
        if differs.any():
            where = (self._numbering.first + np.flatnonzero(differs)).tolist()
            warnings.warn(
                f"env '{self.env_id}' is not deterministic: playing the same actions from the same seed led elsewhere "
                f"in environments {where} of {self._numbering.total}. Their episodes go on from there.",
                stacklevel=2,
            )
        if ended.any():
            self._start_episodes(ended)
        return self._obs

    def close_extras(self, **kwargs: Any) -> None:
        """Close every environment; one that fails to is left as it is."""
        for env in self._envs:
            close_env(env)

    def _start_episodes(self, who: npt.NDArray[np.bool_]) -> None:
        """Begin the next episode where `who` is true; writes `_obs` there."""
        self._episodes[who] += 1
        for index in np.flatnonzero(who).tolist():
            number = self._numbering.first + index
            self._reset_one(index, self._envs[index], reset_seed(self._seed, number, int(self._episodes[index])))
        self._take_observations(who)
        require_finite(self._observed, np.zeros(self.num_envs), self.env_id, self._num_steps, self._numbering)
        self._running.lengths[who] = 0
        self._limits[who] = NO_LIMIT

    def _reset_one(self, index: int, env: AnyEnv, seed: int) -> None:
        """Begin an episode of one environment; writes its row of `_observed`."""
        try:
            self._observed[index] = reset_result(env.reset(seed=seed), self._observed_space)
            if env.action_space is not self._action_spaces[index] and env.action_space != self.single_action_space:
                raise env_fault(
                    self.env_id, "spaces", f"its action_space was {shown(self.single_action_space)} and "
                    f"is now {shown(env.action_space)}", place=self._place(index),
                )  # fmt: skip
        except (EnvFault, KeyboardInterrupt):
            raise
        except BaseException as error:
            what = str(error) if isinstance(error, Odd) else f"reset() raised {what_was_raised(error)}"
            raise env_fault(self.env_id, "reset", what, place=self._place(index)) from error

    def _step_one(self, index: int, env: AnyEnv, action: Array) -> None:
        """Step one environment; writes its row of what was observed, rewarded and ended."""
        result: Any = NOTHING
        try:
            result = env.step(action)
            observation, reward, terminated, truncated, _ = result
            if (
                observation.shape != self._observed.shape[1:]
                or type(reward) not in NUMBERS
                or type(terminated) not in BOOLS
                or type(truncated) not in BOOLS
                or (self._is_bytes and observation.dtype != np.uint8)
            ):
                raise Odd
            self._observed[index], self._rewards[index] = observation, reward
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            observation, reward, terminated, truncated = self._looked_at(index, action, result, error)
            self._observed[index], self._rewards[index] = observation, reward
        self._terminations[index], self._truncations[index] = terminated, truncated

    def _looked_at(
        self, index: int, action: Array, result: Any, error: BaseException
    ) -> tuple[Array, float, bool, bool]:
        """What a step returned that could not be taken as it is, or why it cannot be taken at all."""
        try:
            if isinstance(error, Odd) and error.args:  # a wrapper of ours has looked at it
                raise error
            if result is NOTHING:
                raise Odd(f"step() raised {what_was_raised(error)}") from error
            return step_result(result, self._observed_space)
        except Odd as odd:
            given = "" if np.isfinite(action).all() else f"; {DIVERGED}"
            raise env_fault(self.env_id, "step", f"{odd}{given}", place=self._place(index)) from error

    def _take_observations(self, who: npt.NDArray[np.bool_] | None = None) -> None:
        """What was observed as agents see it: everywhere, or where `who` is true."""
        rows = slice(None) if who is None else who
        if self._observed is not self._obs:
            with np.errstate(over="ignore"):  # too large for float32 becomes infinity, which is refused
                self._obs[rows] = self._observed[rows]

    def _place(self, index: int) -> str:
        return f"{self._numbering.name(index)}, step {self._num_steps:,}"

    def _common_spaces(self) -> tuple[Box, Box | Discrete]:
        """The spaces that all copies share.

        Raises:
            EnvFault: they differ.
        """
        spaces = [spaces_of(env, self.env_id) for env in self._envs]
        self._action_spaces = [env.action_space for env in self._envs]
        observed, action = spaces[0]
        for index, (other_observed, other_action) in enumerate(spaces):
            if other_observed.shape != observed.shape or other_observed.dtype != observed.dtype:
                what = f"its observation_space is {shown(observed)} in one copy and {shown(other_observed)} in another"
                raise env_fault(self.env_id, "spaces", what, place=self._place_of_copy(index))
            if other_action != action:
                what = f"its action_space is {shown(action)} in one copy and {shown(other_action)} in another"
                raise env_fault(self.env_id, "spaces", what, place=self._place_of_copy(index))
        return observed, action

    def _place_of_copy(self, index: int) -> str:
        return self._numbering.name(index)


def _qpos_and_qvel(env: Any) -> npt.NDArray[np.float64]:
    if any(one.__module__ == MUJOCO_ENV_MODULE for one in type(env).__mro__):
        return np.concatenate([env.data.qpos, env.data.qvel])
    return np.zeros(0)

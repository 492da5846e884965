"""BatchedTask: the nine tasks on mujoco.batch, as a Gymnasium vector environment."""

from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from mujoco.batch import Batch

from rl_teacher.envs.finite import not_finite, require_finite
from rl_teacher.envs.numbering import Numbering
from rl_teacher.envs.snapshots import check_snapshot
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.envs.tasks.mujoco_warnings import CaughtWarnings
from rl_teacher.envs.tasks.starts import episode_generator
from rl_teacher.envs.tasks.task import Entry, Task

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

BAD_STATE = slice(mujoco.mjtWarning.mjWARN_BADQPOS.value, mujoco.mjtWarning.mjWARN_BADCTRL.value + 1)
"""Warnings after which MuJoCo resets a simulation, or its controls, and goes on."""


class BatchedTask(VectorEnv[Array, Array, Array]):
    """`num_envs` copies of a task, stepped together on threads; an ended episode restarts in the same step.

    The arrays that `reset`, `step` and `restore` return are buffers of this object, valid until its next call: copy
    what you keep (and what you hand to a library that does not copy). Episodes end at the limit and nowhere else,
    always as truncations. Results do not depend on the number of threads.

    With `stagger`, the first episode of env i after every `reset` of all is truncated after
    ceil(limit * (i + 1) / num_envs) steps instead of `limit`, so that later resets are spread over time.
    """

    def __init__(
        self,
        task: Task,
        num_envs: int,
        *,
        limit: int,
        seed: int,
        env_id: str,
        num_threads: int = 0,
        stagger: bool = False,
        numbering: Numbering | None = None,
    ) -> None:
        """Load the model; `reset` must follow.

        Args:
            task: which one.
            num_envs: how many simulations, >= 1.
            limit: steps of an episode, >= 1.
            seed: of the starts of all episodes, 0 to 2**64 - 1; `reset(seed=)` replaces it.
            env_id: named in errors.
            num_threads: of MuJoCo; 0 is one per CPU.
            stagger: spread the resets over time, see above.
            numbering: which environments of a run these are; all, unless it is given.
        """
        model = load_model(task.model_file)
        self.task = task
        self.env_id = env_id
        self.num_envs, self._numbering = num_envs, numbering or Numbering(0, num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_fps": task.clip_fps}
        self.single_observation_space = _box(task.observation)
        self.single_action_space = _box(task.action)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        self._batch = Batch(model, num_envs, num_threads)
        self._readout = task.read(self._batch, task.dt)
        self._qpos0: npt.NDArray[np.float64] = model.qpos0.copy()
        self._qpos, self._qvel, self._ctrl = (self._batch.bind(name) for name in ("qpos", "qvel", "ctrl"))
        self._bad_state = self._batch.warning[:, BAD_STATE, 1]
        self._sim_state = _qpos_and_qvel(self._batch)
        self._caught = CaughtWarnings()

        self._limit = limit
        no_stagger = np.full(num_envs, limit, np.int64)
        self._first_limits = self._numbering.first_limits(limit, num_envs) if stagger else no_stagger
        self._seed = seed
        self._num_steps = 0
        self._episodes = np.full(num_envs, -1, np.int64)
        self._limits = self._first_limits.copy()
        self._elapsed = np.zeros(num_envs, np.int64)

        self._obs64 = np.zeros((num_envs, len(task.observation)))
        self._obs = np.zeros(self._obs64.shape, np.float32)
        self._final_obs = np.zeros_like(self._obs)
        self._rewards = np.zeros(num_envs)
        self._truncations = np.zeros(num_envs, np.bool_)
        self._terminations = np.zeros(num_envs, np.bool_)
        self._terminations.flags.writeable = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start a new episode everywhere; with `seed`, the episodes of that seed from the first on.

        Returns:
            Observations float32 (num_envs, obs); no infos.
        """
        if seed is not None:
            self._seed = seed
            self._episodes[:] = -1
        self._start_episodes(np.arange(self.num_envs))
        self._limits[:] = self._first_limits
        self._readout.remember()
        np.copyto(self._obs, self._obs64, casting="same_kind")
        return self._obs, {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Step every environment once; where an episode ended, the next one has begun.

        Args:
            actions: (num_envs, act); MuJoCo clamps them to the bounds.

        Returns:
            Observations float32 (num_envs, obs), those of the new episode where one ended; true rewards float64
            (num_envs,); terminations (all False) and truncations, bool (num_envs,). Where any episode ended, infos has
            `final_obs`, float32 (num_envs, obs): the observations before the resets, and `_final_obs`, who was reset.

        Raises:
            NotFinite: an action, observation or reward is nan or infinite, or a simulation became unstable.
        """
        self._take(np.asarray(actions))
        with self._caught:
            self._batch.step(nstep=self.task.frame_skip)
        self._num_steps += self._numbering.total
        self._readout.write_rewards(self._rewards)
        self._readout.write_observations(self._obs64)
        if self._bad_state.any():
            self._raise_unstable()
        require_finite(self._obs64, self._rewards, self.env_id, self._num_steps, self._numbering)

        self._elapsed += 1
        np.greater_equal(self._elapsed, self._limits, out=self._truncations)
        infos: dict[str, Any] = {}
        if self._truncations.any():
            np.copyto(self._final_obs, self._obs64, casting="same_kind")
            infos = {"final_obs": self._final_obs, "_final_obs": self._truncations}
            self._start_episodes(np.flatnonzero(self._truncations))
        self._readout.remember()
        np.copyto(self._obs, self._obs64, casting="same_kind")
        return self._obs, self._rewards, self._terminations, self._truncations, infos

    def sim_state(self) -> npt.NDArray[np.float64]:
        """[qpos, qvel] of every simulation now, float64 (num_envs, nq + nv): a read-only live view."""
        return self._sim_state

    def snapshot(self) -> Arrays:
        """Copies of everything from which `restore` continues bit for bit, at any number of threads."""
        return {
            "state": self._batch.state.copy(),
            "warning": self._batch.warning.copy(),
            "memory": self._readout.memory.copy(),
            "obs": self._obs.copy(),
            "episodes": self._episodes.copy(),
            "limits": self._limits.copy(),
            "elapsed": self._elapsed.copy(),
            "num_steps": np.array(self._num_steps, np.int64),
            "seed": np.array(self._seed, np.uint64),
        }

    def restore(self, snapshot: Arrays) -> Array:
        """Continue where `snapshot` was taken, by the same task with as many environments.

        Returns:
            The observations of that moment, float32 (num_envs, obs).

        Raises:
            CheckpointError: the snapshot is of another task or another number of environments.
        """
        check_snapshot(snapshot, self.snapshot(), self.env_id)
        self._batch.state[:] = snapshot["state"]
        self._batch.warning[:] = snapshot["warning"]
        self._readout.memory[:] = snapshot["memory"]
        self._obs[:] = snapshot["obs"]
        self._episodes[:] = snapshot["episodes"]
        self._limits[:] = snapshot["limits"]
        self._elapsed[:] = snapshot["elapsed"]
        self._num_steps = int(snapshot["num_steps"])
        self._seed = int(snapshot["seed"])
        return self._obs

    def _take(self, actions: Array) -> None:
        """Copy the actions to the simulations."""
        if self._episodes[0] < 0:
            raise ResetNeeded(f"env '{self.env_id}': step() before reset(). Call reset() first.")
        if actions.shape != self._ctrl.shape:
            raise ValueError(f"env '{self.env_id}': actions have shape {actions.shape}, expected {self._ctrl.shape}.")
        self._ctrl[...] = actions

    def _start_episodes(self, envs: npt.NDArray[np.intp]) -> None:
        """Begin the next episode of the environments `envs`, without disturbing the others; writes `_obs64`."""
        self._batch.reset(envs, stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._episodes[envs] += 1
        for env in envs.tolist():
            rng = episode_generator(self._seed, self._numbering.first + env, int(self._episodes[env]))
            self._qpos[env], self._qvel[env] = self.task.start(rng, self._qpos0, self._qvel.shape[1])
        self._batch.forward(envs)
        self._elapsed[envs] = 0
        self._limits[envs] = self._limit
        self._readout.write_observations(self._obs64)  # unchanged in the other rows

    def _raise_unstable(self) -> None:
        env = int(np.flatnonzero(self._bad_state.any(axis=1))[0])
        bad_actions = np.flatnonzero(~np.isfinite(self._ctrl[env]))
        if len(bad_actions):
            what = f"action[{bad_actions[0]}], which the agent gave, is {self._ctrl[env, bad_actions[0]]}"
        else:
            what = f"MuJoCo reset the simulation, saying: {' '.join(self._caught.messages[:1])}".rstrip(". ")
        raise not_finite(self.env_id, self._numbering.name(env), self._num_steps, what)


def _box(entries: tuple[Entry, ...]) -> Box:
    low = np.array([entry.low for entry in entries], np.float32)
    return Box(low, np.array([entry.high for entry in entries], np.float32), dtype=np.float32)


def _qpos_and_qvel(batch: Batch) -> npt.NDArray[np.float64]:
    """A read-only view of both: they are neighbors in the rows of the state."""
    qpos, qvel = batch.bind("qpos"), batch.bind("qvel")
    start = (qpos.ctypes.data - batch.state.ctypes.data) // batch.state.itemsize
    view: npt.NDArray[np.float64] = batch.state[:, start : start + qpos.shape[1] + qvel.shape[1]]
    view.flags.writeable = False
    return view

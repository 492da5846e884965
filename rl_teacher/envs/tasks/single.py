"""TaskEnv: a task as a single Gymnasium environment, for gymnasium.make('rl_teacher/ShortHopper-v1')."""

import sys
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from rl_teacher.envs.catalog import NAMESPACE, find_task
from rl_teacher.envs.rendering import TaskRenderer
from rl_teacher.envs.tasks.batched import BatchedTask

Array = npt.NDArray[Any]


class TaskEnv(gymnasium.Env[Array, Array]):
    """One simulation of a task. The limit on steps is Gymnasium's TimeLimit wrapper, which gymnasium.make adds."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}

    def __init__(self, task_id: str, render_mode: str | None = None, width: int = 400, height: int = 400) -> None:
        """Load the model.

        Args:
            task_id: canonical id, as 'ShortHopper-v1'.
            render_mode: None, or 'rgb_array' to let `render` draw.
            width: of a frame [pixels].
            height: of a frame [pixels].
        """
        task = find_task(task_id)
        self._sim = BatchedTask(task, 1, limit=sys.maxsize, seed=0, env_id=f"{NAMESPACE}/{task_id}", num_threads=1)
        self._task = task
        self._size = (width, height)
        self._renderer: TaskRenderer | None = None
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": task.clip_fps}
        self.observation_space = self._sim.single_observation_space
        self.action_space = self._sim.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start an episode: the observation, float32 (obs,), and no infos."""
        super().reset(seed=seed)
        observations, _ = self._sim.reset(seed=int(self.np_random.integers(2**63)))
        return observations[0].copy(), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Observation, true reward, False, False and no infos: the episode ends only by its limit."""
        observations, rewards, _, _, _ = self._sim.step(np.asarray(action)[np.newaxis])
        return observations[0].copy(), float(rewards[0]), False, False, {}

    def sim_state(self) -> npt.NDArray[np.float64]:
        """[qpos, qvel] now, (nq + nv,)."""
        return np.array(self._sim.sim_state()[0])

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The state now as a picture, uint8 (height, width, 3); None without a render mode."""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            self._renderer = TaskRenderer(self._task, *self._size)
        return self._renderer.frame(self._sim.sim_state()[0])

    def close(self) -> None:
        """Release the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def make_vector(num_envs: int, task_id: str, max_episode_steps: int) -> BatchedTask:
    """Many simulations of a task, for gymnasium.make_vec; `reset(seed=)` seeds them."""
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    full_id = f"{NAMESPACE}/{task_id}"
    return BatchedTask(find_task(task_id), num_envs, limit=max_episode_steps, seed=seed, env_id=full_id)

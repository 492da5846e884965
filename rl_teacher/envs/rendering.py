"""TaskRenderer: a row of sim_state of a task -> a picture, without a display."""

from types import TracebackType
from typing import Any, Self

import mujoco
import numpy as np
import numpy.typing as npt

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.envs.tasks.task import Task


class TaskRenderer:
    """Draws states of a task with MuJoCo's renderer and the task's camera. Needs EGL or OSMesa (MUJOCO_GL).

    A robot that has run off the drawn floor is moved back by whole tiles of the floor's pattern: the picture is the
    same, and floor and shadow stay.
    """

    def __init__(self, task: Task, width: int, height: int) -> None:
        """Load the model.

        Args:
            task: which one.
            width: of a frame [pixels].
            height: of a frame [pixels].
        """
        self._model = load_model(task.model_file)
        self._data = mujoco.MjData(self._model)
        self._task_camera = task.camera
        self._camera = _mujoco_camera(task.camera)
        self._tile = _floor_tile(self._model) if task.camera.body is not None else None
        visual = self._model.vis.global_
        visual.offwidth, visual.offheight = max(width, visual.offwidth), max(height, visual.offheight)
        self._renderer = mujoco.Renderer(self._model, height, width)

    def frame(self, sim_state: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
        """The picture of one state, uint8 (height, width, 3).

        Args:
            sim_state: [qpos, qvel], (nq + nv,), a row of Envs.sim_state().
        """
        data, nq = self._data, self._model.nq
        data.qpos[:], data.qvel[:] = sim_state[:nq], sim_state[nq:]
        if self._tile is not None:
            _move_back(self._model, data.qpos, self._tile)
        mujoco.mj_forward(self._model, data)
        x, y, z = self._task_camera.lookat
        if self._task_camera.body is not None:
            body_x, body_y, _ = data.body(self._task_camera.body).xpos
            x, y = x + body_x, y + body_y
        self._camera.lookat[:] = x, y, z
        self._renderer.update_scene(data, self._camera)
        picture: npt.NDArray[np.uint8] = self._renderer.render()
        return picture

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _mujoco_camera(camera: Camera) -> Any:
    placed = mujoco.MjvCamera()
    placed.type = mujoco.mjtCamera.mjCAMERA_FREE
    placed.distance, placed.azimuth, placed.elevation = camera.distance, camera.azimuth, camera.elevation
    return placed


def _floor_tile(model: Any) -> tuple[float, float]:
    """Period of the floor's pattern along x and y [m]: it spans the whole floor `texrepeat` times."""
    floor = model.geom("floor")
    repeat_x, repeat_y = model.mat_texrepeat[floor.matid[0]]
    return 2 * floor.size[0] / repeat_x, 2 * floor.size[1] / repeat_y


def _move_back(model: Any, qpos: npt.NDArray[np.float64], tile: tuple[float, float]) -> None:
    """Move the robot by whole tiles to the middle of the floor; its first joints are slides along x, or free."""
    if model.jnt_type[0] == mujoco.mjtJoint.mjJNT_FREE or model.joint(1).axis[1] == 1:
        qpos[1] -= tile[1] * round(qpos[1] / tile[1])
    qpos[0] -= tile[0] * round(qpos[0] / tile[0])

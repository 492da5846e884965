"""Rows of simulator state -> pictures: headless, the same framing for every clip of a task."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import av
import mujoco
import numpy as np
from numpy.typing import NDArray

from rl_teacher.envs.camera import Camera
from rl_teacher.errors import VideoFault
from rl_teacher.video.backend import close_context, open_context
from rl_teacher.video.calm import calm_path
from rl_teacher.video.clip_size import LARGE_PX
from rl_teacher.video.encode import SHRINK
from rl_teacher.video.render_style import DEFAULT_STYLE, RenderStyle, apply_style, set_flags
from rl_teacher.video.stage import add_floor, add_shadows, add_wall, floor_height

_MAX_GEOMS = 2000
_REACH = 0.1
"""How far from the middle of the picture a calm camera lets its body go, in its own distances; the edge is at 0.4."""


class StateRenderer:
    """Draws the states of one model from one camera. Use it in the thread that made it, and close it.

    Args:
        model: a compiled mujoco.MjModel of its own: the style is written into it.
        camera: from where.
        backend: what `choose_backend` said.
    """

    def __init__(
        self,
        model: Any,
        camera: Camera,
        *,
        backend: str,
        width: int = LARGE_PX,
        height: int = LARGE_PX,
        style: RenderStyle = DEFAULT_STYLE,
    ) -> None:
        self.width, self.height = width, height
        self._model, self._camera, self._style = model, camera, style
        self._body = _body_id(model, camera.body)
        drawn_width, drawn_height = round(width * style.supersampling), round(height * style.supersampling)
        self._floors = apply_style(model, style, drawn_width, drawn_height, camera.distance)
        self._data = mujoco.MjData(model)
        self._scene = mujoco.MjvScene(model, maxgeom=_MAX_GEOMS)
        set_flags(self._scene, style)
        self._option = mujoco.MjvOption()
        self._ground = floor_height(model) if style.has_flat_shadows else None
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FREE
        self._view.distance, self._view.azimuth, self._view.elevation = (
            camera.distance,
            camera.azimuth,
            camera.elevation,
        )
        self._rectangle = mujoco.MjrRect(0, 0, drawn_width, drawn_height)
        self._context: Any = open_context(backend, drawn_width, drawn_height)
        self._drawing: Any = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._drawing)
        self._pixels = np.empty((drawn_height, drawn_width, 3), np.uint8)

    def render(self, sim_states: NDArray[np.float64], fps: float | None = None) -> NDArray[np.uint8]:
        """One picture per row.

        Args:
            sim_states: rows [qpos, qvel] of shape (steps, nq + nv).
            fps: rows per second, where they follow each other and the camera is to be calm; None: it looks exactly at
                its body in each.

        Returns:
            RGB of shape (steps, height, width, 3), the top row first.

        Raises:
            VideoFault: the rows have another width than the model, or are not finite.
        """
        large = self.render_large(sim_states, fps)
        if large.shape[1:3] == (self.height, self.width):
            return large
        return np.stack([_shrunk(picture, self.width, self.height) for picture in large])

    def render_large(self, sim_states: NDArray[np.float64], fps: float | None = None) -> NDArray[np.uint8]:
        """The same as `render`, but as large as it is drawn, `style.supersampling` times: an encoder can shrink it."""
        check_states(sim_states, self._model.nq, self._model.nv)
        if self._drawing is None:
            raise VideoFault("StateRenderer.render: the renderer was closed. Make another one.")
        self._context.make_current()
        frames = np.empty((len(sim_states), *self._pixels.shape), np.uint8)
        for frame, row, aim in zip(frames, sim_states, self._aims(sim_states, fps), strict=True):
            self._draw(row, aim)
            mujoco.mjr_readPixels(self._pixels, None, self._rectangle, self._drawing)
            frame[:] = self._pixels[::-1]  # OpenGL's first row is the lowest
        return frames

    def close(self) -> None:
        """Free the OpenGL context; closing twice is fine."""
        if self._drawing is None:
            return
        self._context.make_current()
        self._drawing.free()
        self._drawing = None
        close_context(self._context)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _place(self, row: NDArray[np.float64]) -> None:
        self._data.qpos[:] = row[: self._model.nq]
        self._data.qvel[:] = row[self._model.nq :]
        mujoco.mj_kinematics(self._model, self._data)

    def _aims(self, sim_states: NDArray[np.float64], fps: float | None) -> NDArray[np.float64]:
        """What the camera looks at in each row, (steps, 3) [m]."""
        aims = np.tile(np.asarray(self._camera.lookat, np.float64), (len(sim_states), 1))
        if self._body is not None:
            path = np.empty((len(sim_states), 2))
            for place, row in zip(path, sim_states, strict=True):
                self._place(row)
                place[:] = self._data.xpos[self._body, :2]
            aims[:, :2] += path if fps is None else calm_path(path, fps, _REACH * self._camera.distance)
        return aims

    def _draw(self, row: NDArray[np.float64], aim: NDArray[np.float64]) -> None:
        model, data = self._model, self._data
        self._place(row)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        mujoco.mj_tendon(model, data)
        self._view.lookat[:] = aim
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(model, data, self._option, None, self._view, everything, self._scene)
        for floor in self._floors:
            add_floor(self._scene, floor, self._camera.distance)
        if self._ground is not None:
            add_shadows(self._scene, self._ground)
        if self._style.is_dressed:
            add_wall(self._scene, self._camera.distance, self.width / self.height)
        mujoco.mjr_render(self._rectangle, self._scene, self._drawing)


def check_states(sim_states: NDArray[np.float64], num_positions: int, num_velocities: int) -> None:
    """Raise VideoFault unless `sim_states` are rows that a model with nq = num_positions, nv = num_velocities has."""
    expected = num_positions + num_velocities
    if sim_states.ndim != 2 or sim_states.shape[1] != expected:
        raise VideoFault(
            f"sim_states: got shape {sim_states.shape}, expected (steps, {expected}), nq = {num_positions} plus "
            f"nv = {num_velocities} of the model. Keep rows of [qpos, qvel] of the same model."
        )
    if len(sim_states) == 0:
        raise VideoFault("sim_states: got 0 rows, expected at least 1.")
    bad = np.argwhere(~np.isfinite(sim_states))
    if len(bad):
        row, column = (int(index) for index in bad[0])
        raise VideoFault(
            f"sim_states: row {row}, column {column} is {sim_states[row, column]}, expected finite numbers."
        )


def _shrunk(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    large = av.VideoFrame.from_ndarray(picture, format="rgb24")
    return large.reformat(width, height, interpolation=SHRINK).to_ndarray().astype(np.uint8, copy=False)


def _body_id(model: Any, name: str | None) -> int | None:
    if name is None:
        return None
    body = int(mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name))
    if body < 0:
        names: Sequence[str] = [model.body(index).name for index in range(1, model.nbody)]
        raise VideoFault(f"Camera.body: the model has no body named {name!r}, it has {', '.join(names)}.")
    return body

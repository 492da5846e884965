"""The stage that bodies are seen on: an endless light floor, fog that ends in a pale sky, shadows straight below.

Shadows are black, flattened copies of the bodies (Blinn 1988, Me and my (fake) shadow). Light falls straight down,
so the gap between a foot and its shadow is the foot's height above the ground.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from rl_teacher.video.paint import HIDDEN_GROUP, paint

FOG_START, FOG_END, WALL = 2.0, 7.0, 7.2
"""Distances from the lens, in distances from the lens to what it looks at; the wall must be behind the fog's end."""

_MARKS, _FLOOR = "texgeom", "texplane"  # textures of Gymnasium's models: cross marks on bodies, a black and white floor
_SKY = (0.86, 0.90, 0.95)
_FLOOR_COLORS = ((0.58, 0.63, 0.70), (0.80, 0.84, 0.88))
_PLAIN_FLOOR = (0.96, 0.97, 0.98)  # without a pattern
_LIFT = 0.004  # [m], so that the floor does not flicker through the shadows
_FLATTEN = np.diag([1.0, 1.0, 1e-3])
_SHADOW_RGBA = np.array([0.05, 0.06, 0.10, 0.45], dtype=np.float32)
_THICKNESS = 0.01  # [m]


@dataclass(frozen=True, slots=True)
class Floor:
    """A level floor without an end, drawn as one large box under the camera.

    MuJoCo draws a plane as up to 200 x 200 squares, which in software takes longer than all the rest of a picture.
    """

    height: float
    """Of its upper side [m]."""
    material: int
    """-1 for none."""
    rgba: NDArray[np.float32]
    period: NDArray[np.float64]
    """Along x and y, after which its pattern repeats [m]."""


def dress_model(model: Any, distance: float) -> Sequence[Floor]:
    """Replace sky and light of `model`, whose camera is `distance` [m] away, before OpenGL reads it.

    Returns:
        The floors, which the model no longer shows: `add_floor` draws them.
    """
    model.vis.map.fogstart = FOG_START * distance / model.stat.extent
    model.vis.map.fogend = FOG_END * distance / model.stat.extent
    model.vis.rgba.fog[:] = (*_SKY, 1.0)
    if model.nlight == 0:
        model.vis.headlight.ambient[:] = 0.35
        model.vis.headlight.diffuse[:] = 0.60
    _recolor(model)
    paint(model)
    return [_taken_out(model, int(floor)) for floor in _floors(model)]


def floor_height(model: Any) -> float | None:
    """Height of the highest horizontal floor that does not move [m], None without one."""
    floors = _floors(model)
    return float(model.geom_pos[floors, 2].max()) if floors.size else None


def add_shadows(scene: Any, floor: float) -> None:
    """Append to `scene` a black, flattened copy of everything that moves above `floor` [m]."""
    for index in range(scene.ngeom):
        geom = scene.geoms[index]
        if geom.category != mujoco.mjtCatBit.mjCAT_DYNAMIC or geom.pos[2] < floor or scene.ngeom >= scene.maxgeom:
            continue
        shadow = scene.geoms[scene.ngeom]
        position = np.array([geom.pos[0], geom.pos[1], floor + _LIFT])
        flattened = _FLATTEN @ np.asarray(geom.mat, np.float64).reshape(3, 3)
        mujoco.mjv_initGeom(shadow, geom.type, _size_in_model(geom), position, flattened.ravel(), _SHADOW_RGBA)
        shadow.dataid = geom.dataid
        shadow.category = mujoco.mjtCatBit.mjCAT_DECOR
        shadow.specular = shadow.shininess = 0.0
        scene.ngeom += 1


def add_floor(scene: Any, floor: Floor, distance: float) -> None:
    """Append `floor` to `scene`, whose camera is `distance` [m] away; its pattern stays in its place in the world."""
    if scene.ngeom >= scene.maxgeom:
        return
    lens = np.asarray(scene.camera[0].pos, np.float64)[:2]
    position = np.array([*(np.round(lens / floor.period) * floor.period), floor.height - _THICKNESS])
    half = 1.5 * WALL * distance
    box = scene.geoms[scene.ngeom]
    size = np.array([half, half, _THICKNESS])
    mujoco.mjv_initGeom(box, mujoco.mjtGeom.mjGEOM_BOX, size, position, np.eye(3).ravel(), floor.rgba)
    box.matid = floor.material
    box.specular = box.shininess = 0.0
    box.category = mujoco.mjtCatBit.mjCAT_STATIC
    scene.ngeom += 1


def add_wall(scene: Any, distance: float, aspect: float) -> None:
    """Append to `scene` the wall behind the fog, which fills the picture where nothing else is: the sky.

    Args:
        distance: of the camera [m].
        aspect: width of the picture by its height.
    """
    if scene.ngeom >= scene.maxgeom:
        return
    lens = scene.camera[0]
    forward, up = np.asarray(lens.forward, np.float64), np.asarray(lens.up, np.float64)
    position = np.asarray(lens.pos, np.float64) + WALL * distance * forward
    half = WALL * distance * 1.5 * max(1.0, aspect)
    axes = np.stack([np.cross(forward, up), up, -forward], axis=1)
    color = np.array([*_SKY, 1.0], np.float32)
    wall = scene.geoms[scene.ngeom]
    size = np.array([half, half, 0.01 * distance])
    mujoco.mjv_initGeom(wall, mujoco.mjtGeom.mjGEOM_BOX, size, position, axes.ravel(), color)
    wall.category = mujoco.mjtCatBit.mjCAT_DECOR
    scene.ngeom += 1


def _size_in_model(geom: Any) -> NDArray[np.float64]:
    """As `mjv_initGeom` wants it: of what is long and round a scene has (radius, radius, half length) instead."""
    size = np.asarray(geom.size, np.float64)
    is_long = geom.type in (mujoco.mjtGeom.mjGEOM_CAPSULE, mujoco.mjtGeom.mjGEOM_CYLINDER)
    return size[[0, 2, 1]] if is_long else size


def _floors(model: Any) -> NDArray[np.intp]:
    is_plane = (model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE) & (model.geom_bodyid == 0)
    is_level = np.abs(model.geom_quat[:, 0]) > 0.999
    return np.flatnonzero(is_plane & is_level & (model.geom_group < HIDDEN_GROUP))


def _taken_out(model: Any, floor: int) -> Floor:
    material = int(model.geom_matid[floor])
    rgba, period = np.array([*_PLAIN_FLOOR, 1.0], np.float32), np.ones(2)
    if material >= 0:
        rgba[:] = 1  # the colors are in the pattern
        half_sides = model.geom_size[floor, :2].copy()
        if not model.mat_texuniform[material] and (half_sides > 0).all():
            model.mat_texrepeat[material] /= 2 * half_sides
        model.mat_texuniform[material] = 1  # from here on, texrepeat counts patterns in a meter
        period = 1.0 / np.asarray(model.mat_texrepeat[material], np.float64)
    model.geom_matid[floor] = -1
    model.geom_rgba[floor, 3] = 0
    return Floor(float(model.geom_pos[floor, 2]), material, rgba, period)


def _recolor(model: Any) -> None:
    for index in range(model.ntex):
        if model.tex(index).name == _FLOOR:
            start, num_pixels = model.tex_adr[index], model.tex_height[index] * model.tex_width[index]
            pixels = model.tex_data[start : start + 3 * num_pixels].reshape(num_pixels, 3)
            is_light = pixels.mean(axis=1, keepdims=True) > 100
            dark, light = (np.array(color) * 255 for color in _FLOOR_COLORS)
            pixels[:] = np.where(is_light, light, dark)
    for index in range(model.nmat):
        texture = int(model.mat_texid[index, mujoco.mjtTextureRole.mjTEXROLE_RGB])
        if texture >= 0 and model.tex(texture).name == _MARKS:
            model.mat_texid[index, :] = -1

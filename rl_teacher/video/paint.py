"""Colors and sizes by which everybody tells the parts of a body apart, also those who see no red or no green.

Orange and blue stay apart in every kind of color blindness (Okabe and Ito 2008, Color universal design). Only what is
drawn changes: whoever steps the simulator has a model of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import mujoco

T = TypeVar("T")
Rgb = tuple[float, float, float]

ORANGE: Rgb = (0.74, 0.25, 0.0)
BLUE: Rgb = (0.0, 0.30, 0.85)
DARK: Rgb = (0.13, 0.14, 0.17)
QUIET: Rgb = (0.62, 0.66, 0.72)


@dataclass(frozen=True, slots=True)
class Paint:
    """How a geom is drawn."""

    rgb: Rgb
    radius: float | None = None
    """Of a sphere [m]; None: as it is."""
    lift: float = 0.0
    """How much higher it is drawn than it is [m]: what a camera above is to see is above the rest."""


_LEFT = Paint(BLUE)
PAINTS: Mapping[str, Mapping[str, Paint]] = {
    "reacher": {
        "target": Paint(ORANGE, radius=0.024),
        "fingertip": Paint(BLUE, radius=0.018, lift=0.03),
        **dict.fromkeys(("link0", "link1", "root"), Paint(DARK)),
        **dict.fromkeys(("sideS", "sideE", "sideN", "sideW"), Paint(QUIET)),
    },
    "walker2d": dict.fromkeys(("thigh_left_geom", "leg_left_geom", "foot_left_geom"), _LEFT),
    "humanoid": dict.fromkeys(
        ("left_thigh1", "left_shin1", "left_foot", "left_uarm1", "left_larm", "left_hand"), _LEFT
    ),
    "inverted pendulum": {"cpole": Paint(BLUE), "rail": Paint(DARK)},
    "cartpole": {"cpole": Paint(BLUE), "cpole2": Paint(BLUE), "rail": Paint(DARK)},
}
"""Name of a model -> name of a geom -> its paint."""
HIDDEN: Mapping[str, tuple[str, ...]] = {"cartpole": ("floor",)}
"""Name of a model -> geoms that are left out: this floor is three meters below, and would be a dark band."""
HIDDEN_GROUP = 5
"""Of geoms, one that MuJoCo draws only when asked to."""


def paint(model: Any) -> None:
    """Write colors and sizes into `model`, before OpenGL reads it; geoms that it does not have are left out."""
    name = bytes(model.names).split(b"\0", 1)[0].decode()
    for geom, wanted in _found(model, PAINTS.get(name, {})):
        model.geom_rgba[geom] = (*wanted.rgb, 1.0)
        model.geom_matid[geom] = -1  # a material's color would win
        if wanted.lift:
            model.geom_pos[geom, 2] += wanted.lift
            model.geom_sameframe[geom] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE  # else its position is not looked at
        if wanted.radius is not None:
            model.geom_size[geom, 0] = wanted.radius
    for geom, _ in _found(model, dict.fromkeys(HIDDEN.get(name, ()))):
        model.geom_group[geom] = HIDDEN_GROUP


def _found(model: Any, by_name: Mapping[str, T]) -> Iterator[tuple[int, T]]:
    """Those of `by_name` that are geoms of `model`, by their numbers."""
    for name, value in by_name.items():
        geom = int(mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, name))
        if geom >= 0:
            yield geom, value

"""RenderStyle: what pictures are drawn with, and what that costs on a machine without a GPU.

Shadow maps, multisampling, reflections and the sky are what makes MuJoCo's default slow in software. Flattened
copies of the bodies as shadows, and fog with a wall behind it as sky, cost almost nothing (benchmarks/render.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco

from rl_teacher.errors import VideoFault
from rl_teacher.video.stage import Floor, dress_model


@dataclass(frozen=True, slots=True)
class RenderStyle:
    """How a scene is drawn."""

    supersampling: float = 1.125
    """The picture is drawn this many times larger on each side, then averaged down, >= 1."""
    num_samples: int = 0
    """Multisampling, 0 for none; Mesa's llvmpipe knows only 4, at more than twice the time."""
    shadow_map_px: int = 0
    """Side of the shadow map, 0 for no shadow map [pixels]."""
    has_flat_shadows: bool = True
    """Whether each body drops a flattened shadow straight down to the floor."""
    has_reflections: bool = False
    """Whether the floor mirrors."""
    is_dressed: bool = True
    """Whether floor, sky, light and marks of the model are replaced by our own (stage.py)."""
    num_slices: int = 16
    """Flat faces around a cylinder, capsule or sphere."""

    def __post_init__(self) -> None:
        if not 1 <= self.supersampling <= 4:
            raise VideoFault(f"RenderStyle.supersampling: got {self.supersampling!r}, expected 1 to 4.")


DEFAULT_STYLE = RenderStyle()
"""The one that all clips have."""
MUJOCO_STYLE = RenderStyle(
    supersampling=1.0,
    num_samples=4,
    shadow_map_px=4096,
    has_flat_shadows=False,
    has_reflections=True,
    is_dressed=False,
    num_slices=28,
)
"""MuJoCo's own defaults, to compare with."""


def apply_style(model: Any, style: RenderStyle, width: int, height: int, distance: float) -> Sequence[Floor]:
    """Write into `model` what OpenGL reads when its context is made; later it has no effect.

    Args:
        width: of the picture that is drawn [pixels].
        height: the same [pixels].
        distance: of the camera [m]; the fog begins behind what it looks at.

    Returns:
        Floors that are to be drawn by hand.
    """
    model.vis.quality.offsamples = style.num_samples
    model.vis.quality.shadowsize = style.shadow_map_px
    model.vis.quality.numslices = style.num_slices
    model.vis.quality.numstacks = max(4, style.num_slices * 16 // 28)
    model.vis.global_.offwidth = width
    model.vis.global_.offheight = height
    return dress_model(model, distance) if style.is_dressed else []


def set_flags(scene: Any, style: RenderStyle) -> None:
    """Set in `scene` what is read at every frame."""
    flag = mujoco.mjtRndFlag
    scene.flags[flag.mjRND_SHADOW] = style.shadow_map_px > 0
    scene.flags[flag.mjRND_REFLECTION] = style.has_reflections
    scene.flags[flag.mjRND_SKYBOX] = not style.is_dressed
    scene.flags[flag.mjRND_HAZE] = not style.is_dressed
    scene.flags[flag.mjRND_FOG] = style.is_dressed

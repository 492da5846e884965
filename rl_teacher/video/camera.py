"""Camera: from where a clip is filmed, and the views of the models that we know."""

from dataclasses import dataclass
from typing import Any

from rl_teacher.errors import VideoFault


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that follows a body across the ground and never up or down, so that hops and falls can be seen.

    It looks at (x of the body + lookat[0], y of the body + lookat[1], lookat[2]); with `body` None at `lookat`.
    The fields are those of `envs.camera.Camera`: a task's camera is this one, field by field.
    """

    body: str | None = None
    """Name of the body to follow, or None for a camera that stands still."""
    lookat: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What the middle of the picture shows: x and y relative to the body, z above the ground [m]."""
    distance: float = 4.0
    """From the lens to that point, above 0 [m]."""
    azimuth: float = 90.0
    """Direction of view around the vertical axis [degrees]; 90 looks along +y, with +x to the right."""
    elevation: float = -20.0
    """Direction of view against the horizontal [degrees]; negative looks down."""

    def __post_init__(self) -> None:
        if not self.distance > 0:
            raise VideoFault(f"Camera.distance: got {self.distance!r}, expected a length above 0 [m].")


CAMERAS = {
    "hopper": Camera("torso", (0.0, 0.0, 0.75), distance=3.4, elevation=-10.0),
    "walker2d": Camera("torso", (0.0, 0.0, 0.8), distance=3.4, elevation=-10.0),
    "half_cheetah": Camera("torso", (0.0, 0.0, 0.6), distance=3.6, elevation=-12.0),
    "cheetah": Camera("torso", (0.0, 0.0, 0.6), distance=3.6, elevation=-12.0),
    "swimmer": Camera("torso", (0.0, 0.0, 0.0), distance=5.5, elevation=-50.0),
    "ant": Camera("torso", (0.0, 0.0, 0.5), distance=5.0, elevation=-22.0),
    "humanoid": Camera("torso", (0.0, 0.0, 0.9), distance=4.0, elevation=-12.0),
    "reacher": Camera(None, (0.0, 0.0, 0.0), distance=0.85, elevation=-89.0),
    "inverted_pendulum": Camera(None, (0.0, 0.0, 0.2), distance=2.4, elevation=-8.0),
    "inverted_double_pendulum": Camera(None, (0.0, 0.0, 0.4), distance=3.6, elevation=-8.0),
    "cartpole": Camera(None, (0.0, 0.0, 0.4), distance=3.6, elevation=-8.0),
}
"""By the name that a model gives itself (`<mujoco model="...">`), in lower case with underscores."""


def default_camera(name: str, model: Any) -> Camera:
    """The camera of the model called `name`; for an unknown one, a view that follows its first moving body.

    Args:
        name: what the model is called, e.g. the stem of its file; case and spaces do not matter.
        model: the compiled mujoco.MjModel, asked for its size and bodies when the name is unknown.
    """
    known = CAMERAS.get(name.lower().replace(" ", "_").replace("-", "_"))
    if known is not None:
        return known
    body = next((i for i in range(1, model.nbody) if model.body_dofnum[i] > 0), None)
    follows = body is not None and model.body_dofnum[body] >= 3  # moves freely in a plane, or in space
    center = model.stat.center
    lookat = (0.0, 0.0, float(center[2])) if follows else (float(center[0]), float(center[1]), float(center[2]))
    return Camera(model.body(body).name or None if follows else None, lookat, distance=1.5 * float(model.stat.extent))

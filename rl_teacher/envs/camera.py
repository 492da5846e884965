"""Camera: from where a task is filmed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that follows a body across the ground and never up or down, so that hops and falls can be seen.

    It looks at the point (x of the body + lookat[0], y of the body + lookat[1], lookat[2]); without a body at `lookat`.
    """

    body: str | None
    """Name of the body to follow, or None for a camera that stands still."""
    lookat: tuple[float, float, float]
    """What the middle of the picture shows: x and y relative to the body, z above the ground [m]."""
    distance: float
    """From the lens to that point [m]."""
    azimuth: float = 90.0
    """Direction of view around the vertical axis [degrees]; 90 looks along +y, with +x to the right."""
    elevation: float = -20.0
    """Direction of view against the horizontal [degrees]; negative looks down."""

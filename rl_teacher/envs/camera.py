"""Camera: from where a task is drawn."""

from dataclasses import dataclass

from rl_teacher.errors import VideoFault


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that follows a body across the ground and never up or down, so that hops and falls can be seen.

    It looks at the point (x of the body + lookat[0], y of the body + lookat[1], lookat[2]); without a body at `lookat`.

    Raises:
        VideoFault: a distance that is not above 0.
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

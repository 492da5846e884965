"""EnvSpec: what must be known of an environment before agents, clips and questions can be made for it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EnvSpec:
    """What must be known of an environment before it is built."""

    env_id: str
    """As the user wrote it."""
    canonical_id: str
    """'ShortHopper-v1' for tasks, the Gymnasium id otherwise."""
    is_task: bool
    """One of the nine tasks."""
    horizon: int | None
    """Most steps of an episode; None: unlimited."""
    is_fixed_horizon: bool
    """Episodes end nowhere else than at the horizon."""
    clip_fps: int
    """Frames per second of a clip, one frame a step."""
    dt: float | None
    """Simulated time of a step [s], where known."""
    turns: tuple[int, ...] = field(default=(), kw_only=True)
    """Numbers of an observation that are angles of what can turn all the way round [rad]."""
    shows_pictures: bool = field(default=False, kw_only=True)
    """Observations are pictures: bytes, (height, width, channels)."""
    description: str
    """One line for the start-up message: which environment was chosen, and why."""

"""EnvSpec: what must be known of an environment before agents, clips and questions can be made for it."""

from dataclasses import dataclass, field
from typing import Literal

EnvKind = Literal["task", "gymnasium", "pictures", "atari", "minatar"]


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
    kind: EnvKind = field(default="gymnasium", kw_only=True)
    """How it is made: one of the nine tasks; Gymnasium's as it stands, or with its pictures made ready for agents
    (`envs/pictures/`); a game whose ends and score are hidden (`envs/games/`)."""
    frame_stack: int = field(default=1, kw_only=True)
    """Frames in an observation, on its last axis, the oldest first. 1 also where the environment stacks them itself."""
    pixel_aspect: tuple[int, int] = field(default=(1, 1), kw_only=True)
    """Width of a clip's pixel by its height, where these are shown as on an old television."""
    clip_steps: int | None = field(default=None, kw_only=True)
    """Steps of a clip where nobody says how long it is; None: those of 1.5 s."""
    description: str
    """One line for the start-up message: which environment was chosen, and why."""

    @property
    def is_game(self) -> bool:
        """Whether it is an endless game, whose ends are hidden."""
        return self.kind in ("atari", "minatar")

    @property
    def shows_pictures(self) -> bool:
        """Whether observations are pictures: bytes, (height, width, channels)."""
        return self.kind in ("pictures", "atari", "minatar")

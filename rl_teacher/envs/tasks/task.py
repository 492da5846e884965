"""Task: what a file such as hopper.py says about its task, as data and three short functions."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.camera import Camera

if TYPE_CHECKING:
    from mujoco.batch import Batch

Floats = npt.NDArray[np.float64]

MODELS = Path(__file__).parents[1] / "models"
"""Folder of the MuJoCo models; here, as whoever names one need not load MuJoCo."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of an observation or of an action."""

    name: str
    unit: str
    low: float = -math.inf
    high: float = math.inf
    turns: bool = False
    """Whether it is the angle of what can turn all the way round, so that 0 and 2 pi look alike."""


class Readout(Protocol):
    """Reads rewards and observations of all environments from live views of the batch, into buffers it is given.

    BatchedTask calls, in every step: `write_rewards`, `write_observations`, and, when ended episodes were reset,
    `remember`. All fields are those that MuJoCo computed for the last substep, as in Gymnasium.
    """

    memory: Floats
    """(num_envs, any): what the next reward needs of the state before the step. Part of every snapshot."""

    def remember(self) -> None:
        """Update `memory` to the state as it is now."""

    def write_rewards(self, out: Floats) -> None:
        """Write the true rewards of the step just made to `out`, (num_envs,)."""

    def write_observations(self, out: Floats) -> None:
        """Write the observations of the state as it is now to `out`, (num_envs, obs)."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task: its data sheet, and how to start, reward and observe it."""

    name: str
    """As in the canonical id: 'Hopper' of 'Hopper-v1'."""
    aim: str
    """One sentence: what the robot is, and what the true reward wants of it."""
    sentence: str
    """What people who teach it are told, if nobody says it in other words; colors and sides as in its clips."""
    reward_text: str
    """The true reward in closed form; a prime marks the state after the step."""
    start_text: str
    """How an episode starts."""
    model_file: str
    """MuJoCo model in models/."""
    frame_skip: int
    """MuJoCo steps per environment step."""
    timestep: float
    """Simulated time of a MuJoCo step [s], as in the model."""
    horizon: int
    """Steps of an episode; it ends nowhere else."""
    short_horizon: int
    """The same for the Short form."""
    clip_fps: int
    """Frames per second of a clip, one frame a step."""
    camera: Camera
    """From where clips are filmed."""
    observation: tuple[Entry, ...]
    """Every entry of an observation."""
    action: tuple[Entry, ...]
    """Every entry of an action; MuJoCo clamps to low and high."""
    start: Callable[[np.random.Generator, Floats, int], tuple[Floats, Floats]]
    """(generator, model's qpos0, number of velocities) -> (qpos, qvel) at the start of an episode."""
    read: Callable[["Batch", float], Readout]
    """(batch, dt) -> what reads its rewards and observations."""

    @property
    def dt(self) -> float:
        """Simulated time of an environment step [s]."""
        return self.timestep * self.frame_skip


def entries(unit: str, *names: str, limit: float = math.inf, turns: bool = False) -> tuple[Entry, ...]:
    """Entries that share a unit, the range ± limit, and whether they turn all the way round."""
    return tuple(Entry(name, unit, -limit, limit, turns) for name in names)

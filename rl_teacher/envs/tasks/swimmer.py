"""Swimmer: three links in a viscous fluid that swim."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.starts import uniform_start
from rl_teacher.envs.tasks.task import Task, entries

if TYPE_CHECKING:
    from mujoco.batch import Batch

Floats = npt.NDArray[np.float64]


class SwimmerReadout:
    """Rewards and observations of Swimmer."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._x, self._angles = qpos[:, 0], qpos[:, 2:]
        self._dt = dt
        self.memory: Floats = np.zeros((batch.nsim, 1))
        self._x_before = self.memory[:, 0]

    def remember(self) -> None:
        """Keep x."""
        np.copyto(self._x_before, self._x)

    def write_rewards(self, out: Floats) -> None:
        """(x' − x)/dt."""
        np.subtract(self._x, self._x_before, out=out)
        np.divide(out, self._dt, out=out)

    def write_observations(self, out: Floats) -> None:
        """qpos[2:5], qvel."""
        out[:, :3] = self._angles
        out[:, 3:] = self._qvel


TASK = Task(
    name="Swimmer",
    aim="Three links in a viscous fluid, seen from above: swim to the right as fast as possible.",
    reward_text="(x′ − x)/dt, with x = qpos[0], the position of the front link",
    start_text="stretched out; every entry of qpos and qvel ± uniform(0.1)",
    model_file="swimmer.xml",
    frame_skip=4,
    timestep=0.01,
    horizon=1000,
    short_horizon=300,
    clip_fps=40,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.0), distance=6.0, elevation=-60.0),
    observation=(
        *entries("rad", "angle of the front link", "angle of the first joint", "angle of the second joint"),
        *entries("m/s", "velocity of the front link along x", "velocity of the front link along y"),
        *entries("rad/s", "angular velocity of the front link", "angular velocity of the first joint"),
        *entries("rad/s", "angular velocity of the second joint"),
    ),
    action=entries("x 150 N m", "torque at the first joint", "torque at the second joint", limit=1.0),
    start=partial(uniform_start, scale=0.1),
    read=SwimmerReadout,
)

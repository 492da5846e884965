"""Hopper: a one-legged robot that hops forward."""

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

MAX_SPEED = 10.0
"""Velocities are observed clipped to this [m/s, rad/s]."""


class HopperReadout:
    """Rewards and observations of Hopper."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._x, self._z, self._pose = qpos[:, 0], qpos[:, 1], qpos[:, 1:]
        self._dt = dt
        self.memory: Floats = np.zeros((batch.nsim, 1))
        self._x_before = self.memory[:, 0]

    def remember(self) -> None:
        """Keep x."""
        np.copyto(self._x_before, self._x)

    def write_rewards(self, out: Floats) -> None:
        """(x' − x)/dt + z'."""
        np.subtract(self._x, self._x_before, out=out)
        np.divide(out, self._dt, out=out)
        np.add(out, self._z, out=out)

    def write_observations(self, out: Floats) -> None:
        """qpos[1:6], clip(qvel, ±10)."""
        out[:, :5] = self._pose
        velocities = out[:, 5:]
        np.maximum(self._qvel, -MAX_SPEED, out=velocities)
        np.minimum(velocities, MAX_SPEED, out=velocities)


TASK = Task(
    name="Hopper",
    aim="A one-legged robot: hop forward as fast as possible, and stand tall.",
    reward_text="(x′ − x)/dt + z′, with x = qpos[0] and z = qpos[1], the position of the torso",
    start_text="standing; every entry of qpos and qvel ± uniform(0.005)",
    model_file="hopper.xml",
    frame_skip=4,
    timestep=0.002,
    horizon=1000,
    short_horizon=300,
    clip_fps=40,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.8), distance=4.0, elevation=-10.0),
    observation=entries("m", "height of the torso")
    + entries("rad", "angle of the torso", "angle of the thigh", "angle of the leg", "angle of the foot")
    + entries("m/s", "forward velocity of the torso", "upward velocity of the torso", limit=MAX_SPEED)
    + entries(
        "rad/s",
        "angular velocity of the torso",
        "angular velocity of the thigh",
        "angular velocity of the leg",
        "angular velocity of the foot",
        limit=MAX_SPEED,
    ),
    action=entries("x 200 N m", "torque at the thigh", "torque at the leg", "torque at the foot", limit=1.0),
    start=partial(uniform_start, scale=0.005),
    read=HopperReadout,
)

"""HalfCheetah: a two-legged cheetah in the plane that runs."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.starts import normal_start
from rl_teacher.envs.tasks.task import Entry, Task, entries

if TYPE_CHECKING:
    from mujoco.batch import Batch

Floats = npt.NDArray[np.float64]

GEARS = {"back thigh": 120, "back shin": 90, "back foot": 60, "front thigh": 120, "front shin": 60, "front foot": 30}
"""Joint -> torque of a full action [N m]."""


class HalfCheetahReadout:
    """Rewards and observations of HalfCheetah."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._x, self._pose = qpos[:, 0], qpos[:, 1:]
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
        """qpos[1:9], qvel."""
        out[:, :8] = self._pose
        out[:, 8:] = self._qvel


TASK = Task(
    name="HalfCheetah",
    aim="Half a cheetah, in the plane: run forward as fast as possible.",
    reward_text="(x′ − x)/dt, with x = qpos[0], the position of the torso",
    start_text="standing; every entry of qpos ± uniform(0.1), of qvel normal with standard deviation 0.1",
    model_file="half_cheetah.xml",
    frame_skip=5,
    timestep=0.01,
    horizon=1000,
    short_horizon=300,
    clip_fps=20,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.5), distance=4.0, elevation=-10.0),
    observation=entries("m", "height of the torso")
    + entries("rad", "angle of the torso", *(f"angle of the {joint}" for joint in GEARS))
    + entries("m/s", "forward velocity of the torso", "upward velocity of the torso")
    + entries("rad/s", "angular velocity of the torso", *(f"angular velocity of the {joint}" for joint in GEARS)),
    action=tuple(Entry(f"torque at the {joint}", f"x {gear} N m", -1.0, 1.0) for joint, gear in GEARS.items()),
    start=partial(normal_start, scale=0.1),
    read=HalfCheetahReadout,
)

"""Ant: a four-legged robot that walks."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.starts import normal_start
from rl_teacher.envs.tasks.task import Task, entries

if TYPE_CHECKING:
    from mujoco.batch import Batch

Floats = npt.NDArray[np.float64]

JOINTS = tuple(f"{part} {leg}" for leg in (1, 2, 3, 4) for part in ("hip", "ankle"))
"""In the order of qpos."""
ACTUATORS = tuple(f"{part} {leg}" for leg in (4, 1, 2, 3) for part in ("hip", "ankle"))
"""In the order of the model's actuators."""


class AntReadout:
    """Rewards and observations of Ant."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._z, self._pose = qpos[:, 2], qpos[:, 2:]
        self._x = batch.bind("xpos")[:, batch.model.body("torso").id, 0]
        self._dt = dt
        self.memory: Floats = np.zeros((batch.nsim, 1))
        self._x_before = self.memory[:, 0]

    def remember(self) -> None:
        """Keep x of the torso, as of the last substep; it cannot be computed from qpos afterwards."""
        np.copyto(self._x_before, self._x)

    def write_rewards(self, out: Floats) -> None:
        """(x' − x)/dt + z' − 1.2."""
        np.subtract(self._x, self._x_before, out=out)
        np.divide(out, self._dt, out=out)
        np.add(out, self._z, out=out)
        np.subtract(out, 1.2, out=out)

    def write_observations(self, out: Floats) -> None:
        """qpos[2:15], qvel."""
        out[:, :13] = self._pose
        out[:, 13:] = self._qvel


TASK = Task(
    name="Ant",
    aim="A robot with four legs: walk to the right as fast as possible, and stay off the ground.",
    sentence="Walk to the right, as fast as you can",
    reward_text="(X′ − X)/dt + z′ − 1.2, with X = x of xpos of the body torso and z = qpos[2]",
    start_text=(
        "standing; every entry of qpos ± uniform(0.1), the quaternion too and not normalized; qvel normal with "
        "standard deviation 0.1"
    ),
    model_file="ant.xml",
    frame_skip=5,
    timestep=0.01,
    horizon=1000,
    short_horizon=300,
    clip_fps=20,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.3), distance=5.0, elevation=-25.0),
    observation=(
        *entries("m", "height of the torso"),
        *entries("1", *(f"{part} of the torso's orientation quaternion" for part in "wxyz")),
        *entries("rad", *(f"angle of {joint}" for joint in JOINTS)),
        *entries("m/s", *(f"velocity of the torso along {axis}" for axis in "xyz")),
        *entries("rad/s", *(f"angular velocity of the torso around its {axis}" for axis in "xyz")),
        *entries("rad/s", *(f"angular velocity of {joint}" for joint in JOINTS)),
    ),
    action=entries("x 150 N m", *(f"torque at {joint}" for joint in ACTUATORS), limit=1.0),
    start=partial(normal_start, scale=0.1),
    read=AntReadout,
)

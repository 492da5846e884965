"""Humanoid: a robot with the shape of a person that walks."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.starts import uniform_start
from rl_teacher.envs.tasks.task import Entry, Task, entries

if TYPE_CHECKING:
    from mujoco.batch import Batch

Floats = npt.NDArray[np.float64]

JOINTS = (
    *("abdomen z", "abdomen y", "abdomen x"),
    *(f"{side} {joint}" for side in ("right", "left") for joint in ("hip x", "hip z", "hip y", "knee")),
    *(f"{side} {joint}" for side in ("right", "left") for joint in ("shoulder 1", "shoulder 2", "elbow")),
)
"""In the order of qpos."""
GEARS = (
    *(("abdomen y", 100), ("abdomen z", 100), ("abdomen x", 100)),
    *((f"{side} {joint}", gear) for side in ("right", "left") for joint, gear in zip(
        ("hip x", "hip z", "hip y", "knee"), (100, 100, 300, 200), strict=True)),
    *((f"{side} {joint}", 25) for side in ("right", "left") for joint in ("shoulder 1", "shoulder 2", "elbow")),
)  # fmt: skip
"""Joint and torque of an action of 1 [N m], in the order of the model's actuators."""
BODIES = (
    *("world", "torso", "waist", "pelvis"),
    *(f"{side} {part}" for side in ("right", "left") for part in ("thigh", "shin", "foot")),
    *(f"{side} {part}" for side in ("right", "left") for part in ("upper arm", "lower arm")),
)
INERTIA = (
    *(("kg m²", f"inertia {axes}") for axes in ("xx", "yy", "zz", "xy", "xz", "yz")),
    *(("kg m", f"mass times offset {axis}") for axis in "xyz"),
    ("kg", "mass"),
)
"""Unit and name of MuJoCo's cinert of a body."""
VELOCITY = (
    *(("rad/s", f"angular velocity {axis}") for axis in "xyz"),
    *(("m/s", f"velocity {axis}") for axis in "xyz"),
)
"""Unit and name of MuJoCo's cvel of a body."""


class HumanoidReadout:
    """Rewards and observations of Humanoid."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._z, self._pose = qpos[:, 2], qpos[:, 2:]
        self._x = batch.bind("subtree_com")[:, 0, 0]
        self._inertias = batch.bind("cinert").reshape(batch.nsim, -1)
        self._velocities = batch.bind("cvel").reshape(batch.nsim, -1)
        self._actuator_forces = batch.bind("qfrc_actuator")
        self._dt = dt
        self.memory: Floats = np.zeros((batch.nsim, 1))
        self._x_before = self.memory[:, 0]
        self._height_term: Floats = np.zeros(batch.nsim)

    def remember(self) -> None:
        """Keep x of the center of mass, as of the last substep; it cannot be computed from qpos afterwards."""
        np.copyto(self._x_before, self._x)

    def write_rewards(self, out: Floats) -> None:
        """1.25 (x' − x)/dt + 5 (z' − 1)."""
        np.subtract(self._x, self._x_before, out=out)
        np.divide(out, self._dt, out=out)
        np.multiply(out, 1.25, out=out)
        np.subtract(self._z, 1.0, out=self._height_term)
        np.multiply(self._height_term, 5.0, out=self._height_term)
        np.add(out, self._height_term, out=out)

    def write_observations(self, out: Floats) -> None:
        """qpos[2:24], qvel, cinert, cvel, qfrc_actuator."""
        out[:, 0:22] = self._pose
        out[:, 22:45] = self._qvel
        out[:, 45:185] = self._inertias
        out[:, 185:269] = self._velocities
        out[:, 269:292] = self._actuator_forces


TASK = Task(
    name="Humanoid",
    aim="A robot with the shape of a person: walk to the right as fast as possible, and stand tall.",
    sentence="Walk upright to the right, as fast as you can",
    reward_text="1.25·(C′ − C)/dt + 5·(z′ − 1), with C = x of the whole body's center of mass and z = qpos[2]",
    start_text="standing; every entry of qpos and qvel ± uniform(0.01)",
    model_file="humanoid.xml",
    frame_skip=5,
    timestep=0.003,
    horizon=1000,
    short_horizon=300,
    clip_fps=40,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.8), distance=4.5, elevation=-15.0),
    observation=(
        *entries("m", "height of the torso"),
        *entries("1", *(f"{part} of the torso's orientation quaternion" for part in "wxyz")),
        *entries("rad", *(f"angle of {joint}" for joint in JOINTS)),
        *entries("m/s", *(f"velocity of the torso along {axis}" for axis in "xyz")),
        *entries("rad/s", *(f"angular velocity of the torso around its {axis}" for axis in "xyz")),
        *entries("rad/s", *(f"angular velocity of {joint}" for joint in JOINTS)),
        *(Entry(f"{name} of the {body}", unit) for body in BODIES for unit, name in INERTIA),
        *(Entry(f"{name} of the {body}", unit) for body in BODIES for unit, name in VELOCITY),
        *entries("N", *(f"actuator force on the torso along {axis} (always 0)" for axis in "xyz")),
        *entries("N m", *(f"actuator torque on the torso around its {axis} (always 0)" for axis in "xyz")),
        *entries("N m", *(f"actuator torque at {joint}" for joint in JOINTS)),
    ),
    action=tuple(Entry(f"torque at {joint}", f"x {gear} N m", -0.4, 0.4) for joint, gear in GEARS),
    start=partial(uniform_start, scale=0.01),
    read=HumanoidReadout,
)

"""Reacher: an arm with two joints that reaches for a target."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.task import Task, entries

if TYPE_CHECKING:
    from mujoco.batch import Batch

Floats = npt.NDArray[np.float64]

TARGET_RADIUS = 0.2
"""Targets lie within this distance of the shoulder [m]."""


class ReacherReadout:
    """Rewards and observations of Reacher."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        qpos, qvel, xpos = batch.bind("qpos"), batch.bind("qvel"), batch.bind("xpos")
        self._angles, self._target, self._velocities = qpos[:, :2], qpos[:, 2:], qvel[:, :2]
        self._tip_xpos = xpos[:, batch.model.body("fingertip").id]
        self._target_xpos = xpos[:, batch.model.body("target").id]
        self.memory: Floats = np.zeros((batch.nsim, 3))
        self._square: Floats = np.zeros((batch.nsim, 3))

    def remember(self) -> None:
        """Keep tip − target: the reward is that of the state before the step."""
        np.subtract(self._tip_xpos, self._target_xpos, out=self.memory)

    def write_rewards(self, out: Floats) -> None:
        """−‖tip − target‖ of the state before the step."""
        np.square(self.memory, out=self._square)
        np.sum(self._square, axis=1, out=out)
        np.sqrt(out, out=out)
        np.negative(out, out=out)

    def write_observations(self, out: Floats) -> None:
        """cos q, sin q, target, velocities of the arm, tip − target."""
        np.cos(self._angles, out=out[:, 0:2])
        np.sin(self._angles, out=out[:, 2:4])
        out[:, 4:6] = self._target
        out[:, 6:8] = self._velocities
        np.subtract(self._tip_xpos, self._target_xpos, out=out[:, 8:])


def start(rng: np.random.Generator, qpos0: Floats, num_velocities: int) -> tuple[Floats, Floats]:
    """The arm nearly stretched out and nearly at rest, the target anywhere in its disk. Source: reacher_v4.py."""
    qpos = qpos0 + rng.uniform(-0.1, 0.1, qpos0.size)
    target = rng.uniform(-TARGET_RADIUS, TARGET_RADIUS, 2)
    while np.hypot(target[0], target[1]) >= TARGET_RADIUS:
        target = rng.uniform(-TARGET_RADIUS, TARGET_RADIUS, 2)
    qpos[2:] = target
    qvel = rng.uniform(-0.005, 0.005, num_velocities)
    qvel[2:] = 0
    return qpos, qvel


TASK = Task(
    name="Reacher",
    aim="An arm with two joints, seen from above: bring the fingertip to the target and keep it there.",
    sentence="Bring the blue tip to the orange ball and keep it there",
    reward_text="−‖xpos of the body fingertip − xpos of the body target‖₂, of the state before the step",
    start_text=(
        "stretched out; qpos of the arm ± uniform(0.1), its qvel ± uniform(0.005); the target at rest and uniform in "
        "the square [−0.2, 0.2]², redrawn until its distance from the shoulder is below 0.2"
    ),
    model_file="reacher.xml",
    frame_skip=2,
    timestep=0.01,
    horizon=50,
    short_horizon=20,
    clip_fps=10,
    camera=Camera(None, lookat=(0.0, 0.0, 0.0), distance=0.85, azimuth=90.0, elevation=-90.0),
    observation=(
        *entries("1", "cosine of the shoulder angle", "cosine of the elbow angle", limit=1.0),
        *entries("1", "sine of the shoulder angle", "sine of the elbow angle", limit=1.0),
        *entries("m", "x of the target", "y of the target"),
        *entries("rad/s", "angular velocity of the shoulder", "angular velocity of the elbow"),
        *entries("m", "x of tip − target", "y of tip − target", "z of tip − target (always 0)"),
    ),
    action=entries("x 200 N m", "torque at the shoulder", "torque at the elbow", limit=1.0),
    start=start,
    read=ReacherReadout,
)

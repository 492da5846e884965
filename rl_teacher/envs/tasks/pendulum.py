"""Pendulum: a pole on a cart that is kept upright."""

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


class PendulumReadout:
    """Rewards and observations of Pendulum."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        self._qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._angle = self._qpos[:, 1]
        self.memory: Floats = np.zeros((batch.nsim, 0))

    def remember(self) -> None:
        """Nothing: the reward is of the state after the step alone."""

    def write_rewards(self, out: Floats) -> None:
        """1 − angle'²."""
        np.square(self._angle, out=out)
        np.subtract(1.0, out, out=out)

    def write_observations(self, out: Floats) -> None:
        """Everything: qpos, qvel."""
        out[:, :2] = self._qpos
        out[:, 2:] = self._qvel


TASK = Task(
    name="Pendulum",
    aim="A pole on a cart: keep it upright.",
    sentence="Keep the pole upright",
    reward_text="1 − θ′², with θ = qpos[1], the angle of the pole",
    start_text="nearly upright; every entry of qpos and qvel ± uniform(0.01)",
    model_file="inverted_pendulum.xml",
    frame_skip=2,
    timestep=0.02,
    horizon=25,
    short_horizon=25,
    clip_fps=10,
    camera=Camera(None, lookat=(0.0, 0.0, 0.1), distance=2.6, elevation=-10.0),
    observation=(
        *entries("m", "position of the cart"),
        *entries("rad", "angle of the pole, 0 upright"),
        *entries("m/s", "velocity of the cart"),
        *entries("rad/s", "angular velocity of the pole"),
    ),
    action=entries("x 100 N", "force on the cart", limit=3.0),
    start=partial(uniform_start, scale=0.01),
    read=PendulumReadout,
)

"""DoublePendulum: two poles on a cart, one on top of the other, that are kept upright."""

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

CLIP = 10.0
"""Velocities and constraint forces are observed clipped to this."""


class DoublePendulumReadout:
    """Rewards and observations of DoublePendulum."""

    def __init__(self, batch: "Batch", dt: float) -> None:
        qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._cart, self._angles = qpos[:, :1], qpos[:, 1:]
        self._forces = batch.bind("qfrc_constraint")
        tip = batch.bind("site_xpos")[:, 0]
        self._x, self._y = tip[:, 0], tip[:, 2]
        self._speed1, self._speed2 = self._qvel[:, 1], self._qvel[:, 2]
        self.memory: Floats = np.zeros((batch.nsim, 0))
        self._term: Floats = np.zeros(batch.nsim)

    def remember(self) -> None:
        """Nothing: the reward is of the state after the step alone."""

    def write_rewards(self, out: Floats) -> None:
        """10 y' − 0.01 x'² − (y' − 2)² − 0.001 speed1'² − 0.005 speed2'²."""
        term = self._term
        np.multiply(self._y, 10.0, out=out)
        np.square(self._x, out=term)
        np.multiply(term, 0.01, out=term)
        np.subtract(out, term, out=out)
        np.subtract(self._y, 2.0, out=term)
        np.square(term, out=term)
        np.subtract(out, term, out=out)
        np.square(self._speed1, out=term)
        np.multiply(term, 1e-3, out=term)
        np.subtract(out, term, out=out)
        np.square(self._speed2, out=term)
        np.multiply(term, 5e-3, out=term)
        np.subtract(out, term, out=out)

    def write_observations(self, out: Floats) -> None:
        """q0, sin q1:3, cos q1:3, clip(qvel, ±10), clip(qfrc_constraint, ±10)."""
        out[:, 0:1] = self._cart
        np.sin(self._angles, out=out[:, 1:3])
        np.cos(self._angles, out=out[:, 3:5])
        out[:, 5:8] = self._qvel
        out[:, 8:11] = self._forces
        clipped = out[:, 5:]
        np.maximum(clipped, -CLIP, out=clipped)
        np.minimum(clipped, CLIP, out=clipped)


TASK = Task(
    name="DoublePendulum",
    aim="Two poles on a cart, one on top of the other: keep both upright.",
    sentence="Keep both poles upright, one on top of the other",
    reward_text=(
        "10·y′ − 0.01·x′² − (y′ − 2)² − 10⁻³·ω₁′² − 5·10⁻³·ω₂′², with (x, y) = the x and z of site_xpos[0], the tip, "
        "and ω = qvel[1:3]"
    ),
    start_text="nearly upright; every entry of qpos ± uniform(0.1), of qvel normal with standard deviation 0.1",
    model_file="inverted_double_pendulum.xml",
    frame_skip=5,
    timestep=0.01,
    horizon=50,
    short_horizon=50,
    clip_fps=10,
    camera=Camera(None, lookat=(0.0, 0.0, 0.3), distance=4.5, elevation=-10.0),
    observation=(
        *entries("m", "position of the cart"),
        *entries("1", "sine of the lower angle", "sine of the upper angle", limit=1.0),
        *entries("1", "cosine of the lower angle", "cosine of the upper angle", limit=1.0),
        *entries("m/s", "velocity of the cart", limit=CLIP),
        *entries("rad/s", "angular velocity of the lower pole", "angular velocity of the upper pole", limit=CLIP),
        *entries("N", "constraint force on the cart (at the ends of the rail)", limit=CLIP),
        *entries("N m", "constraint torque at the lower pole (always 0)", limit=CLIP),
        *entries("N m", "constraint torque at the upper pole (always 0)", limit=CLIP),
    ),
    action=entries("x 500 N", "force on the cart", limit=1.0),
    start=partial(normal_start, scale=0.1),
    read=DoublePendulumReadout,
)

"""PlanarReadout: what robots that live in a plane have in common. Position 0 is x, position 1 is height, or y."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from mujoco.batch import Batch

Floats = npt.NDArray[np.float64]


class PlanarReadout:
    """Rewards and observations of a planar robot: its speed, perhaps its height; its positions and velocities.

    Args:
        batch: the simulations.
        dt: simulated time of an environment step [s].
        first_position: observed positions begin here; x itself is never observed: every place is alike.
        height_offset: adds z' - height_offset to the reward; None: the height does not count [m].
        max_speed: velocities are observed clipped to this; None: as they are [m/s, rad/s].
    """

    def __init__(
        self, batch: "Batch", dt: float, *, first_position: int = 1, height_offset: float | None = None,
        max_speed: float | None = None,
    ) -> None:  # fmt: skip
        qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._x, self._z, self._pose = qpos[:, 0], qpos[:, 1], qpos[:, first_position:]
        self._dt, self._height_offset, self._max_speed = dt, height_offset, max_speed
        self._num_positions = self._pose.shape[1]
        self.memory: Floats = np.zeros((batch.nsim, 1))
        self._x_before = self.memory[:, 0]

    def remember(self) -> None:
        """Keep x."""
        np.copyto(self._x_before, self._x)

    def write_rewards(self, out: Floats) -> None:
        """(x' − x)/dt, and z' less the offset where the height counts."""
        np.subtract(self._x, self._x_before, out=out)
        np.divide(out, self._dt, out=out)
        if self._height_offset is not None:
            np.add(out, self._z, out=out)
            np.subtract(out, self._height_offset, out=out)

    def write_observations(self, out: Floats) -> None:
        """Positions from the first observed one on, then all velocities."""
        out[:, : self._num_positions] = self._pose
        velocities = out[:, self._num_positions :]
        if self._max_speed is None:
            velocities[:] = self._qvel
        else:
            np.maximum(self._qvel, -self._max_speed, out=velocities)
            np.minimum(velocities, self._max_speed, out=velocities)

"""Envs: what the rest of the system asks of environments."""

from typing import Any, Protocol, runtime_checkable

import gymnasium
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@runtime_checkable
class Envs(Protocol):
    """A gymnasium.vector.VectorEnv in AutoresetMode.SAME_STEP whose state can be read, kept and restored.

    Arrays that `reset`, `step` and `restore` return are valid until the next call.
    """

    num_envs: int
    single_observation_space: gymnasium.Space[Any]
    single_action_space: gymnasium.Space[Any]
    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start a new episode everywhere: observations float32 (num_envs, *obs), and infos."""

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Observations, true rewards, terminations, truncations, infos; ended episodes are reset in the same step.

        Where any ended, infos["final_obs"], float32 (num_envs, *obs), has the observations before the resets.
        """

    def sim_state(self) -> npt.NDArray[np.float64]:
        """[qpos, qvel] of every environment now, (num_envs, nq + nv); (num_envs, 0) without MuJoCo. Copy it."""

    def snapshot(self) -> dict[str, Array]:
        """Everything needed to continue bit for bit, as arrays."""

    def restore(self, snapshot: dict[str, Array]) -> Array:
        """Continue from a snapshot; returns its observations."""

    def close(self) -> None:
        """Release everything."""

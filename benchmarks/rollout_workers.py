"""What a step of 16 environments costs in this process and with 4 rollout workers on this machine (Ray is needed).

Run: python -m benchmarks.rollout_workers
"""

import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.remote.ray_workers import RayWorkers
from rl_teacher.envs.remote.spread import SpreadEnvs
from rl_teacher.protocols import Envs

NUM_ENVS, NUM_WORKERS, NUM_STEPS = 16, 4, 60
STEP_S = 0.01


class Waiting(gymnasium.Env[np.ndarray, np.int64]):
    """Takes its time, as what waits for another program does."""

    observation_space = Box(-1, 1, (4,), np.float32)
    action_space = Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        return np.zeros(4, np.float32), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Wait."""
        time.sleep(STEP_S)
        return np.zeros(4, np.float32), 0.0, False, False, {}


if "Waiting-v0" not in gymnasium.registry:  # this file is the program and a module that workers import
    gymnasium.register("Waiting-v0", Waiting, max_episode_steps=1000)


def milliseconds(envs: Envs) -> float:
    """Of a step of all environments [ms]."""
    envs.reset()
    actions = np.zeros(NUM_ENVS, np.int64)
    for _ in range(3):
        envs.step(actions)
    start = time.perf_counter()
    for _ in range(NUM_STEPS):
        envs.step(actions)
    return (time.perf_counter() - start) / NUM_STEPS * 1e3


def main() -> None:
    """One line for each environment."""
    workers = RayWorkers(NUM_WORKERS, "")
    try:
        for env_id in ("CartPole-v1", "benchmarks.rollout_workers:Waiting-v0"):
            spec = find_env(env_id)
            here = milliseconds(make_envs(spec, NUM_ENVS, seed=1))
            there = milliseconds(SpreadEnvs(workers, spec, NUM_ENVS, seed=1))
            print(f"{env_id}: {here:.1f} ms in this process, {there:.1f} ms with {NUM_WORKERS} workers", flush=True)
    finally:
        workers.close()


if __name__ == "__main__":
    main()

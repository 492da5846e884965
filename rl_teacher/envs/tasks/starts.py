"""Where an episode starts: counter-based random numbers, and the noise of Gymnasium's v4 tasks."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def episode_generator(seed: int, env: int, episode: int) -> np.random.Generator:
    """The random numbers of one episode: a function of (seed, env, episode) and of nothing else.

    Philox is counter-based, so this needs no state: neither threads nor the resets of other environments can shift it.

    Args:
        seed: any integer from 0 to 2**64 - 1.
        env: index of the environment, >= 0.
        episode: how many episodes this environment had before, >= 0.
    """
    return np.random.Generator(np.random.Philox(key=[seed, 0], counter=[0, 0, episode, env]))


def reset_seed(seed: int, env: int, episode: int) -> int:
    """What a Gymnasium environment is reset with for an episode."""
    return int(episode_generator(seed, env, episode).integers(2**31))


def uniform_start(rng: np.random.Generator, qpos0: Floats, num_velocities: int, scale: float) -> tuple[Floats, Floats]:
    """(qpos, qvel) of a start: every entry uniform in ± scale around qpos0 and rest. Source: Gymnasium *_v4.py."""
    qpos = qpos0 + rng.uniform(-scale, scale, qpos0.size)
    return qpos, rng.uniform(-scale, scale, num_velocities)


def normal_start(rng: np.random.Generator, qpos0: Floats, num_velocities: int, scale: float) -> tuple[Floats, Floats]:
    """As uniform_start, with normal velocities of standard deviation `scale`. Source: Gymnasium *_v4.py."""
    qpos = qpos0 + rng.uniform(-scale, scale, qpos0.size)
    return qpos, scale * rng.standard_normal(num_velocities)


def staggered_limits(limit: int, num_envs: int) -> npt.NDArray[np.int64]:
    """Lengths of first episodes that spread later resets evenly: ceil(limit * (i + 1) / num_envs) for environment i."""
    return -(-limit * np.arange(1, num_envs + 1, dtype=np.int64) // num_envs)

"""Data sets for labeling, small and made by hand: what is worth more is known."""

from pathlib import Path

import h5py
import numpy as np

OBS, ACT, STEPS = 3, 2, 40


def write_set(path: Path, *, episodes: int = 12, ends: bool = False, seed: int = 0, **more: np.ndarray) -> Path:
    """As D4RL's; the reward of a step is the first number of its observation, which wanders from episode to episode.

    Args:
        path: of the file.
        episodes: of STEPS steps.
        ends: every other one is terminated, those whose mean is below 0 if any.
        seed: of the numbers.
        more: arrays by their names, with __ for /.
    """
    rng = np.random.default_rng(seed)
    level = rng.normal(size=(episodes, 1)) + 0.1 * rng.normal(size=(episodes, STEPS))
    obs = np.concatenate([level[..., None], rng.normal(size=(episodes, STEPS, OBS - 1))], -1).astype(np.float32)
    last = np.arange(STEPS) == STEPS - 1
    dies = np.arange(episodes) % 2 == 0 if ends else np.zeros(episodes, bool)
    with h5py.File(path, "w") as file:
        file["observations"] = obs.reshape(-1, OBS)
        file["actions"] = rng.uniform(-1, 1, (episodes * STEPS, ACT)).astype(np.float32)
        file["rewards"] = obs[..., 0].reshape(-1)
        file["terminals"] = (dies[:, None] & last).reshape(-1)
        file["timeouts"] = (~dies[:, None] & last).reshape(-1)
        for name, array in more.items():
            file[name.replace("__", "/")] = array
    return path

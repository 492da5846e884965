"""Episodes of a data set as arrays, whatever form its files have; data_sets.py opens one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.rewards.portable_actions import Space

AnyArray = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode: `T` steps."""

    number: int
    """From 0, in the order of the files."""
    obs: AnyArray
    """Observations before each step, (T, *obs)."""
    next_obs: AnyArray
    """Observations after each step, (T, *obs); after the last one the one before it, where no file has it."""
    action: AnyArray
    """As the environment was given them, (T, act), or (T,) where they are choices."""
    reward: AnyArray
    """The environment's, (T,) [reward]."""
    terminated: Flags
    """(T,): where the episode ended for good."""
    truncated: Flags
    """(T,): where it was cut off."""
    first_row: int
    """Its first step among all steps of the data set."""
    sim_state: AnyArray | None = None
    """Simulator rows [qpos, qvel] before each step, (T, number), where the files have them."""
    seed: int | None = None
    """Of the reset with which it began, where the files have it."""

    def __len__(self) -> int:
        return len(self.reward)


@dataclass(frozen=True, slots=True)
class EpisodeSet:
    """A data set whose episodes can be read again and again, one at a time."""

    place: str
    """Id or path, as it was given."""
    form: str
    """minari, d4rl or transitions."""
    env_id: str
    """Of the environment; empty where the files do not say."""
    obs_shape: tuple[int, ...]
    action: Space | None
    """None where the files do not say what actions there are."""
    num_steps: int
    read: Callable[[], Iterator[Episode]]
    has_truncations: bool = True
    """Whether the files say where episodes were cut off."""
    env_changes: tuple[str, ...] = ()
    """Arguments with which the environment was made, beyond what its id says."""

"""Numbering: which of a run's environments a vector environment holds, where others hold the rest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.tasks.starts import staggered_limits


@dataclass(frozen=True, slots=True)
class Numbering:
    """Environments `first`, `first` + 1 and so on of `total`: what decides the seeds of their episodes."""

    first: int
    """Number of the first one here, >= 0."""
    total: int
    """Of the run, here and elsewhere together."""

    def name(self, index: int) -> str:
        """Which one the environment of index `index` is, for messages."""
        return f"env {self.first + index} of {self.total}"

    def first_limits(self, limit: int, num_envs: int) -> npt.NDArray[np.int64]:
        """Lengths of the staggered first episodes of the `num_envs` environments here."""
        return staggered_limits(limit, self.total)[self.first : self.first + num_envs]

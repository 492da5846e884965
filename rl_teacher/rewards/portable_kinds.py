"""What a learned reward computes, kind by kind, from the arrays of its file. NumPy alone: see portable.py."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rl_teacher.rewards.portable_actions import Floats, Space
from rl_teacher.rewards.portable_networks import networks
from rl_teacher.rewards.portable_pictures import pictures
from rl_teacher.rewards.portable_process import process
from rl_teacher.rewards.portable_rows import Arrays, Compute, Rows, checked


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for each step."""

    value: Floats
    """Of one entry."""

    def __call__(self, rows: Rows) -> Floats:
        """The reward of each row."""
        return np.repeat(self.value, len(rows.obs))


def constant(arrays: Arrays, num_obs: int, space: Space) -> Constant:
    """A constant from the array of its file.

    Raises:
        ValueError: it does not fit.
    """
    return Constant(checked(arrays, {"constant": ("one",)}, {"one": 1})["constant"])


KINDS: dict[str, Callable[[Arrays, int, Space], Compute]] = {
    "gp": process, "ensemble": networks, "untrained": networks, "constant": constant, "cnn": pictures,
}  # fmt: skip
"""By the word of `--reward.model`."""

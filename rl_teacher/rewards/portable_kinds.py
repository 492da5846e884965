"""What a learned reward computes, kind by kind, from the arrays of its file. NumPy alone: see portable.py."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rl_teacher.rewards.portable_actions import Floats, Space
from rl_teacher.rewards.portable_networks import networks
from rl_teacher.rewards.portable_pictures import pictures
from rl_teacher.rewards.portable_process import process
from rl_teacher.rewards.portable_rows import Arrays, Compute, Rows, checked

MOST_ROWS = 2048
"""More are looked at in parts, which stay in the processor's cache."""


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


def in_parts(compute: Compute, rows: Rows) -> Floats:
    """The reward of each row, at most MOST_ROWS at once."""
    num = len(rows.obs)
    if num <= MOST_ROWS:
        return compute(rows)
    total = np.empty(num, np.float32)
    for at in range(0, num, MOST_ROWS):
        part = slice(at, at + MOST_ROWS)
        after = None if rows.after is None else rows.after[part]
        is_last = None if rows.is_last is None else rows.is_last[part]
        total[part] = compute(Rows(rows.obs[part], rows.action[part], after, is_last, rows.in_env_units))
    return total

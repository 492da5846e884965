"""What stands next to what in a small picture, for a portable reward, with NumPy alone: see gp/meetings.py."""

from dataclasses import dataclass

import numpy as np

from rl_teacher.rewards.portable_actions import Floats
from rl_teacher.rewards.portable_rows import AnyArray, Arrays, Rows

NUM_WAYS = 9
"""From a cell to its neighbors, and to itself: rows first, from -1 to 1, as gp/meetings.py counts them."""


@dataclass(frozen=True, slots=True)
class Meetings:
    """Counts of cells in which something vanishes, appears, or is where another thing is, or was."""

    shape: tuple[int, ...]
    """Height, width, channels."""
    usual: Floats
    """Mean of each number of an observation."""
    at: AnyArray
    """Which counts are weighed."""
    weights: Floats
    """(count,), or (count, column)."""

    def __call__(self, rows: Rows) -> Floats:
        """What they are worth in each row, (row,) or (row, column)."""
        old = self._present(rows.obs)
        new = old if rows.after is None else self._present(rows.after)
        around = np.pad(old, ((0, 0), (1, 1), (1, 1), (0, 0)))
        counts = np.empty((len(old), len(self.at)), np.float32)
        for column, number in enumerate(self.at.tolist()):
            counts[:, column] = np.count_nonzero(self._cells(number, old, new, around), axis=(1, 2))
        return np.asarray(counts @ self.weights)

    def _cells(self, number: int, old: AnyArray, new: AnyArray, around: AnyArray) -> AnyArray:
        """Which cells a count is of: see `gp/meetings.py` for the order."""
        height, width, channels = self.shape
        if number < 2 * channels:
            here, there = (old, new) if number < channels else (new, old)
            channel = number % channels
            return np.asarray(here[..., channel] & ~_spread(there[..., channel]))
        pair, way = divmod(number - 2 * channels, NUM_WAYS)
        num_near = channels * (channels - 1) // 2
        if pair < num_near:
            first, second = (side[pair] for side in np.triu_indices(channels, 1))
        else:
            first, second = divmod(pair - num_near, channels)
        down, right = divmod(way, 3)
        was = around[:, down : down + height, right : right + width, second]
        return np.asarray((old if pair < num_near else new)[..., first] & was)

    def _present(self, obs: Floats) -> AnyArray:
        return np.asarray((obs > self.usual).reshape(len(obs), *self.shape))


def _spread(cells: AnyArray) -> AnyArray:
    """Where something is in a cell or in one of its neighbors, (row, height, width)."""
    _, height, width = cells.shape
    around = np.pad(cells, ((0, 0), (1, 1), (1, 1)))
    parts = [around[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return np.asarray(np.logical_or.reduce(parts))


def num_counts(channels: int) -> int:
    """How many there are: things that vanish, that appear, that are near each other, and that are where others were.

    >>> num_counts(4)
    206
    """
    return 2 * channels + (channels * (channels - 1) // 2 + channels**2) * NUM_WAYS


def meetings_of(arrays: Arrays) -> Meetings | None:
    """Those that a reward weighs; None: it weighs none.

    Raises:
        ValueError: the arrays do not fit.
    """
    at = arrays["meeting_at"]
    if not at.size:
        return None
    shape = tuple(arrays["picture_shape"].tolist())
    if len(shape) != 3:
        raise ValueError(f"its array 'picture_shape' is {list(shape)}, expected height, width and channels")
    height, width, channels = shape
    if min(shape) < 1 or height * width * channels != len(arrays["mean"]):
        raise ValueError(f"its pictures have shape {shape}, and its observations {len(arrays['mean'])} numbers")
    most = num_counts(channels)
    if not 0 <= at.min() <= at.max() < most:
        raise ValueError(f"its array 'meeting_at' names count {at.max()} of {most}")
    weights = arrays["meeting"]
    return Meetings(shape, arrays["mean"], at, weights[:, 0] if weights.shape[1] == 1 else weights)

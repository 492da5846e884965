"""Pairs of arrays that lie somewhere already, seen as one array: nothing is in memory twice."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class RowPairs:
    """An array (pair, 2, ...) whose rows stay where they are.

    Looks like an array of them all; indexing, or `np.asarray`, copies those that are wanted.

    >>> left, right = np.zeros((3, 2)), np.ones((3, 2))
    >>> pairs = RowPairs([(left, right), (right, left)])
    >>> pairs.shape, pairs[1, 0, 2].tolist()
    ((2, 2, 3, 2), [1.0, 1.0])
    """

    def __init__(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        """At least one pair; all arrays have the same shape and dtype."""
        self._pairs = pairs
        first = pairs[0][0]
        self.shape = (len(pairs), 2, *first.shape)
        self.dtype = first.dtype

    @property
    def ndim(self) -> int:
        """Axes of the whole."""
        return len(self.shape)

    def __len__(self) -> int:
        return len(self._pairs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        whole = self._rows(np.arange(len(self)))
        return whole if dtype is None else whole.astype(dtype)

    def __getitem__(self, index: Any) -> np.ndarray:
        """What NumPy gives for the same index of the whole: numbers of some axes in front, or which pairs.

        Raises:
            IndexError: something else is indexed, or there is no such pair.
        """
        parts = index if isinstance(index, tuple) else (index,)
        if len(parts) == 1:
            return self._rows(np.asarray(np.arange(len(self))[parts[0]]))
        if any(np.asarray(part).dtype.kind not in "iu" for part in parts):
            raise IndexError(f"pairs of rows {self.shape}: got index {index}, expected whole numbers for each axis.")
        pairs, sides, *others = np.broadcast_arrays(*parts)
        found = np.empty((*pairs.shape, *self.shape[len(parts) :]), self.dtype)
        for pair in np.unique(pairs).tolist():
            for side in np.unique(sides).tolist():
                there = (pairs == pair) & (sides == side)
                found[there] = self._pairs[pair][side][tuple(other[there] for other in others)]
        return found

    def _rows(self, pairs: np.ndarray) -> np.ndarray:
        """These pairs."""
        found = np.empty((*pairs.shape, *self.shape[1:]), self.dtype)
        for at in np.ndindex(pairs.shape):
            found[at][0], found[at][1] = self._pairs[int(pairs[at])]
        return found

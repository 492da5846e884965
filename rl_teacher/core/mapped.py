"""Arrays that lie in a file and are mapped into memory: larger than the memory that may be used for them."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np

AT_ONCE = 256
"""Rows that are copied out of a file together."""


def mapped_array(path: Path, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """A new array of zeros in a new file, which the caller deletes."""
    return np.memmap(path, dtype, "w+", shape=shape) if 0 not in shape else np.zeros(shape, dtype)


def gathered(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """These rows, copied into memory, and no more of the file than some of them at a time.

    The system maps the pages around each that is asked for: rows spread over a file would bring all of it.

    >>> gathered(np.arange(5), np.array([3, 0]))
    array([3, 0])
    """
    found = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for at in range(0, len(rows), AT_ONCE):
        found[at : at + AT_ONCE] = array[rows[at : at + AT_ONCE]]
        release(array)
    return found


def release(array: np.ndarray) -> None:
    """Let go of the memory that an array of `mapped_array` has taken: its numbers stay in the file.

    Without it every row that was ever looked at stays in memory. Nothing happens to other arrays.

    >>> release(np.zeros(3))
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)

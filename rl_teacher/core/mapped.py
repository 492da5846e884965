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


def gathered(array: Any, rows: np.ndarray) -> np.ndarray:
    """These rows, copied into memory, and no more of the file than some of them at a time.

    `array` may also be what is indexed as one, such as stacks of frames. The system maps the pages around each that is
    asked for: rows spread over a file would bring all of it.

    >>> gathered(np.arange(5), np.array([3, 0]))
    array([3, 0])
    """
    found = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for at in range(0, len(rows), AT_ONCE):
        found[at : at + AT_ONCE] = array[rows[at : at + AT_ONCE]]
        release(array)
    return found


def looked_up(array: Any, index: tuple[np.ndarray, ...]) -> np.ndarray:
    """`array[index]`, of a file one entry of the first axis at a time; the arrays of `index` have as many axes."""
    if not is_mapped(array):
        return np.asarray(array[index])
    whole, found = np.broadcast_arrays(*index), []
    for at in range(len(whole[0])):
        found.append(array[tuple(one[at] for one in whole)])
        release(array)
    return np.stack(found)


def is_mapped(array: Any) -> bool:
    """Whether an array lies in a file."""
    return _file_of(array) is not None


def release(array: Any) -> None:
    """Let go of the memory that an array of `mapped_array` has taken: its numbers stay in the file.

    Without it every row that was ever looked at stays in memory. Nothing happens to other arrays.

    >>> release(np.zeros(3))
    """
    if (found := _file_of(array)) is not None:
        found.madvise(mmap.MADV_DONTNEED)


def _file_of(array: Any) -> mmap.mmap | None:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None

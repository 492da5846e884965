"""Segments of a run on disk, read without JAX: each once, in the file of the round in which it was new.

A file holds the fields of its segments by name, a row each, and their ids say which they are. Files of version 0.1 hold
both sides of a round, `left_obs` and so on, and a segment as often as it was asked about; they are read all the same.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rl_teacher.errors import FileDamaged
from rl_teacher.files import write_whole
from rl_teacher.records import Comparison, SegmentId
from rl_teacher.storage.arrays import npz
from rl_teacher.storage.names import COMPARISONS, SEGMENTS

SIDES = ("left_", "right_")
"""Before each name in a file of version 0.1."""
MOST_KEPT = 16 * 2**20
"""Arrays of files that a reader keeps for what is asked next [byte]."""
AnyArray = npt.NDArray[Any]
Arrays = Mapping[str, AnyArray]


class Place(NamedTuple):
    """Where a segment lies."""

    path: Path
    prefix: str
    """Of the names of its arrays."""
    row: int


class Kind(NamedTuple):
    """What segments side by side in a file have in common."""

    steps: int
    has_next_obs: bool


class Part(NamedTuple):
    """Some of the segments that were asked for: those that one file holds."""

    at: list[int]
    """Which of them."""
    arrays: Arrays
    """Their fields by name, as `Segments.fields` gives them, a row each; copies."""
    path: Path
    """The file."""


class SegmentFiles:
    """Knows which file holds which segment, from the ids in the files, and writes new ones.

    Args:
        folder: of the run.

    Raises:
        FileDamaged: the ids of a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[SegmentId, Place] = {}
        for path in sorted((folder / SEGMENTS).glob("*.npz")):
            for prefix, ids in _ids(path).items():
                self._note(path, prefix, ids)

    def __contains__(self, one: SegmentId) -> bool:
        return one in self._places

    def __iter__(self) -> Iterator[SegmentId]:
        return iter(self._places)

    def place(self, one: SegmentId) -> Place:
        """Where a segment lies that is there."""
        return self._places[one]

    def kinds(self, ids: Iterable[SegmentId]) -> set[Kind]:
        """What these segments are like, of which little is read.

        Raises:
            FileDamaged: a file cannot be read.
        """
        return {_kind(*where) for where in dict.fromkeys(self._places[one][:2] for one in ids)}

    def require(self, comparisons: Iterable[Comparison]) -> None:
        """Make sure that both sides of each comparison are there.

        Raises:
            FileDamaged: a segment is in no file.
        """
        for one in comparisons:
            for side in (one.left, one.right):
                if side not in self._places:
                    raise FileDamaged(
                        f"{self._folder / COMPARISONS}: comparison {one.id} is about segment {side}, which no file in "
                        f"{self._folder / SEGMENTS} holds. Restore the file from a backup, or delete the line."
                    )

    def write(self, iteration: int, arrays: Arrays) -> None:
        """Keep segments that are in no file yet; they are on the disk when this returns.

        Args:
            iteration: of the round in which they are new.
            arrays: their fields.
        """
        ids = arrays["id"].tolist()
        path = self._folder / SEGMENTS / f"{iteration:06d}-{ids[0]}.npz"  # of a new segment: no file is named so
        write_whole(path, npz(arrays))
        self._note(path, "", ids)

    def _note(self, path: Path, prefix: str, ids: Sequence[SegmentId]) -> None:
        for row, one in enumerate(ids):
            self._places.setdefault(one, Place(path, prefix, row))


class SegmentReader:
    """Reads segments, of each file all at once, and keeps the arrays of the newest few files for what is asked next."""

    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._kept: dict[Path, Arrays] = {}
        """The file that was used last stands last."""
        self._kept_bytes = 0

    def read(self, ids: Sequence[SegmentId]) -> list[Part]:
        """Segments that are there, file by file; one that is asked for twice is given twice.

        Raises:
            FileDamaged: a file cannot be read.
        """
        wanted: dict[tuple[Path, str], list[tuple[int, int]]] = {}
        for at, one in enumerate(ids):
            path, prefix, row = self._files.place(one)
            wanted.setdefault((path, prefix), []).append((at, row))
        return [self._part(*where, *map(list, zip(*found, strict=True))) for where, found in wanted.items()]

    def _part(self, path: Path, prefix: str, at: list[int], rows: list[int]) -> Part:
        named = {name: array for name, array in self._arrays(path).items() if name.startswith(prefix)}
        try:
            return Part(at, {name.removeprefix(prefix): array[rows] for name, array in named.items()}, path)
        except IndexError as error:
            raise unreadable(path, error) from error

    def _arrays(self, path: Path) -> Arrays:
        arrays = self._kept.pop(path, None)
        if arrays is None:
            arrays = _read(path)
            self._kept_bytes += _size(arrays)
        self._kept[path] = arrays
        while self._kept_bytes > MOST_KEPT and len(self._kept) > 1:
            self._kept_bytes -= _size(self._kept.pop(next(iter(self._kept))))
        return arrays


def both_sides(comparisons: Sequence[Comparison]) -> list[SegmentId]:
    """Segments of comparisons: all left ones, then all right ones."""
    return [*(one.left for one in comparisons), *(one.right for one in comparisons)]


def in_order(parts: Sequence[Part]) -> npt.NDArray[np.int64]:
    """Of each segment, as they were asked for: its row among those of all parts, one part behind the other."""
    return np.argsort(np.concatenate([part.at for part in parts]))


def unreadable(path: Path, error: Exception) -> FileDamaged:
    """The error for a file of segments that lacks something."""
    said = " ".join(str(error).split()) or type(error).__name__
    return FileDamaged(
        f"{path}: cannot be read ({said}). Restore it from a backup, or start a new run with another -n."
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except Exception as error:  # whatever a file that was cut off makes NumPy or zipfile raise
        raise unreadable(path, error) from error


def _ids(path: Path) -> dict[str, list[SegmentId]]:
    """Ids of the segments in a file by the prefix of their arrays, of which nothing else is read."""
    with _opened(path) as arrays:
        prefixes = SIDES if f"{SIDES[0]}id" in arrays.files else ("",)
        return {prefix: list(map(str, arrays[f"{prefix}id"].tolist())) for prefix in prefixes}


def _kind(path: Path, prefix: str) -> Kind:
    with _opened(path) as arrays:
        return Kind(int(arrays[f"{prefix}true_reward"].shape[1]), f"{prefix}next_obs" in arrays.files)


def _read(path: Path) -> Arrays:
    with _opened(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _size(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())

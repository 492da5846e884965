"""What the files of a label log hold, read without JAX: lines of comparisons and labels, and arrays of segments."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.errors import FileDamaged
from rl_teacher.files import read_lines
from rl_teacher.records import Label, Preference
from rl_teacher.storage.names import COMPARISONS, LABELS

COMPARISON_KEYS = {"id": str, "left": str, "right": str, "step": int, "iteration": int, "file": str, "row": int}
LABEL_KEYS = {"comparison": str, "labeler": str, "preference": str | None, "answered_at": str}
"""Of each line: what a key holds."""
Line = Mapping[str, Any]


def comparison_lines(folder: Path) -> Iterator[Line]:
    """Lines of comparisons.jsonl in the folder of a run, in the order in which they were asked.

    Raises:
        FileDamaged: a line is not one of ours.
    """
    return _read(folder / COMPARISONS, COMPARISON_KEYS)


def label_lines(folder: Path) -> Iterator[Line]:
    """Lines of labels.jsonl, oldest first.

    Raises:
        FileDamaged: a line is not one of ours.
    """
    return _read(folder / LABELS, LABEL_KEYS)


def labels_in(folder: Path) -> Iterator[Label]:
    """The same as labels."""
    for line in label_lines(folder):
        preference = line["preference"] and Preference(line["preference"])
        yield Label(line["comparison"], preference or None, line["labeler"], line["answered_at"])


def by_file(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Lines of comparisons by the file that holds their segments."""
    rounds: dict[str, list[Line]] = {}
    for line in lines:
        rounds.setdefault(line["file"], []).append(line)
    return rounds


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a round, those of the left segments as `left_obs` and so on.

    Raises:
        FileDamaged: it cannot be read.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> FileDamaged:
    """The error for a file of segments that lacks something."""
    return FileDamaged(
        f"{path}: cannot be read ({error}). Restore it from a backup, or start a new run with another -n."
    )


def _read(path: Path, keys: Mapping[str, type | UnionType]) -> Iterator[Line]:
    """Lines of a file, each with what is read of it; whoever edited it by hand is told where it broke."""
    for number, line in enumerate(read_lines(path), 1):
        values = line if isinstance(line, dict) else {}
        wrong = [key for key, kind in keys.items() if key not in values or not isinstance(values[key], kind)]
        if values.get("preference") not in {None, "", *Preference}:
            wrong = ["preference"]
        if wrong:
            raise FileDamaged(
                f"{path}, entry {number}: got {wrong[0]} {values.get(wrong[0])!r}, expected a line as this program "
                "writes it. Mend or delete the line."
            )
        yield values

"""Lines of comparisons and labels in the files of a run, read without JAX; their segments: segment_files.py."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any

from rl_teacher.errors import FileDamaged
from rl_teacher.files import read_lines
from rl_teacher.records import Comparison, Label, Preference
from rl_teacher.storage.names import COMPARISONS, LABELS

COMPARISON_KEYS = {"id": str, "left": str, "right": str, "step": int, "iteration": int}
LABEL_KEYS = {"comparison": str, "labeler": str, "preference": str | None, "answered_at": str}
"""Of each line: what a key holds. Lines of version 0.1 also say in which file their segments are."""
SAID = frozenset({None, "", *Preference})
"""What a line may say; nothing: an answer was withdrawn, or it is no line of an answer."""
Line = Mapping[str, Any]


def comparison_lines(folder: Path) -> Iterator[Line]:
    """Lines of comparisons.jsonl in the folder of a run, in the order in which they were asked.

    Raises:
        FileDamaged: a line is not one of ours.
    """
    return _read(folder / COMPARISONS, COMPARISON_KEYS)


def comparisons_in(folder: Path, *, before_iteration: float = math.inf) -> Iterator[Comparison]:
    """The same as comparisons: those that were asked before an iteration."""
    for line in comparison_lines(folder):
        if line["iteration"] < before_iteration:
            yield Comparison(line["id"], line["left"], line["right"], line["step"])


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


def _read(path: Path, keys: Mapping[str, type | UnionType]) -> Iterator[Line]:
    """Lines of a file, each with what is read of it; whoever edited it by hand is told where it broke."""
    for number, line in enumerate(read_lines(path), 1):
        values = line if isinstance(line, dict) else {}
        wrong = [key for key, kind in keys.items() if key not in values or not isinstance(values[key], kind)]
        if values.get("preference") not in SAID:
            wrong = ["preference"]
        if wrong:
            raise FileDamaged(
                f"{path}, entry {number}: got {wrong[0]} {values.get(wrong[0])!r}, expected a line as this program "
                "writes it. Mend or delete the line."
            )
        yield values

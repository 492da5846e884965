"""Comparisons, their segments and their labels on disk: append-only, and flushed before they are used."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rl_teacher.core.arrays import Segments
from rl_teacher.files import append_lines, drop_torn_line, make_folder, write_whole
from rl_teacher.protocols import Asked
from rl_teacher.records import Comparison, Label
from rl_teacher.storage.arrays import npz
from rl_teacher.storage.label_files import by_file, comparison_lines, label_lines, labels_in, read_arrays, unreadable
from rl_teacher.storage.names import COMPARISONS, LABELS, SEGMENTS


class LabelLog:
    """The files of one run: comparisons.jsonl, labels.jsonl, and segments/*.npz, one for each round.

    A line is written once: what is known already is left out, so that repeating a round after a crash changes nothing.

    Raises:
        FileDamaged: a line is not one of ours; FolderUnwritable: no room, or no right to write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder / SEGMENTS)
        self._known = {line["id"] for line in comparison_lines(folder)}
        self._newest = {(line["comparison"], line["labeler"]): line for line in label_lines(folder)}
        for name in (COMPARISONS, LABELS):
            drop_torn_line(folder / name)

    def write_comparisons(
        self, iteration: int, comparisons: Sequence[Comparison], left: Segments, right: Segments
    ) -> None:
        """Keep a round of comparisons: the arrays first, then the lines that name them."""
        if all(comparison.id in self._known for comparison in comparisons):
            return
        arrays = {f"left_{name}": array for name, array in left.fields().items()}
        arrays |= {f"right_{name}": array for name, array in right.fields().items()}
        file = f"{iteration:06d}-{comparisons[0].id[:8]}.npz"
        write_whole(self._folder / SEGMENTS / file, npz(arrays))
        lines = [
            {
                "id": c.id,
                "left": c.left,
                "right": c.right,
                "step": c.step,
                "iteration": iteration,
                "file": file,
                "row": row,
            }
            for row, c in enumerate(comparisons)
            if c.id not in self._known
        ]
        append_lines(self._folder / COMPARISONS, lines)
        self._known |= {c.id for c in comparisons}

    def write_labels(self, labels: Sequence[Label]) -> None:
        """Append answers; one that is the newest of its labeler already is not written again."""
        lines = []
        for label in labels:
            line = {
                "comparison": label.comparison, "preference": label.preference and str(label.preference),
                "labeler": label.labeler, "answered_at": label.answered_at,
            }  # fmt: skip
            key = (label.comparison, label.labeler)
            if self._newest.get(key) != line:
                self._newest[key] = line
                lines.append(line)
        if lines:
            append_lines(self._folder / LABELS, lines)

    def read(self, dataset: Asked, *, before_iteration: float = math.inf) -> None:
        """Fill a dataset with all comparisons asked before an iteration, and their newest labels.

        Teachers that answer at once are asked the later ones, of iterations that a crash took back, again under the
        same ids. What people were asked is kept, all of it.
        """
        asked = (line for line in comparison_lines(self._folder) if line["iteration"] < before_iteration)
        for file, lines in by_file(asked).items():
            left, right = _read_sides(self._folder / SEGMENTS / file)
            rows = np.array([line["row"] for line in lines])
            comparisons = [Comparison(line["id"], line["left"], line["right"], line["step"]) for line in lines]
            dataset.add(comparisons, left.take(rows), right.take(rows))
        dataset.label(self.labels())

    def labels(self) -> Iterator[Label]:
        """Every label line, oldest first."""
        return labels_in(self._folder)


def _read_sides(path: Path) -> tuple[Segments, Segments]:
    """The segments of a round, left and right."""
    arrays = read_arrays(path)
    try:
        left, right = (Segments.from_fields(arrays, f"{side}_") for side in ("left", "right"))
    except KeyError as error:
        raise unreadable(path, error) from error
    return left, right

"""Comparisons, their segments and their labels on disk: append-only, and flushed before they are used."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rl_teacher.core.arrays import Segments, concatenate
from rl_teacher.files import append_lines, drop_torn_line, make_folder
from rl_teacher.protocols import Asked
from rl_teacher.records import Comparison, Label
from rl_teacher.storage.label_files import comparison_lines, comparisons_in, label_lines, labels_in
from rl_teacher.storage.names import COMPARISONS, LABELS, SEGMENTS
from rl_teacher.storage.segment_files import Part, SegmentFiles, SegmentReader, both_sides, in_order, unreadable

AT_ONCE = 16
"""Comparisons that are read together: their segments may be large."""


class LabelLog:
    """The files of one run: comparisons.jsonl, labels.jsonl, and segments/*.npz, one for each round that has new ones.

    A line and a segment are written once: what is known already is left out, so that repeating a round after a crash
    changes nothing.

    Raises:
        FileDamaged: a line is not one of ours, or a file of segments cannot be read.
        FolderUnwritable: no room, or no right to write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder / SEGMENTS)
        self._segments = SegmentFiles(folder)
        self._known = {line["id"] for line in comparison_lines(folder)}
        self._newest = {(line["comparison"], line["labeler"]): line for line in label_lines(folder)}
        for name in (COMPARISONS, LABELS):
            drop_torn_line(folder / name)

    def write_comparisons(
        self, iteration: int, comparisons: Sequence[Comparison], left: Segments, right: Segments
    ) -> None:
        """Keep a round of comparisons: the arrays that are new first, then the lines that name them."""
        rows = [row for row, one in enumerate(comparisons) if one.id not in self._known]
        if not rows:
            return
        self._write_segments(iteration, left.take(np.array(rows)), right.take(np.array(rows)))
        asked = [comparisons[row] for row in rows]
        lines = [
            {"id": one.id, "left": one.left, "right": one.right, "step": one.step, "iteration": iteration}
            for one in asked
        ]
        append_lines(self._folder / COMPARISONS, lines)
        self._known |= {one.id for one in asked}

    def _write_segments(self, iteration: int, *sides: Segments) -> None:
        """Those of both sides that no file holds, each once."""
        seen, new = set[str](), list[Segments]()
        for side in sides:
            rows = []
            for row, one in enumerate(side.id.tolist()):
                if one not in seen and one not in self._segments:
                    seen.add(one)
                    rows.append(row)
            new += [side.take(np.array(rows))] if rows else []
        if new:
            self._segments.write(iteration, concatenate(new).fields())

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
        asked = list(comparisons_in(self._folder, before_iteration=before_iteration))
        self._segments.require(asked)
        reader = SegmentReader(self._segments)
        for start in range(0, len(asked), AT_ONCE):
            some = asked[start : start + AT_ONCE]
            parts = reader.read(both_sides(some))
            both, rows = concatenate([segments_of(part) for part in parts]), in_order(parts)
            dataset.add(some, both.take(rows[: len(some)]), both.take(rows[len(some) :]))
        dataset.label(self.labels())

    def labels(self) -> Iterator[Label]:
        """Every label line, oldest first."""
        return labels_in(self._folder)


def segments_of(part: Part) -> Segments:
    """What was read of a file, as segments.

    Raises:
        FileDamaged: the file lacks an array.
    """
    try:
        return Segments.from_fields(part.arrays)
    except (KeyError, IndexError, ValueError) as error:
        raise unreadable(part.path, error) from error

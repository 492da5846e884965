"""Runs as version 0.1 kept them: both sides of each round in a file, and in each line where its segments lie."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.core.arrays import Segments, concatenate
from rl_teacher.storage.label_log import segments_of
from rl_teacher.storage.segment_files import SegmentFiles, SegmentReader


def in_former_form(folder: Path) -> None:
    """Write the comparisons of a run anew, as version 0.1 would have."""
    files, path = SegmentFiles(folder), folder / "comparisons.jsonl"
    reader = SegmentReader(files)
    rounds: dict[int, list[dict[str, Any]]] = {}
    for line in path.read_text().splitlines():
        found = json.loads(line)
        rounds.setdefault(found["iteration"], []).append(found)

    def side(lines: list[dict[str, Any]], name: str) -> Segments:
        return concatenate([segments_of(part) for line in lines for part in reader.read([line[name]])])

    written: dict[str, dict[str, np.ndarray]] = {}
    for iteration, lines in rounds.items():
        file = f"{iteration:06d}-{lines[0]['id'][:8]}.npz"
        sides = {name: side(lines, name).fields() for name in ("left", "right")}
        written[file] = {f"{name}_{key}": array for name, fields in sides.items() for key, array in fields.items()}
        for row, line in enumerate(lines):
            line |= {"file": file, "row": row}
    for old in (folder / "segments").iterdir():
        old.unlink()
    for file, arrays in written.items():
        np.savez(folder / "segments" / file, allow_pickle=False, **arrays)
    path.write_text("".join(json.dumps(line) + "\n" for lines in rounds.values() for line in lines))

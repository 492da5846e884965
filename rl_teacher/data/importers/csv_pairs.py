"""Tables of pairs as text: a line for each comparison of two stretches of a data set."""

import csv
import io
from pathlib import Path

import numpy as np

from rl_teacher.data.importers.pairs import Given, Pairs, pairs_source, read_steps
from rl_teacher.data.rows import Source
from rl_teacher.errors import DataDamaged, DataMismatch
from rl_teacher.records import Preference

WORDS = {
    "left": Preference.LEFT, "a": Preference.LEFT, "1": Preference.LEFT, "right": Preference.RIGHT,
    "b": Preference.RIGHT, "2": Preference.RIGHT, "tie": Preference.TIE, "equal": Preference.TIE,
    "cant_tell": Preference.CANT_TELL,
}  # fmt: skip
"""What may stand in the column `preference`."""
COLUMNS = ("left_start", "right_start", "preference")


def is_csv(path: Path) -> bool:
    """Whether it is a table of text."""
    return path.is_file() and path.suffix.lower() in (".csv", ".tsv")


def csv_pairs(path: Path, given: Given) -> Source:
    """The comparisons of a table whose columns are `left_start`, `right_start` and `preference`.

    A start is the number of a row of the data set, from 0. How an editor or a spreadsheet ends lines, and what it
    puts before the first one, makes no difference.

    Raises:
        DataDamaged: it cannot be read, or a line says something else; its number is told.
        DataMismatch: the length of segments is not given, or they lie beyond the data set.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataDamaged(f"{path}: cannot be read as text in UTF-8 ({error}).") from error
    if not given.steps:
        raise DataMismatch(f"{path}: does not say how long segments are. Say it by --segment-steps.")
    first = text.split("\n", 1)[0]
    mark = next((one for one in (";", "\t") if one in first), ",")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
    names = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if missing := [name for name in COLUMNS if name not in names]:
        raise DataDamaged(f"{path}: has no column {', '.join(missing)}; it has {', '.join(names)[:120]}.")
    reader.fieldnames = names
    left, right, said = [], [], []
    for row in reader:
        values = {name: str(value or "").strip() for name, value in row.items() if isinstance(name, str)}
        if not any(values.values()):
            continue
        word = WORDS.get(values["preference"].lower())
        starts = [values[name] for name in COLUMNS[:2]]
        if word is None or not all(one.isascii() and one.isdigit() and len(one) < 16 for one in starts):
            told = mark.join(values[name] for name in COLUMNS)[:80]
            raise DataDamaged(f"{path}, line {reader.line_num}: {told!r}, expected two rows and left, right or tie.")
        left.append(int(starts[0]))
        right.append(int(starts[1]))
        said.append(word)
    if not said:
        raise DataDamaged(f"{path}: holds no pair. Is it the right file?")
    pairs = Pairs(np.array(left, np.int64), np.array(right, np.int64), given.steps, said, "csv")
    return pairs_source("csv", path.stem, read_steps(given, str(path)), pairs, given)

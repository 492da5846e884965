"""RLHF-Blender's feedback: JSON that compares two episodes, or stretches of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.importers.pairs import Given, Pairs, pairs_source, read_steps
from rl_teacher.data.rows import Source
from rl_teacher.errors import DataDamaged, DataMismatch, DataRefused
from rl_teacher.files import BOM
from rl_teacher.records import Preference

KINDS = {
    "rating": "an evaluation of one episode", "score": "an evaluation of one episode",
    "demonstration": "a demonstration", "correction": "a correction", "goal": "a goal", "action": "an instruction",
    "feature_selection": "a description of features", "feature_importance": "a description of features",
    "feature_ranking": "a description of features",
}  # fmt: skip
"""Key of the content -> kind of feedback that is no comparison."""


def is_rlhf_blender(path: Path) -> bool:
    """Whether it is a file of JSON."""
    return path.is_file() and path.suffix.lower() in (".json", ".jsonl")


def rlhf_blender(path: Path, given: Given) -> Source:
    """The comparisons of a file; an episode is that of the same number in the data set.

    Raises:
        DataRefused: another kind of feedback, or segments of several lengths; which one is told.
        DataDamaged: it cannot be read, or an entry says something else.
        DataMismatch: what its numbers mean, or the data set, is not given; or it has no such episode.
    """
    if given.best not in ("lowest", "highest"):
        raise DataMismatch(
            f"{path}: gives each of two segments a number, and does not say which is better. Say it by --best lowest "
            "where they are ranks, or --best highest where they are scores."
        )
    steps = read_steps(given, str(path))
    starts = np.array(steps.starts(), np.int64)
    found = [_pair(path, number, one, starts, given) for number, one in _entries(path)]
    if not found:
        raise DataDamaged(f"{path}: holds no feedback. Is it the right file?")
    lengths = {length for *_, length in found}
    if len(lengths) > 1:
        raise DataRefused(
            f"{path}: has segments of {sorted(lengths)[:5]} steps, expected one length. Cut them all to the shortest "
            "by --segment-steps."
        )
    left, right = (np.array([one[i] for one in found], np.int64) for i in (0, 1))
    pairs = Pairs(left, right, lengths.pop(), [one[2] for one in found], "rlhf-blender")
    return pairs_source("rlhf-blender", path.stem, steps, pairs, given)


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each feedback with its number, from a list, or from lines."""
    try:
        text = path.read_bytes().removeprefix(BOM).decode()
        is_lines = path.suffix.lower() == ".jsonl"
        values = [json.loads(line) for line in text.splitlines() if line.strip()] if is_lines else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise DataDamaged(f"{path}: cannot be read as JSON ({' '.join(str(error).split())[:120]}).") from error
    for number, one in enumerate(values if isinstance(values, list) else [values]):
        if not isinstance(one, dict):
            raise DataDamaged(f"{path}, feedback {number}: is {str(one)[:60]!r}, expected an object.")
        yield number, one


def _pair(path: Path, number: int, one: dict[str, Any], starts: Any, given: Given) -> tuple[int, int, Preference, int]:
    where, content, targets = f"{path}, feedback {number}", one.get("content"), one.get("target")
    if not isinstance(content, dict):
        raise DataDamaged(f"{where}: its content is {str(content)[:60]!r}, expected an object.")
    for key, kind in KINDS.items():
        if content.get(key) is not None:
            raise DataRefused(f"{where}: is {kind} ({key}), which is no comparison of two segments.")
    values = content.get("preferences") if content.get("preferences") is not None else content.get("comparison")
    is_pair = isinstance(values, list) and len(values) == 2 and all(type(x) in (int, float) for x in values)
    if not is_pair or not isinstance(values, list):
        raise DataRefused(f"{where}: its preferences are {str(values)[:60]!r}, expected a number for each of two.")
    if not isinstance(targets, list) or len(targets) != 2:
        count = len(targets) if isinstance(targets, list) else 1
        raise DataRefused(f"{where}: has {count} targets, expected two: a ranking of more is no comparison.")
    (left, length), (right, other) = (_stretch(where, target, starts, given) for target in targets)
    if length != other:
        raise DataRefused(f"{where}: its segments have {length} and {other} steps, expected as many.")
    a, b = values if given.best == "highest" else values[::-1]
    return left, right, Preference.LEFT if a > b else Preference.RIGHT if b > a else Preference.TIE, length


def _stretch(where: str, target: Any, starts: Any, given: Given) -> tuple[int, int]:
    """First row and length of a target."""
    reference = target.get("reference") if isinstance(target, dict) else None
    number = reference.get("episode_num") if isinstance(reference, dict) else None
    if type(number) is not int:
        raise DataDamaged(f"{where}: a target is {str(target)[:80]!r}, expected a reference with its episode_num.")
    if "step" in target:
        raise DataRefused(f"{where}: compares single states, expected segments.")
    if not 0 <= number < len(starts) - 1:
        raise DataMismatch(f"{where}: speaks of episode {number}, {given.dataset} has {len(starts) - 1} from 0.")
    steps = int(starts[number + 1] - starts[number])
    first, last = target.get("start", 0), target.get("end", steps)
    if type(first) is not int or type(last) is not int or not 0 <= first < last <= steps:
        raise DataMismatch(f"{where}: is steps {first} to {last} of episode {number}, which has {steps}.")
    length = last - first
    if given.steps:
        if length < given.steps:
            raise DataMismatch(f"{where}: a segment has {length} steps, expected at least {given.steps}.")
        length = given.steps
    return int(starts[number]) + first, length

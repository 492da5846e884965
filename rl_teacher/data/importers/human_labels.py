"""Preference Transformer's and Uni-RLHF's human labels: three pickles, of where segments start and what was said."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.importers.pairs import Given, Pairs, learning_view, pairs_source
from rl_teacher.data.importers.unpickling import load_pickle
from rl_teacher.data.rows import Source, Whole
from rl_teacher.errors import DataDamaged, DataMismatch, DataRefused
from rl_teacher.records import Preference

LEFT_FILE = re.compile(r"indices_num(\d+)(?:_q(\d+))?")
RIGHT_FILE = re.compile(r"indices_2_num(\d+)(?:_q(\d+))?")
LABEL_FILE = "label_human"
USUAL_STEPS = 100
"""Of a segment where the names of the files do not say it: Preference Transformer's for MuJoCo."""
SAID = {0: Preference.LEFT, 1: Preference.RIGHT, -1: Preference.TIE}
UNI_NAME = re.compile(r"domain_(?P<domain>[a-z0-9]+)_env_(?P<env>.+?)_num_(?P<num>\d+)_len_(?P<len>\d+)")
DOMAINS = ("mujoco", "antmaze", "adroit")
"""Of Uni-RLHF: those whose observations are numbers."""
OTHER_KINDS = ("attribute", "evaluative", "visual", "keypoint", "trajectory")
"""Of feedback that Uni-RLHF collects beside comparisons."""


def is_preference_transformer(path: Path) -> bool:
    """Whether a folder holds labels of Preference Transformer, or of IPL, DPPO and DTR, which have the same."""
    return path.is_dir() and (path / LABEL_FILE).is_file()


def preference_transformer(path: Path, given: Given) -> Source:
    """The comparisons of a folder `human_label/ENV`.

    Raises:
        DataRefused: a pickle holds something else, or the folder more than one set.
        DataDamaged: a file is missing or cut off.
        DataMismatch: the labels do not fit the data set.
    """
    left, right = (_the_file(path, pattern) for pattern in (LEFT_FILE, RIGHT_FILE))
    told = LEFT_FILE.fullmatch(left.name)
    length = given.steps or int((told and told[2]) or USUAL_STEPS)
    said = _human(load_pickle(path / LABEL_FILE), path / LABEL_FILE)
    return _source("preference-transformer", path, _starts(left), _starts(right), said, length, given)


def _the_file(path: Path, pattern: re.Pattern[str]) -> Path:
    found = sorted(one for one in path.iterdir() if pattern.fullmatch(one.name))
    if not found:
        raise DataDamaged(f"{path}: has no file named as {pattern.pattern}, expected where segments start.")
    if len(found) > 1:
        raise DataRefused(f"{path}: has {', '.join(one.name for one in found)}, expected one. Move the others away.")
    return found[0]


def is_uni_rlhf(path: Path) -> bool:
    """Whether a folder holds labels of Uni-RLHF."""
    return path.is_dir() and any(UNI_NAME.search(one.name) for one in path.iterdir())


def uni_rlhf(path: Path, given: Given) -> Source:
    """The comparisons of a folder `ENV_human_labels` or `ENV_fake_labels`.

    Its three files are told apart by their names in alphabetical order: labels, starts of the left segments, starts
    of the right ones.

    Raises:
        DataRefused: another kind of feedback, pictures, or a pickle that holds something else.
        DataDamaged: a file is missing or cut off.
        DataMismatch: the labels do not fit the data set.
    """
    for kind in OTHER_KINDS:
        if any(kind in one.name.lower() for one in (path, *path.iterdir())):
            raise DataRefused(f"{path}: holds {kind} feedback, which is no comparison of two segments.")
    found = sorted(one for one in path.iterdir() if UNI_NAME.search(one.name))
    if len(found) != 3:
        raise DataDamaged(f"{path}: has {len(found)} files named domain_..._env_..._num_..._len_..., expected three.")
    names = [UNI_NAME.search(one.name) for one in found]
    told = {(one["domain"], one["env"], int(one["num"]), int(one["len"])) for one in names if one}
    if len(told) > 1:
        raise DataRefused(f"{path}: its files are of {len(told)} sets of labels, expected one. Move the others away.")
    domain, env, _, length = told.pop()
    if domain not in DOMAINS:
        raise DataRefused(
            f"{path}: the domain {domain!r} of {env} shows pictures or has other spaces, expected {DOMAINS}."
        )
    labels, left, right = (load_pickle(one) for one in found)
    said = _human(labels, found[0]) if np.ndim(labels) == 1 else _fake(labels, found[0])
    starts = _whole(left, found[1]), _whole(right, found[2])
    return _source("uni-rlhf", path, *starts, said, given.steps or length, given)


def _source(
    kind: str, path: Path, left: Whole, right: Whole, said: Sequence[Preference], length: int, given: Given
) -> Source:
    """The pairs as a source; starts beyond the number of labels are of pairs that nobody was asked about."""
    num = len(said)
    if min(len(left), len(right)) < num:
        raise DataMismatch(
            f"{path}: {num} labels, but {len(left)} left and {len(right)} right segments, expected as many."
        )
    steps = learning_view(given, str(path))
    pairs = Pairs(left[:num], right[:num], length, said, "human")
    return pairs_source(kind, path.name, steps, pairs, given)


def _starts(path: Path) -> Whole:
    return _whole(load_pickle(path), path)


def _numbers(values: Any, path: Path) -> Any:
    try:
        found = np.asarray(values)
    except ValueError:
        found = np.zeros(0, object)
    if found.dtype.kind not in "fiub" or not found.size or not np.isfinite(found).all():
        raise DataDamaged(f"{path}: holds {str(values)[:60]!r}, expected numbers. Is it the right file?")
    return found


def _whole(values: Any, path: Path) -> Whole:
    """Rows at which segments start."""
    found = _numbers(values, path)
    if found.ndim != 1 or (found != np.rint(found)).any():
        raise DataDamaged(
            f"{path}: has the shape {found.shape}, expected a row of whole numbers, a start for each pair."
        )
    return np.asarray(found, np.int64)


def _human(values: Any, path: Path) -> list[Preference]:
    found = _numbers(values, path)
    if found.ndim != 1 or not set(np.unique(found).tolist()) <= set(SAID):
        odd = sorted(set(np.unique(found).tolist()) - set(SAID))[:5]
        raise DataDamaged(f"{path}: has the shape {found.shape} and the values {odd}, expected labels 0, 1 and -1.")
    return [SAID[int(one)] for one in found]


def _fake(values: Any, path: Path) -> list[Preference]:
    """Labels of a program: a row for each pair, the probabilities of both sides."""
    found = _numbers(values, path)
    known = {1.0: Preference.LEFT, 0.0: Preference.RIGHT, 0.5: Preference.TIE}
    if found.ndim != 2 or found.shape[1] != 2 or not np.allclose(found.sum(1), 1):
        raise DataDamaged(f"{path}: has the shape {found.shape}, expected two probabilities for each pair.")
    if odd := sorted(set(found[:, 0].tolist()) - known.keys())[:5]:
        raise DataRefused(f"{path}: has the probabilities {odd}, expected 1, 0 or 0.5: a preference is one of three.")
    return [known[one] for one in found[:, 0].tolist()]

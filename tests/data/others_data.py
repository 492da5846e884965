"""Data of others as tests make them: a data set, the files of answers about it, and what is read of them."""

import pickle
from pathlib import Path

import numpy as np

from rl_teacher.data.rows import Rows, Source
from rl_teacher.records import Preference
from tests.data import sets

EPISODES = sets.played((4, 6, 5))
"""Rows 0 to 3, which ended, 4 to 9 and 10 to 14, which were cut off."""
OBS = np.concatenate([one.obs[:-1] for one in EPISODES])
ACTION = np.concatenate([one.action for one in EPISODES])
VIEW = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13]
"""Rows of the file that `qlearning_dataset` keeps: without the last one of episodes that were cut off."""
L, R, T = Preference.LEFT, Preference.RIGHT, Preference.TIE


def dump(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(value))


def human_label(folder: Path, left: list[int], right: list[int], said: list[int], length: int | None = 3) -> Path:
    name = f"num{len(left)}" + (f"_q{length}" if length else "")
    dump(folder / f"indices_{name}", np.array(left, np.int32))
    dump(folder / f"indices_2_{name}", right)
    dump(folder / "label_human", said)
    return folder


def rows_of(source: Source) -> Rows:
    (rows,) = source.read()
    return rows


def expect_rows(source: Source, left: list[int], right: list[int], length: int) -> None:
    """That the segments are these rows of the file."""
    rows = rows_of(source)
    for side, starts in ((rows.left, left), (rows.right, right)):
        at = np.concatenate([np.arange(start, start + length) for start in starts])
        np.testing.assert_array_equal(side.obs, OBS[at])
        np.testing.assert_array_equal(side.action, ACTION[at])


def said(source: Source) -> list[Preference | None]:
    return [one.preference for one in source.answers]

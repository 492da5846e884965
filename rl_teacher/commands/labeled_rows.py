"""Comparisons of a source as what a reward model is fitted to, in memory or, where there is little, in a file."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rl_teacher.commands.data.facts import actions_of
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import ENDED, LAST, LIVED, LabeledBatch
from rl_teacher.core.mapped import mapped_array, release
from rl_teacher.data.about import DataAbout
from rl_teacher.data.rows import NO_END, Side, Source, verdicts
from rl_teacher.records import ComparisonId

MOST_IN_MEMORY = 256 * 2**20
"""Larger sets of arrays lie in files [byte]."""


def labeled_rows(source: Source, scratch: Path) -> LabeledBatch | None:
    """All comparisons with a target, in the order in which they were asked; None if there are none.

    Segments of several lengths are filled up with steps that nobody lived (ENDED), which are worth nothing.

    Args:
        source: read once.
        scratch: a folder for arrays that are too large for memory; the caller deletes it.
    """
    about, said = source.about, verdicts(source.answers)
    targets = {one: verdict.target for one, verdict in said.items() if verdict.target is not None}
    if not targets:
        return None
    arrays = _Arrays.fresh(about, len(targets), scratch)
    actions, at, keys, values = actions_of(about.action), 0, [], []
    for rows in source.read():
        kept = np.array([one in targets for one in rows.id], bool)
        num = int(kept.sum())
        for index, side in enumerate((rows.left, rows.right)):
            arrays.write(about, actions, side, kept, index, at)
        arrays.release()
        ids = [one for one, is_kept in zip(rows.id, kept, strict=True) if is_kept]
        keys += [_key(one) for one in ids]
        values += [targets[one] for one in ids]
        at += num
    return LabeledBatch(
        obs=arrays.obs, action=arrays.action, true_return=arrays.true_return, target=np.array(values, np.float32),
        key=np.array(keys, np.int64), phase=arrays.phase if (arrays.phase != LIVED).any() else None,
        next_obs=arrays.next_obs,
    )  # fmt: skip


def _key(one: ComparisonId) -> int:
    """A number made from an id, the same as a training makes: preferences/dataset.py."""
    digits = one.replace("-", "")[:15]
    try:
        return int(digits, 16)
    except ValueError:  # an id of somebody else
        return int(hashlib.sha256(one.encode()).hexdigest()[:15], 16)


class _Arrays(NamedTuple):
    """Of a `LabeledBatch`, filled some comparisons at a time."""

    obs: np.ndarray
    action: np.ndarray
    true_return: np.ndarray
    phase: np.ndarray
    next_obs: np.ndarray | None

    @classmethod
    def fresh(cls, about: DataAbout, num: int, scratch: Path) -> "_Arrays":
        """Arrays of zeros."""
        size = num * 2 * about.longest * about.num_obs * np.dtype(about.obs_dtype).itemsize
        is_large = size * (2 if about.has_next_obs else 1) > MOST_IN_MEMORY

        def zeros(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
            return mapped_array(scratch / name, shape, dtype) if is_large else np.zeros(shape, dtype)

        head = (num, 2, about.longest)
        return cls(
            zeros("obs", (*head, *about.obs_shape), about.obs_dtype),
            zeros("action", (*head, about.action.size), np.float32), np.zeros((num, 2), np.float64),
            np.zeros(head, np.int8),
            zeros("next_obs", (*head, *about.obs_shape), about.obs_dtype) if about.has_next_obs else None,
        )  # fmt: skip

    def write(self, about: DataAbout, actions: ActionSpec, side: Side, kept: np.ndarray, index: int, at: int) -> None:
        """Put one side of some comparisons where it belongs."""
        rows, lengths = slice(at, at + int(kept.sum())), side.lengths[kept]
        steps = np.repeat(kept, side.lengths)
        there = np.arange(about.longest)[None] < lengths[:, None]
        self.obs[rows, index][there] = side.obs[steps].reshape(-1, *about.obs_shape)
        self.action[rows, index][there] = actions.from_env(side.action[steps])
        if self.next_obs is not None and side.next_obs is not None:
            self.next_obs[rows, index][there] = side.next_obs[steps].reshape(-1, *about.obs_shape)
        if side.true_reward is not None and about.has_true_reward:
            owner = np.repeat(np.arange(len(lengths)), lengths)
            self.true_return[rows, index] = np.bincount(owner, side.true_reward[steps], minlength=len(lengths))
        self.phase[rows, index] = _phases(side.end[kept], there)

    def release(self) -> None:
        """Let go of the memory of what lies in files."""
        for array in self:
            if array is not None:
                release(array)


def _phases(end: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Of each step: steps behind the end of an episode, or of a segment, were not lived."""
    step, last = np.arange(there.shape[1])[None], end[:, None]
    phases = np.where(step < last - 1, LIVED, np.where(step == last - 1, LAST, ENDED))
    return np.where(there, np.where(last == NO_END, LIVED, phases), ENDED)

"""Comparisons of two stretches of steps of a data set, as most forms of others name them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from rl_teacher.data.about import DataAbout, EnvFacts, kept_dtype
from rl_teacher.data.d4rl_files import read_d4rl
from rl_teacher.data.data_sets import open_episodes
from rl_teacher.data.flat_steps import FlatSteps
from rl_teacher.data.origin import origin_of
from rl_teacher.data.rows import NO_END, Answer, AnyArray, Rows, Side, Source, Whole
from rl_teacher.errors import DataMismatch, DataRefused
from rl_teacher.records import Preference, make_id
from rl_teacher.rewards.portable_actions import BoxSpace, DiscreteSpace, Space

AT_ONCE = 500
"""Comparisons whose arrays are in memory twice."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says beside the labels."""

    dataset: str = ""
    """Id or path of the data set that the labels speak of; empty: none was given."""
    facts: EnvFacts | None = None
    """Of the environment that was named; None: none was."""
    steps: int = 0
    """Of a segment, where the files do not say; 0: not given."""
    best: str = ""
    """`lowest` or `highest`: which of two numbers is the better one; empty: not given."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two stretches each of the same steps, and what was said of them."""

    left: Whole
    """First row of each left segment."""
    right: Whole
    length: int
    said: Sequence[Preference]
    labeler: str


def read_steps(given: Given, what: str) -> FlatSteps:
    """All steps of the data set that was given, in the order of its files.

    Raises:
        DataMismatch: none was given.
    """
    if not given.dataset:
        raise DataMismatch(
            f"{what}: holds where segments lie in a data set, not what is in them. Name it by --dataset."
        )
    found = open_episodes(given.dataset)
    parts = list(found.read())
    joined = {
        name: np.concatenate([getattr(one, name) for one in parts])
        for name in ("obs", "action", "reward", "terminated", "truncated", "next_obs")
    }
    numbers = np.repeat([one.number for one in parts], [len(one) for one in parts])
    return FlatSteps(**joined, episode_id=numbers)


def learning_view(given: Given, what: str) -> FlatSteps:
    """The steps of D4RL's `qlearning_dataset`, which labels of Preference Transformer and Uni-RLHF count.

    It leaves out the last step of each episode that was cut off, and the last step of all: in the file itself every
    row behind lies further down.

    Raises:
        DataMismatch: no data set was given.
        DataRefused: it is none of D4RL's, or does not say where episodes were cut off.
    """
    if not given.dataset:
        raise DataMismatch(
            f"{what}: holds where segments lie in a data set, not what is in them. Name it by --dataset."
        )
    path = Path(given.dataset).expanduser()
    if open_episodes(given.dataset).form != "d4rl":
        raise DataRefused(f"{given.dataset}: is no HDF5 of D4RL, whose steps these labels count. Name that file.")
    if not open_episodes(given.dataset).has_truncations:
        raise DataRefused(f"{path}: has no timeouts, which these labels need to be counted. Use version 2 of the set.")
    steps = read_d4rl(path)
    follows = np.concatenate([steps.obs[1:], steps.obs[-1:]])
    starts, num = steps.starts(), len(steps)
    episode = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    kept = ~steps.truncated & (np.arange(num) < num - 1)
    return FlatSteps(
        steps.obs[kept], steps.action[kept], steps.reward[kept], steps.terminated[kept], steps.truncated[kept],
        follows[kept], episode[kept],
    )  # fmt: skip


def pairs_source(kind: str, name: str, steps: FlatSteps, pairs: Pairs, given: Given) -> Source:
    """Comparisons of stretches of steps.

    Args:
        kind: of the form, such as uni-rlhf.
        name: of what was read.
        steps: that the pairs count.
        pairs: where segments start, and what was said.
        given: of the command line.

    Raises:
        DataMismatch: a segment lies beyond the data set, or the named environment has other spaces.
    """
    num = len(steps)
    for side, starts in (("left", pairs.left), ("right", pairs.right)):
        wrong = (starts < 0) | (starts + pairs.length > num)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataMismatch(
                f"{name}, pair {row}: its {side} segment is steps {starts[row]:,} to {starts[row] + pairs.length:,}, "
                f"but {given.dataset} has {num:,}. Is it the data set that was labeled, of the same version?"
            )
    if (same := pairs.left == pairs.right).any():
        raise DataMismatch(f"{name}, pair {int(np.argmax(same))}: both segments are the same. Leave it out.")
    facts = facts_for(steps, given)
    rows = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    ids = [make_id(kind, name, i, left, right, pairs.length) for i, (left, right) in enumerate(rows)]
    answers = [Answer(one, pairs.labeler, said) for one, said in zip(ids, pairs.said, strict=True)]
    about = DataAbout(
        facts.env_id, facts.obs_shape, kept_dtype(str(steps.obs.dtype)), facts.action, facts.names, facts.fps,
        facts.is_fixed_horizon, pairs.length, pairs.length, has_next_obs=steps.next_obs is not None,
        has_true_reward=True, origin=origin_of(kind, name, answers),
    )  # fmt: skip
    return Source(about, answers, partial(_read, kind, name, steps, pairs, about, ids), notes=crossing(steps, pairs))


def facts_for(steps: FlatSteps, given: Given) -> EnvFacts:
    """Of the environment that was named; else as the data set says it.

    Raises:
        DataMismatch: the named one has other spaces.
    """
    shape = steps.obs.shape[1:]
    if given.facts is not None:
        size = given.facts.action.size if isinstance(given.facts.action, BoxSpace) else 1
        found = int(np.prod(steps.action.shape[1:], dtype=np.int64))
        if int(np.prod(given.facts.obs_shape)) != int(np.prod(shape)) or size != found:
            raise DataMismatch(
                f"--env {given.facts.env_id}: has observations of shape {given.facts.obs_shape} and {size} numbers of "
                f"action, expected {shape} and {found} as in {given.dataset}."
            )
        return given.facts
    found_set = open_episodes(given.dataset)
    action = found_set.action or _unbounded(steps.action)
    names = tuple(f"observation {i}" for i in range(int(np.prod(shape)))) + tuple(
        f"action {i}" for i in range(action.size)
    )
    env_id = found_set.env_id or Path(given.dataset).stem
    return EnvFacts(env_id, tuple(shape), action, names, None, False)


def _unbounded(action: AnyArray) -> Space:
    """Actions of which only the data are known: whole numbers are choices."""
    if action.ndim == 1 and action.dtype.kind in "iu":
        return (
            DiscreteSpace(int(action.max()) + 1)
            if action.min() >= 0
            else DiscreteSpace(int(action.max() - action.min()) + 1, int(action.min()))
        )
    size = int(np.prod(action.shape[1:], dtype=np.int64))
    return BoxSpace((-np.inf,) * size, (np.inf,) * size, kept_dtype(str(action.dtype)))


def crossing(steps: FlatSteps, pairs: Pairs) -> tuple[str, ...]:
    """A line about segments that reach beyond the end of an episode; none where none does."""
    assert steps.episode_id is not None, "both views say it"
    starts = np.concatenate([pairs.left, pairs.right])
    num = int((steps.episode_id[starts] != steps.episode_id[starts + pairs.length - 1]).sum())
    if not num:
        return ()
    return (f"Mind: {num:,} of {len(starts):,} segments reach beyond the end of an episode, as they were labeled.",)


def _read(kind: str, name: str, steps: FlatSteps, pairs: Pairs, about: DataAbout, ids: Sequence[str]) -> Iterator[Rows]:
    for at in range(0, len(ids), AT_ONCE):
        part = slice(at, min(at + AT_ONCE, len(ids)))
        left, right = (
            _side(kind, name, steps, starts[part], pairs.length, about) for starts in (pairs.left, pairs.right)
        )
        yield Rows(list(ids[part]), np.zeros(len(ids[part]), np.int64), left, right)


def _side(kind: str, name: str, steps: FlatSteps, starts: Whole, length: int, about: DataAbout) -> Side:
    rows = (starts[:, None] + np.arange(length)[None]).reshape(-1)
    num, numbers = len(starts), steps.episode_id
    assert numbers is not None, "both views say it"
    first_of = np.concatenate([[0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1])
    place = np.searchsorted(first_of, starts, side="right") - 1
    inside = numbers[starts] == numbers[starts + length - 1]
    ends = inside & steps.terminated[starts + length - 1]
    zeros = np.zeros(num, np.int64)
    return Side(
        id=[make_id(kind, name, "segment", start, length) for start in starts.tolist()],
        lengths=np.full(num, length, np.int64),
        obs=steps.obs[rows].reshape(len(rows), -1).astype(about.obs_dtype, copy=False),
        action=steps.action[rows].reshape(len(rows), *about.action_shape).astype(about.action_dtype, copy=False),
        env_index=zeros, episode=place.astype(np.int64), start=starts - first_of[place], iteration=zeros,
        end=np.where(ends, length, NO_END).astype(np.int64),
        next_obs=None if steps.next_obs is None
        else steps.next_obs[rows].reshape(len(rows), -1).astype(about.obs_dtype, copy=False),
        true_reward=steps.reward[rows].astype(np.float64),
    )  # fmt: skip

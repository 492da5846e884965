"""The comparisons of a run, from its folder."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.core.frame_stacks import FrameStacks
from rl_teacher.data.about import DataAbout, EnvFacts, kept_dtype
from rl_teacher.data.origin import origin_of
from rl_teacher.data.rows import NO_END, Answer, AnyArray, Rows, Side, Source
from rl_teacher.data.tables import rows_per_group
from rl_teacher.errors import DataMismatch
from rl_teacher.records import Comparison
from rl_teacher.storage.label_files import comparisons_in, labels_in
from rl_teacher.storage.segment_files import Part, SegmentFiles, SegmentReader, both_sides, in_order, unreadable

Columns = Mapping[str, Sequence[Any]]
"""Of some segments, a row each."""


def run_source(folder: Path, facts: EnvFacts, reward_settings: Mapping[str, Any]) -> Source:
    """All that a run asked, and was told.

    Args:
        folder: of the run.
        facts: of its environment.
        reward_settings: of its reward model, as JSON values.

    Raises:
        FileDamaged: a file of the run cannot be read.
        DataMismatch: it asked for nothing, or its segments are of another environment.
    """
    asked = list(comparisons_in(folder))
    if not asked:
        raise DataMismatch(f"{folder}: this run has no comparison yet. Let it ask for some.")
    known = {one.id for one in asked}
    answers = [
        Answer(one.comparison, one.labeler, one.preference, one.answered_at)
        for one in labels_in(folder)
        if one.comparison in known
    ]
    files = SegmentFiles(folder)
    files.require(asked)
    kinds = files.kinds(both_sides(asked))
    lengths = {kind.steps for kind in kinds}
    (first,) = SegmentReader(files).read([asked[0].left])
    obs = _obs(first)
    _require_fit(obs, _action(first), facts, folder)
    about = DataAbout(
        facts.env_id, facts.obs_shape, kept_dtype(str(obs.dtype)), facts.action, facts.names, facts.fps,
        facts.is_fixed_horizon, min(lengths), max(lengths),
        has_next_obs=all(kind.has_next_obs for kind in kinds), has_true_reward=True,
        origin=origin_of("run", folder.name, answers), reward_settings=reward_settings,
    )  # fmt: skip
    return Source(about, answers, partial(_read, files, asked, about))


def _obs(part: Part) -> AnyArray:
    """Observations, with pictures that were kept as single frames as the stacks that they were."""
    try:
        if (frames := part.arrays.get("obs_frames")) is None:
            return part.arrays["obs"]
        return np.asarray(FrameStacks(frames, frames.shape[1] - part.arrays["true_reward"].shape[1] + 1))
    except (KeyError, IndexError, ValueError) as error:
        raise unreadable(part.path, error) from error


def _action(part: Part) -> AnyArray:
    try:
        return part.arrays["reward_action"]
    except KeyError as error:
        raise unreadable(part.path, error) from error


def _require_fit(obs: AnyArray, action: AnyArray, facts: EnvFacts, folder: Path) -> None:
    """Whether segments are those of this environment."""
    found = obs.shape[2:], action.shape[2:]
    if found != (facts.obs_shape, (facts.action.size,)):
        raise DataMismatch(
            f"{folder}: its observations have shape {found[0]} and its actions {found[1]}, expected "
            f"{facts.obs_shape} and {(facts.action.size,)} as in {facts.env_id}. Has the environment changed since?"
        )


def _read(files: SegmentFiles, asked: Sequence[Comparison], about: DataAbout) -> Iterator[Rows]:
    reader, size = SegmentReader(files), rows_per_group(about)
    for start in range(0, len(asked), size):
        some = asked[start : start + size]
        parts = reader.read(both_sides(some))
        columns, rows = [_columns(part, about) for part in parts], in_order(parts)
        left, right = (_side(columns, taken, about) for taken in (rows[: len(some)], rows[len(some) :]))
        yield Rows([one.id for one in some], np.array([one.step for one in some], np.int64), left, right)


def _columns(part: Part, about: DataAbout) -> Columns:
    """What a side is made of."""
    arrays, obs = part.arrays, _obs(part)
    try:
        num, steps = arrays["true_reward"].shape

        def per_step(array: AnyArray, dtype: str, *shape: int) -> AnyArray:
            return np.asarray(array, dtype).reshape(num, steps, *shape)

        return {
            "id": arrays["id"].tolist(), "obs": per_step(obs, about.obs_dtype, about.num_obs),
            "action": per_step(arrays["env_action"], about.action_dtype, *about.action_shape),
            "next_obs": per_step(arrays["next_obs"], about.obs_dtype, about.num_obs) if about.has_next_obs else (),
            "true_reward": per_step(arrays["true_reward"], "float64"), "end": arrays.get("end", np.full(num, NO_END)),
            **{name: arrays[name] for name in ("env", "episode", "start", "iteration")},
        }  # fmt: skip
    except (KeyError, ValueError) as error:
        raise unreadable(part.path, error) from error


def _side(parts: Sequence[Columns], rows: AnyArray, about: DataAbout) -> Side:
    """Rows of some columns that lie one behind the other; segments may have several lengths."""

    def per_segment(name: str) -> AnyArray:
        return np.concatenate([columns[name] for columns in parts])[rows].astype(np.int64)

    def per_step(name: str) -> AnyArray:
        found = [row for columns in parts for row in columns[name]]
        return np.concatenate([found[row] for row in rows])

    ids = [one for columns in parts for one in columns["id"]]
    rewards = [len(one) for columns in parts for one in columns["true_reward"]]
    return Side(
        id=[ids[row] for row in rows], lengths=np.array(rewards, np.int64)[rows], obs=per_step("obs"),
        action=per_step("action"), env_index=per_segment("env"), episode=per_segment("episode"),
        start=per_segment("start"), iteration=per_segment("iteration"), end=per_segment("end"),
        next_obs=per_step("next_obs") if about.has_next_obs else None, true_reward=per_step("true_reward"),
    )  # fmt: skip

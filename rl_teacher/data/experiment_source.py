"""The comparisons of an experiment as a feedback server keeps them: answers, clips, and an .npz for each segment."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rl_teacher.data.about import DataAbout, EnvFacts, kept_dtype
from rl_teacher.data.origin import origin_of
from rl_teacher.data.rows import NO_END, Answer, AnyArray, Rows, Side, Source, Whole
from rl_teacher.errors import DataDamaged, DataMismatch
from rl_teacher.records import ComparisonId, SegmentId

AT_ONCE = 100
"""Comparisons whose arrays are in memory together."""
Arrays = Mapping[str, AnyArray]


@dataclass(frozen=True, slots=True)
class Event:
    """An answer to a comparison, with its sides."""

    answer: Answer
    left: SegmentId
    right: SegmentId


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What the server knows of a segment beside its arrays."""

    step: int
    """Environment steps of the agent when it was asked about."""
    meta: Mapping[str, Any]
    """`env`, `episode`, `start`, `iteration`, and `end` where its episode ended."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment, wherever it is."""

    name: str
    events: Sequence[Event]
    """Those that may be trained on, oldest first."""
    clips: Mapping[SegmentId, ClipFacts]
    packed: Callable[[SegmentId], bytes]
    """The .npz of a segment."""
    mp4: Callable[[SegmentId], bytes]
    reward_settings: Mapping[str, Any]


def experiment_source(experiment: Experiment, facts: EnvFacts, to_env: Callable[[AnyArray], AnyArray]) -> Source:
    """All that was answered.

    Args:
        experiment: as the server keeps it.
        facts: of its environment.
        to_env: actions as a reward sees them, in the environment's units.

    Raises:
        DataMismatch: nothing was answered, or the segments are of another environment.
        DataDamaged: an array or a clip is missing.
    """
    if not experiment.events:
        raise DataMismatch(f"experiment {experiment.name!r}: no answer that can be trained on yet. Label some pairs.")
    asked = {one.answer.comparison: one for one in reversed(experiment.events)}
    order = list(dict.fromkeys(one.answer.comparison for one in experiment.events))
    sides = {side for one in asked.values() for side in (one.left, one.right)}
    if lost := sides - experiment.clips.keys():
        raise DataDamaged(f"experiment {experiment.name!r}: knows no clip {min(lost)}. Export it again.")
    lengths, follows, paid, dtypes = set[int](), True, True, set[str]()
    for side in sides:
        arrays = _arrays(experiment, side)
        _require_fit(arrays, facts, experiment.name)
        lengths.add(len(arrays["actions"]))
        dtypes.add(str(arrays["obs"].dtype))
        follows, paid = follows and "next_obs" in arrays, paid and "true_reward" in arrays
    answers = [one.answer for one in experiment.events]
    about = DataAbout(
        facts.env_id, facts.obs_shape, kept_dtype(min(dtypes)), facts.action, facts.names, facts.fps,
        facts.is_fixed_horizon, min(lengths), max(lengths), has_next_obs=follows, has_true_reward=paid, has_clips=True,
        origin=origin_of("experiment", experiment.name, answers), reward_settings=experiment.reward_settings,
    )  # fmt: skip
    return Source(about, answers, partial(_read, experiment, order, asked, about, to_env), experiment.mp4)


def _arrays(experiment: Experiment, side: SegmentId) -> Arrays:
    try:
        with np.load(io.BytesIO(experiment.packed(side)), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataDamaged(
            f"experiment {experiment.name!r}: the arrays of clip {side} cannot be read ({error})."
        ) from error
    if missing := {"obs", "actions"} - found.keys():
        raise DataDamaged(f"experiment {experiment.name!r}: clip {side} has no {', '.join(sorted(missing))}.")
    return found


def _require_fit(arrays: Arrays, facts: EnvFacts, name: str) -> None:
    found = arrays["obs"].shape[1:], arrays["actions"].shape[1:]
    if found != (facts.obs_shape, (facts.action.size,)):
        raise DataMismatch(
            f"experiment {name!r}: observations of shape {found[0]} and actions of {found[1]}, expected "
            f"{facts.obs_shape} and {(facts.action.size,)} as in {facts.env_id}. Has the environment changed since?"
        )


def _read(
    experiment: Experiment, order: Sequence[ComparisonId], asked: Mapping[ComparisonId, Event], about: DataAbout,
    to_env: Callable[[AnyArray], AnyArray],
) -> Iterator[Rows]:  # fmt: skip
    for at in range(0, len(order), AT_ONCE):
        ids = order[at : at + AT_ONCE]
        events = [asked[one] for one in ids]
        left, right = ([getattr(one, name) for one in events] for name in ("left", "right"))
        steps = [max(experiment.clips[one.left].step, experiment.clips[one.right].step) for one in events]
        yield Rows(
            ids, np.array(steps, np.int64), _side(experiment, left, about, to_env),
            _side(experiment, right, about, to_env),
        )  # fmt: skip


def _side(
    experiment: Experiment, ids: Sequence[SegmentId], about: DataAbout, to_env: Callable[[AnyArray], AnyArray]
) -> Side:
    found = [_arrays(experiment, one) for one in ids]

    def per_step(name: str, shape: tuple[int, ...], dtype: str) -> AnyArray:
        return np.concatenate([one[name].reshape(-1, *shape) for one in found]).astype(dtype, copy=False)

    def meta(name: str, unknown: int = 0) -> Whole:
        return np.array([int(experiment.clips[one].meta.get(name, unknown)) for one in ids], np.int64)

    actions = to_env(per_step("actions", (about.action.size,), "float32"))
    return Side(
        id=list(ids), lengths=np.array([len(one["actions"]) for one in found], np.int64),
        obs=per_step("obs", (about.num_obs,), about.obs_dtype), action=actions.astype(about.action_dtype, copy=False),
        env_index=meta("env"), episode=meta("episode"), start=meta("start"), iteration=meta("iteration"),
        end=meta("end", NO_END),
        next_obs=per_step("next_obs", (about.num_obs,), about.obs_dtype) if about.has_next_obs else None,
        true_reward=per_step("true_reward", (), "float64") if about.has_true_reward else None,
    )  # fmt: skip

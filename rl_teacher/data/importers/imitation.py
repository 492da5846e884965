"""The library imitation: a pickle of its PreferenceDataset, or a folder as `rl-teacher data export` writes for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.about import DataAbout, EnvFacts, kept_dtype
from rl_teacher.data.extras import load_pyarrow
from rl_teacher.data.imitation_layout import LEFT_FOLDER, PREFERENCES, RIGHT_FOLDER, TABLE
from rl_teacher.data.importers.pairs import Given
from rl_teacher.data.importers.unpickling import Record, load_pickle
from rl_teacher.data.origin import origin_of
from rl_teacher.data.rows import NO_END, Answer, AnyArray, Rows, Side, Source
from rl_teacher.errors import DataDamaged, DataMismatch, DataRefused
from rl_teacher.records import Preference, make_id
from rl_teacher.rewards.portable_actions import BoxSpace, DiscreteSpace, Space

SAID = {1.0: Preference.LEFT, 0.0: Preference.RIGHT, 0.5: Preference.TIE}


class PreferenceDataset(Record):
    """Stands in for imitation's."""


class Trajectory(Record):
    """Stands in for imitation's, with rewards or without."""


RECORDS: dict[tuple[str, str], type[Record]] = {
    ("imitation.algorithms.preference_comparisons", "PreferenceDataset"): PreferenceDataset,
    ("imitation.data.types", "Trajectory"): Trajectory,
    ("imitation.data.types", "TrajectoryWithRew"): Trajectory,
}


def is_imitation(path: Path) -> bool:
    """Whether it is a folder written for imitation, or a pickle."""
    return (path / PREFERENCES).is_file() or (path.is_file() and path.suffix in (".pkl", ".pickle"))


def imitation(path: Path, given: Given) -> Source:
    """The comparisons of a pickle or a folder; the arrays are in it, so that no data set is needed.

    Raises:
        DataRefused: the pickle holds something else, whose class is named; or preferences between 0, 0.5 and 1.
        DataDamaged: a file cannot be read, or sides differ in number.
    """
    found = _of_folder(path) if path.is_dir() else _of_pickle(path)
    sides, preferences = found
    if odd := sorted(set(preferences.tolist()) - SAID.keys())[:5]:
        raise DataRefused(f"{path}: has the preferences {odd}, expected 1, 0 or 0.5: a preference is one of three.")
    num = len(preferences)
    if not num or [len(one) for one in sides] != [num, num]:
        raise DataDamaged(
            f"{path}: has {[len(one) for one in sides]} segments and {num} preferences, expected as many."
        )
    kept = [
        [_kept(path, side, one) for one in segments] for side, segments in zip(("left", "right"), sides, strict=True)
    ]
    facts = given.facts or _facts(path, kept[0][0])
    return _source(path, facts, kept, preferences)


Segment = dict[str, Any]


def _of_pickle(path: Path) -> tuple[list[Sequence[Any]], AnyArray]:
    data = load_pickle(path, RECORDS)
    if not isinstance(data, PreferenceDataset):
        raise DataRefused(f"{path}: holds a {type(data).__name__}, expected a PreferenceDataset of imitation.")
    sides = [vars(data).get(name) for name in ("fragments1", "fragments2")]
    if not all(isinstance(side, list) and all(isinstance(one, Trajectory) for one in side) for side in sides):
        raise DataDamaged(f"{path}: its fragments are no lists of trajectories.")
    return [[vars(one) for one in side] for side in sides if side], _preferences(path, vars(data).get("preferences"))


def _of_folder(path: Path) -> tuple[list[Sequence[Any]], AnyArray]:
    try:
        values = np.load(path / PREFERENCES, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataDamaged(f"{path / PREFERENCES}: cannot be read ({error}).") from error
    return [_table(path / name / TABLE) for name in (LEFT_FOLDER, RIGHT_FOLDER)], _preferences(path, values)


def _table(path: Path) -> list[Segment]:
    pa = load_pyarrow("trajectories of imitation")
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            rows = reader.read_all().to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataDamaged(f"{path}: cannot be read ({' '.join(str(error).split())[:120]}).") from error
    return [dict(row) for row in rows]


def _preferences(path: Path, values: Any) -> AnyArray:
    found = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "fiub":
        raise DataDamaged(
            f"{path}: its preferences are {found.dtype} of shape {found.shape}, expected one for each pair."
        )
    return found.astype(np.float64)


def _kept(path: Path, side: str, one: Segment) -> Segment:
    """A trajectory as arrays that fit each other."""
    try:
        obs, acts = np.asarray(one["obs"]), np.asarray(one["acts"])
        rews = None if one.get("rews") is None else np.asarray(one["rews"], np.float64)
    except (KeyError, ValueError, TypeError) as error:
        raise DataDamaged(f"{path}: a {side} trajectory lacks {error}, expected obs and acts.") from error
    fits = len(acts) > 0 and len(obs) == len(acts) + 1 and (rews is None or rews.shape == (len(acts),))
    if obs.dtype.kind not in "fiub" or acts.dtype.kind not in "fiub" or obs.ndim < 2 or not fits:
        raise DataDamaged(
            f"{path}: a {side} trajectory has obs of shape {obs.shape} and acts of {acts.shape}, expected an "
            "observation more than actions."
        )
    return {"obs": obs, "acts": acts, "rews": rews, "terminal": bool(one.get("terminal", False))}


def _facts(path: Path, one: Segment) -> EnvFacts:
    shape, acts = one["obs"].shape[1:], one["acts"]
    action: Space
    if acts.ndim == 1:
        raise DataMismatch(f"{path}: its actions are choices; how many there are it does not say. Name it by --env ID.")
    action = BoxSpace((-np.inf,) * acts.shape[1], (np.inf,) * acts.shape[1], kept_dtype(str(acts.dtype)))
    names = [f"observation {i}" for i in range(int(np.prod(shape)))] + [f"action {i}" for i in range(acts.shape[1])]
    return EnvFacts(path.stem, tuple(shape), action, tuple(names), None, False)


def _source(path: Path, facts: EnvFacts, kept: list[list[Segment]], preferences: AnyArray) -> Source:
    every = [one for side in kept for one in side]
    actions = () if isinstance(facts.action, DiscreteSpace) else (facts.action.size,)
    for one in every:
        if one["obs"].shape[1:] != facts.obs_shape or one["acts"].shape[1:] != actions:
            raise DataMismatch(
                f"{path}: observations of shape {one['obs'].shape[1:]} and actions of {one['acts'].shape[1:]}, "
                f"expected {facts.obs_shape} and {actions} as in {facts.env_id}."
            )
    lengths = [len(one["acts"]) for one in every]
    ids = [make_id("imitation", path.name, i) for i in range(len(preferences))]
    answers = [Answer(one, "imitation", SAID[value]) for one, value in zip(ids, preferences.tolist(), strict=True)]
    about = DataAbout(
        facts.env_id, facts.obs_shape, kept_dtype(str(every[0]["obs"].dtype)), facts.action, facts.names, facts.fps,
        facts.is_fixed_horizon, min(lengths), max(lengths), has_next_obs=True,
        has_true_reward=all(one["rews"] is not None for one in every),
        origin=origin_of("imitation", path.name, answers),
    )  # fmt: skip

    def read() -> Iterator[Rows]:
        sides = [_side(path, name, side, about) for name, side in zip(("left", "right"), kept, strict=True)]
        yield Rows(ids, np.zeros(len(ids), np.int64), *sides)

    return Source(about, answers, read)


def _side(path: Path, name: str, segments: list[Segment], about: DataAbout) -> Side:
    lengths = np.array([len(one["acts"]) for one in segments], np.int64)
    zeros = np.zeros(len(segments), np.int64)

    def rows(arrays: list[AnyArray], *shape: int, dtype: str) -> AnyArray:
        return np.concatenate([one.reshape(len(one), *shape) for one in arrays]).astype(dtype, copy=False)

    return Side(
        id=[make_id("imitation", path.name, name, i) for i in range(len(segments))], lengths=lengths,
        obs=rows([one["obs"][:-1] for one in segments], about.num_obs, dtype=about.obs_dtype),
        action=rows([one["acts"] for one in segments], *about.action_shape, dtype=about.action_dtype),
        env_index=zeros, episode=zeros, start=zeros, iteration=zeros,
        end=np.where([one["terminal"] for one in segments], lengths, NO_END).astype(np.int64),
        next_obs=rows([one["obs"][1:] for one in segments], about.num_obs, dtype=about.obs_dtype),
        true_reward=rows([one["rews"] for one in segments], dtype="float64") if about.has_true_reward else None,
    )  # fmt: skip

"""The comparisons of a run, from its folder."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.core.frame_stacks import FrameStacks
from rl_teacher.data.about import DataAbout, EnvFacts, kept_dtype
from rl_teacher.data.origin import origin_of
from rl_teacher.data.rows import NO_END, Answer, AnyArray, Rows, Side, Source
from rl_teacher.errors import DataMismatch
from rl_teacher.storage.label_files import Line, by_file, comparison_lines, labels_in, read_arrays, unreadable
from rl_teacher.storage.names import SEGMENTS

Arrays = Mapping[str, AnyArray]


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
    files = by_file(comparison_lines(folder))
    if not files:
        raise DataMismatch(f"{folder}: this run has no comparison yet. Let it ask for some.")
    known = {line["id"] for lines in files.values() for line in lines}
    answers = [
        Answer(one.comparison, one.labeler, one.preference, one.answered_at)
        for one in labels_in(folder)
        if one.comparison in known
    ]
    paths = {folder / SEGMENTS / file: lines for file, lines in files.items()}
    lengths = [_steps(path) for path in paths]
    first = _arrays(next(iter(paths)))
    _require_fit(first, facts, folder)
    about = DataAbout(
        facts.env_id, facts.obs_shape, kept_dtype(str(first["left_obs"].dtype)), facts.action, facts.names, facts.fps,
        facts.is_fixed_horizon, min(lengths), max(lengths),
        has_next_obs=all(_has_next_obs(path) for path in paths), has_true_reward=True,
        origin=origin_of("run", folder.name, answers), reward_settings=reward_settings,
    )  # fmt: skip
    return Source(about, answers, partial(_read, paths, about))


def _arrays(path: Path) -> dict[str, AnyArray]:
    """The arrays of a round, with pictures that were kept as single frames as the stacks that they were."""
    arrays = read_arrays(path)
    try:
        for side in ("left", "right"):
            if (frames := arrays.pop(f"{side}_obs_frames", None)) is not None:
                num = arrays[f"{side}_true_reward"].shape[1]
                arrays[f"{side}_obs"] = np.asarray(FrameStacks(frames, frames.shape[1] - num + 1))
        if missing := [name for name in ("left_obs", "right_obs") if name not in arrays]:
            raise KeyError(missing[0])
    except (KeyError, IndexError, ValueError) as error:
        raise unreadable(path, error) from error
    return arrays


def _steps(path: Path) -> int:
    """Steps of the segments in a file, of which little is read."""
    return int(_member(path, "left_true_reward").shape[1])


def _member(path: Path, name: str) -> AnyArray:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])
    except Exception as error:  # whatever a file that was cut off makes NumPy or zipfile raise
        raise unreadable(path, error) from error


def _has_next_obs(path: Path) -> bool:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {"left_next_obs", "right_next_obs"} <= set(arrays.files)


def _require_fit(arrays: Arrays, facts: EnvFacts, folder: Path) -> None:
    """Whether segments are those of this environment."""
    found = arrays["left_obs"].shape[2:], arrays["left_reward_action"].shape[2:]
    if found != (facts.obs_shape, (facts.action.size,)):
        raise DataMismatch(
            f"{folder}: its observations have shape {found[0]} and its actions {found[1]}, expected "
            f"{facts.obs_shape} and {(facts.action.size,)} as in {facts.env_id}. Has the environment changed since?"
        )


def _read(paths: Mapping[Path, list[Line]], about: DataAbout) -> Iterator[Rows]:
    for path, lines in paths.items():
        arrays = _arrays(path)
        taken = np.array([line["row"] for line in lines], np.int64)
        try:
            left, right = (_side(arrays, side, taken, about) for side in ("left", "right"))
        except (KeyError, IndexError, ValueError) as error:
            raise unreadable(path, error) from error
        yield Rows([line["id"] for line in lines], np.array([line["step"] for line in lines], np.int64), left, right)


def _side(arrays: Arrays, side: str, taken: AnyArray, about: DataAbout) -> Side:
    num, steps = len(taken), arrays[f"{side}_true_reward"].shape[1]

    def per_step(name: str, *shape: int, dtype: str) -> AnyArray:
        return np.ascontiguousarray(arrays[f"{side}_{name}"][taken], dtype).reshape(num * steps, *shape)

    def per_segment(name: str) -> AnyArray:
        return np.asarray(arrays[f"{side}_{name}"][taken], np.int64)

    env_index, episode, start, iteration = (per_segment(one) for one in ("env", "episode", "start", "iteration"))
    return Side(
        id=[str(one) for one in arrays[f"{side}_id"][taken]], lengths=np.full(num, steps, np.int64),
        obs=per_step("obs", about.num_obs, dtype=about.obs_dtype),
        action=per_step("env_action", *about.action_shape, dtype=about.action_dtype),
        env_index=env_index, episode=episode, start=start, iteration=iteration,
        end=per_segment("end") if f"{side}_end" in arrays else np.full(num, NO_END, np.int64),
        next_obs=per_step("next_obs", about.num_obs, dtype=about.obs_dtype) if about.has_next_obs else None,
        true_reward=per_step("true_reward", dtype="float64"),
    )  # fmt: skip

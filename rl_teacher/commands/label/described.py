"""What must be known of a data set's environment for its segments to be compared; most of it is in the data."""

import dataclasses
import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl_teacher.commands.data.facts import actions_of
from rl_teacher.commands.fitting import frames_of
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.vision import is_picture
from rl_teacher.data.episodes import AnyArray, EpisodeSet
from rl_teacher.data.sample import Sample
from rl_teacher.envs.catalog import NAMESPACE, find_env, find_task
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.task import Task
from rl_teacher.errors import ConfigError, DataMismatch, DataRefused, EnvFault, UnknownEnv
from rl_teacher.rewards.export import FrameSpec
from rl_teacher.rewards.portable_actions import BoxSpace, DiscreteSpace, Space

D4RL_NAME = re.compile(r"(hopper|walker2d|halfcheetah|ant)[_-]", re.IGNORECASE)
"""How D4RL's files of robots that we know begin."""
GYMNASIUM_ID = {"hopper": "Hopper-v5", "walker2d": "Walker2d-v5", "halfcheetah": "HalfCheetah-v5", "ant": "Ant-v5"}
DEFAULT_FPS = 30
"""Of clips of environments of which nothing is known."""
MOST_NUMBERS = 16_384
"""Of an observation that is no picture for a convolutional network."""
MOST_PIXELS = 131_072
"""Of one that is: 128 x 128 in gray, 8 of them in a row."""
ROUNDING = 1e-3
"""By which actions may lie beyond +-1."""


class Described(NamedTuple):
    """A data set's environment."""

    spec: EnvSpec
    frames: FrameSpec
    task: Task | None
    """That of ours whose robot it has, if it is one of the nine."""


def described(found: EpisodeSet, sample: Sample, env_id: str, fps: int | None) -> Described:
    """What is known of a data set's environment, from the set, from what the user says, and from this machine.

    Args:
        found: the data set.
        sample: of it.
        env_id: that the user names; else what the set says.
        fps: frames per second of a clip; None: as the environment says it.

    Raises:
        UnknownEnv: the user names an environment that there is not.
        DataMismatch: its actions are other ones than those of the set.
        DataRefused: its observations are too large, or nobody says what actions there are.
    """
    size = math.prod(found.obs_shape)
    if size > (MOST_PIXELS if is_picture(found.obs_shape) else MOST_NUMBERS):
        raise DataRefused(
            f"{found.place}: observations of shape {found.obs_shape} have {size:,} numbers, expected at most "
            f"{MOST_NUMBERS:,}, or {MOST_PIXELS:,} of pictures (height, width, channels). Make them smaller first."
        )
    name = env_id or found.env_id or _guessed(found)
    spec, frames = _known(name, is_given=bool(env_id))
    task = _task_of(name)
    is_sure = bool(env_id or found.env_id)
    actions = _actions(found, sample, None if frames is None else frames.actions, is_sure=is_sure)
    is_like = frames is not None and math.prod(frames.obs_shape) == size and frames.actions.size == actions.size
    names = frames.names if frames is not None and is_like else _numbered(size, actions.size)
    if spec is None:
        told = f"'{name or found.place}' cannot be made on this machine; what follows is read from the data set."
        rate = task.clip_fps if task is not None else DEFAULT_FPS
        own = name or Path(found.place).name
        spec = EnvSpec(own, own, False, None, False, rate, None if task is None else 1 / rate, description=told)
    dtype = "uint8" if sample.obs_dtype == np.uint8 else "float32"
    is_task, is_seen = spec.is_task and is_like, dtype == "uint8" and is_picture(found.obs_shape)
    spec = dataclasses.replace(
        spec, is_task=is_task, is_fixed_horizon=not sample.ends, horizon=sample.longest, clip_fps=fps or spec.clip_fps,
        turns=spec.turns if is_like else (), kind="task" if is_task else "pictures" if is_seen else "gymnasium",
        frame_stack=1, clip_steps=None,
    )  # fmt: skip
    return Described(spec, FrameSpec(spec.canonical_id, found.obs_shape, actions, names, dtype), task)


def _guessed(found: EpisodeSet) -> str:
    """The environment of a file that is called as D4RL calls its own; empty for all others."""
    parts = D4RL_NAME.match(Path(found.place).name) if found.form == "d4rl" else None
    return GYMNASIUM_ID[parts[1].lower()] if parts else ""


def _known(name: str, *, is_given: bool) -> tuple[EnvSpec | None, FrameSpec | None]:
    """An environment that this machine can make, and its frames; none where it cannot.

    A data set does not say which module is imported: that is for its user alone.
    """
    if not name or (":" in name and not is_given):
        return None, None
    try:
        spec = find_env(name)
        return spec, frames_of(spec)
    except (UnknownEnv, ConfigError, EnvFault):
        if is_given:
            raise
        return None, None


def _task_of(name: str) -> Task | None:
    """The task with the robot of an environment, by its name alone: HalfCheetah-v4 has that of HalfCheetah."""
    plain = name.rpartition(":")[2]
    namespace, slash, rest = plain.rpartition("/")
    try:
        return find_task(rest) if not slash or namespace == NAMESPACE else None
    except UnknownEnv:
        return None


def _actions(found: EpisodeSet, sample: Sample, known: ActionSpec | None, *, is_sure: bool) -> ActionSpec:
    """As the set has them; where it does not say, as the environment has them, or within +-1 if all of them are.

    Unless it `is_sure` which environment it is, one of other actions is another one.
    """
    space = found.action
    array = np.concatenate([episode.action for episode in sample.episodes.values()])
    if space is None:
        space = _space_from(array)
        if known is not None and (is_sure or (array.ndim == 2 and known.size == array.shape[1])):
            _require_as_many(found, known, array)
            return known
        if space is None:
            raise DataRefused(
                f"{found.place}: does not say which actions there are, and they do not lie within -1 and 1. Name the "
                "environment by -e, one that this machine can make."
            )
    if isinstance(space, DiscreteSpace):
        _require_choices(found, space, array)
    return actions_of(space)


def _space_from(array: AnyArray) -> Space | None:
    """A box of +-1, if all actions lie in it."""
    is_vector = array.ndim == 2 and array.dtype.kind == "f"
    if not is_vector or float(np.abs(array).max(initial=0.0)) > 1 + ROUNDING:
        return None
    return BoxSpace((-1.0,) * array.shape[1], (1.0,) * array.shape[1])


def _require_as_many(found: EpisodeSet, known: ActionSpec, array: AnyArray) -> None:
    is_choice = known.distribution.is_discrete
    if is_choice != (array.ndim == 1) or (not is_choice and array.shape[1] != known.size):
        of_a_step = "a choice" if array.ndim == 1 else f"{array.shape[1]} numbers"
        raise DataMismatch(
            f"{found.place}: an action is {of_a_step}, which is none of the environment. Name another by -e."
        )
    if is_choice:
        _require_choices(found, DiscreteSpace(known.size, getattr(known, "start", 0)), array)


def _require_choices(found: EpisodeSet, space: DiscreteSpace, array: AnyArray) -> None:
    whole = np.asarray(array, np.float64)
    if len(whole) and not (space.start <= whole.min() and whole.max() < space.start + space.n):
        raise DataMismatch(
            f"{found.place}: has the choice {whole.max():g}, expected {space.n} choices from {space.start}. Name "
            "another environment by -e."
        )


def _numbered(num_obs: int, num_actions: int) -> tuple[str, ...]:
    """Names of numbers of which nothing is known."""
    return (*(f"observation {i}" for i in range(num_obs)), *(f"action {i}" for i in range(num_actions)))

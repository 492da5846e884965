"""A learned reward outside of its run: NumPy alone, so that any program in Python can use it.

Nothing here, or in the files that this one imports, needs more than NumPy and the standard library: no JAX, and none of
the environments. `python -m benchmarks.portable` says how fast it is.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.errors import RewardFileError, RewardShapeError
from rl_teacher.rewards.portable_actions import Floats, Given, as_rows
from rl_teacher.rewards.portable_files import DAMAGED, RewardAbout, head_of, read_files, write_files
from rl_teacher.rewards.portable_kinds import KINDS
from rl_teacher.rewards.portable_rows import Compute, Rows, in_parts


def load_reward(path: str | os.PathLike[str]) -> "PortableReward":
    """A learned reward from the folder that a run (`RUN/reward`) or `rl-teacher fit` has written.

    Nothing in the files is executed, and all that they hold is checked before it is used.

    Args:
        path: of the folder, or of the `reward.json` or `reward.npz` in it; `~` is your home.

    Raises:
        RewardFileError: a file is missing, damaged, or of a newer version.

    Example, with a reward that is 1 for each step:

    >>> from tempfile import TemporaryDirectory
    >>> from rl_teacher.rewards.portable_actions import BoxSpace
    >>> space = BoxSpace((-1.0,) * 3, (1.0,) * 3)
    >>> about = RewardAbout("constant", "Hopper-v5", (11,), "float64", space, True, (), 0, ())
    >>> with TemporaryDirectory() as folder:
    ...     PortableReward(about, {"constant": np.ones(1, np.float32)}).save(folder)
    ...     reward = load_reward(folder)
    >>> reward(np.zeros((4, 11)), np.zeros((4, 3)))
    array([1., 1., 1., 1.], dtype=float32)
    """
    place = Path(os.path.expanduser(path))
    about, arrays = read_files(place)
    try:
        return PortableReward(about, arrays)
    except ValueError as error:
        raise RewardFileError(f"{place}: {error}. {DAMAGED}") from error


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PortableReward:
    """A learned reward as NumPy alone: immutable, and it can be sent to other processes (pickle).

    Call it with observations and actions as the environment gives and takes them. Where a step was the last of its
    episode, and what was observed after it, matter only to a reward that was learned where episodes can end early.

    >>> from rl_teacher.rewards.portable_actions import DiscreteSpace
    >>> about = RewardAbout("gp", "Corridor-v0", (2,), "float32", DiscreteSpace(3), False, (), 100, (("more x", 1.0),))
    >>> learned = PortableReward(
    ...     about,
    ...     {
    ...         "mean": np.float32([1, 0]), "std": np.float32([2, 1]), "constant": np.float32([0.5]),
    ...         "linear_at": np.int32([0, 4]), "linear": np.float32([[3], [10]]),  # the first number, the last choice
    ...     },
    ... )
    >>> learned(np.array([5.0, 7.0]), 2), learned.looks_at  # 0.5 + 3 (5 - 1) / 2 + 10
    (array(16.5, dtype=float32), {'more x': 1.0})

    Raises:
        ValueError: the arrays are none of this kind, or do not fit.
    """

    about: RewardAbout
    """What is known of it."""
    arrays: Mapping[str, npt.NDArray[Any]]
    """Its numbers by name, read only: portable_kinds.py says what each is."""
    _compute: Compute = field(init=False)
    _num_obs: int = field(init=False)
    _version: list[str] = field(init=False)

    def __post_init__(self) -> None:
        about = self.about
        if about.kind not in KINDS:
            raise ValueError(f"its kind is {about.kind!r}, expected one of {', '.join(KINDS)}")
        frozen = {name: _read_only(array) for name, array in self.arrays.items()}
        num_obs = math.prod(about.obs_shape)
        object.__setattr__(self, "arrays", frozen)
        object.__setattr__(self, "_num_obs", num_obs)
        object.__setattr__(self, "_compute", KINDS[about.kind](frozen, num_obs, about.action))
        object.__setattr__(self, "_version", [])

    def __reduce__(self) -> tuple[Any, ...]:
        return PortableReward, (self.about, self.arrays)

    def __repr__(self) -> str:
        looks_at = ", ".join(f"{what} ({100 * share:.0f} %)" for what, share in self.about.looks_at) or "unknown"
        return (
            f"<PortableReward {self.kind} of {self.env_id!r} from {self.labels} labels, looks at: {looks_at}, "
            f"version {self.version[:12]}>"
        )

    def __call__(
        self,
        obs: Given,
        action: Given,
        *,
        next_obs: Given | None = None,
        terminated: Given | None = None,
    ) -> Floats:
        """The reward of each step.

        Args:
            obs: observations before the step as the environment gives them, (*batch, *obs).
            action: what the environment was given, in its units: (*batch, act), or choices, (*batch).
            next_obs: observed after the step, (*batch, *obs): at the end of an episode its last observation, not the
                first one of the next. None: nothing is paid for changes.
            terminated: whether the step ended its episode for good, (*batch); a time limit is no end. None: never.

        Returns:
            Rewards, (*batch), float32; for one observation an array without axes.

        Raises:
            RewardShapeError: observations or actions have another shape than in the environment.
        """
        batch, rows, flat = self._observed(obs)
        try:
            numbers = self.about.action.numbers(action, batch, rows)
        except (RewardShapeError, ValueError, TypeError) as error:
            raise self._misfit(str(error)) from None
        return self._reward(batch, flat, numbers, next_obs, terminated, in_env_units=True)

    def scored(
        self,
        obs: Given,
        action: Given,
        *,
        next_obs: Given | None = None,
        terminated: Given | None = None,
    ) -> Floats:
        """The same for actions as a reward model sees them: `ActionSpec.clamp` has them, one-hot if they are choices.

        Args:
            obs: as above.
            action: (*batch, act), within -1 and 1 where the environment has bounds.
            next_obs: as above.
            terminated: as above.

        Raises:
            RewardShapeError: observations or actions have another shape than in the environment.
        """
        batch, rows, flat = self._observed(obs)
        try:
            numbers = as_rows(action, batch, rows, self.about.action.size)
        except (RewardShapeError, ValueError, TypeError) as error:
            raise self._misfit(str(error)) from None
        return self._reward(batch, flat, numbers, next_obs, terminated, in_env_units=False)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write it where `load_reward` finds it: reward.npz, then reward.json. The same reward makes the same bytes.

        Raises:
            FolderUnwritable: no room, or no right to.
        """
        write_files(Path(folder), self.about, self.arrays)

    @property
    def kind(self) -> str:
        """A word of `--reward.model`: gp, cnn, ensemble, constant, untrained."""
        return self.about.kind

    @property
    def env_id(self) -> str:
        """The environment that it was learned in."""
        return self.about.env_id

    @property
    def labels(self) -> int:
        """How many labels it was learned from."""
        return self.about.labels

    @property
    def names(self) -> tuple[str, ...]:
        """Of each number that it sees: those of the observation, then those of the action."""
        return self.about.names

    @property
    def looks_at(self) -> dict[str, float]:
        """What it depends on most, and to which share [1]; empty where it cannot say."""
        return dict(self.about.looks_at)

    @property
    def version(self) -> str:
        """A hash of all that it is: two rewards with the same one are the same."""
        if not self._version:
            self._version.append(str(head_of(self.about, self.arrays)["sha256"]))
        return self._version[0]

    def _observed(self, obs: Given) -> tuple[tuple[int, ...], int, Floats]:
        """Shape of the batch, how many rows that is, and the observations as rows."""
        seen, shape = self._floats("observations", obs), self.about.obs_shape
        num_axes = seen.ndim - len(shape)
        if num_axes < 0 or seen.shape[num_axes:] != shape:
            expected = ", ".join(["*batch", *map(str, shape)])
            raise self._misfit(f"observations have shape {seen.shape}, expected ({expected})")
        batch = seen.shape[:num_axes]
        rows = math.prod(batch)
        return batch, rows, seen.reshape(rows, self._num_obs)

    def _floats(self, what: str, values: Given) -> Floats:
        try:
            return np.asarray(values, np.float32)
        except (ValueError, TypeError) as error:
            raise self._misfit(f"{what} are {type(values).__name__}, expected an array of numbers") from error

    def _reward(
        self, batch: tuple[int, ...], obs: Floats, action: Floats, next_obs: Given | None,
        terminated: Given | None, *, in_env_units: bool,
    ) -> Floats:  # fmt: skip
        after, is_last = None, None
        if next_obs is not None:
            seen = self._floats("next_obs", next_obs)
            if seen.shape != (*batch, *self.about.obs_shape):
                raise self._misfit(f"next_obs has shape {seen.shape}, expected {(*batch, *self.about.obs_shape)}")
            after = seen.reshape(obs.shape) if self.about.ends else None
        if terminated is not None:
            flags = self._floats("terminated", terminated)
            if flags.shape != batch:
                raise self._misfit(f"terminated has shape {flags.shape}, expected {batch}")
            is_last = flags.reshape(len(obs)) if self.about.ends else None
        return in_parts(self._compute, Rows(obs, action, after, is_last, in_env_units)).reshape(batch)

    def _misfit(self, what: str) -> RewardShapeError:
        return RewardShapeError(
            f"reward of {self.env_id!r}: {what}. Show it what this environment gives and takes, batch first."
        )


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same array, or a copy, that nobody can change."""
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.flags.writeable = False
    return array

"""Actions of an environment as a learned reward sees them. NumPy alone: see portable.py."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rl_teacher.errors import RewardShapeError

Floats = npt.NDArray[np.float32]
Given = npt.ArrayLike | bool | int | float
"""Whatever NumPy makes an array of; single numbers by name, for those who check types while a program runs."""


class Scaling(NamedTuple):
    """How raw numbers become those of a frame: (raw - offset) / divisor, within least and greatest; (number,) each."""

    offset: Floats
    divisor: Floats
    least: Floats
    greatest: Floats

    def apply(self, raw: Floats) -> Floats:
        """The numbers of frames, (row, number), written over `raw`."""
        raw -= self.offset
        raw /= self.divisor
        np.maximum(raw, self.least, out=raw)
        np.minimum(raw, self.greatest, out=raw)
        return raw


def unscaled(size: int) -> Scaling:
    """Numbers that stay as they are."""
    zeros, ones = np.zeros(size, np.float32), np.ones(size, np.float32)
    return Scaling(zeros, ones, -ones * np.inf, ones * np.inf)


@dataclass(frozen=True, slots=True)
class BoxSpace:
    """Vectors with bounds, which may be infinite."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """Numbers that a reward sees of an action."""
        return len(self.low)

    @property
    def scaling(self) -> Scaling:
        """From the environment's units to those in which the bounds are -1 and 1, as core.actions.BoxActions has it.

        A number that lacks a bound keeps its unit. Where both bounds are the same, every action is the middle.
        """
        with np.errstate(over="ignore"):  # bounds beyond float32 are none
            least, greatest = np.array(self.low, np.float32), np.array(self.high, np.float32)
        bounded = np.isfinite(least) & np.isfinite(greatest)
        one = np.ones(self.size, np.float32)
        from_, to = np.where(bounded, least, -one), np.where(bounded, greatest, one)
        middle, half = np.asarray(from_ / 2 + to / 2, np.float32), to / 2 - from_ / 2
        return Scaling(
            middle, np.where(half > 0, half, one), np.where(bounded, -one, least), np.where(bounded, one, greatest)
        )

    def numbers(self, action: Given, batch: tuple[int, ...], rows: int) -> Floats:
        """Actions in the environment's units as rows, (row, act); `scaling` is still to be applied.

        Raises:
            RewardShapeError: their shape is not (*batch, act).
        """
        return as_rows(action, batch, rows, self.size)


@dataclass(frozen=True, slots=True)
class DiscreteSpace:
    """One of `n` choices, numbered from `start`."""

    n: int
    start: int = 0

    @property
    def size(self) -> int:
        """Numbers that a reward sees of an action: one for each choice."""
        return self.n

    @property
    def scaling(self) -> Scaling:
        """Choices have no unit."""
        return unscaled(self.n)

    def numbers(self, action: Given, batch: tuple[int, ...], rows: int) -> Floats:
        """One-hot rows, (row, n).

        Raises:
            RewardShapeError: their shape is not that of the batch, or one of them is no choice.
        """
        given = np.asarray(action)
        if given.shape != batch:
            raise RewardShapeError(f"actions have shape {given.shape}, expected {batch}: a choice for each observation")
        if given.dtype.kind not in "iub":
            raise RewardShapeError(f"actions are {given.dtype}, expected whole numbers from {self.start}")
        index = given.reshape(rows).astype(np.int64) - self.start
        if rows and (index.min() < 0 or index.max() >= self.n):
            found, last = np.unique(given).tolist(), self.start + self.n - 1
            raise RewardShapeError(f"actions are among {found[:8]}, expected {self.start} to {last}")
        one_hot = np.zeros((rows, self.n), np.float32)
        one_hot[np.arange(rows), index] = 1.0
        return one_hot


Space = BoxSpace | DiscreteSpace


def as_rows(action: Given, batch: tuple[int, ...], rows: int, size: int) -> Floats:
    """Actions of several numbers as rows, (row, act), float32.

    Raises:
        RewardShapeError: their shape is not (*batch, size).
    """
    given = np.asarray(action, np.float32)
    if given.shape != (*batch, size):
        raise RewardShapeError(f"actions have shape {given.shape}, expected {(*batch, size)}")
    return given.reshape(rows, size)


def space_as_json(space: Space) -> dict[str, Any]:
    """As JSON values; a bound that is missing is null, because JSON has no infinity."""
    if isinstance(space, DiscreteSpace):
        return {"kind": "discrete", "n": space.n, "start": space.start}
    low, high = ([None if np.isinf(x) else float(x) for x in bounds] for bounds in (space.low, space.high))
    return {"kind": "box", "low": low, "high": high, "dtype": space.dtype}


def space_from_json(values: Any) -> Space:
    """What `space_as_json` gave.

    Raises:
        ValueError: it is no action space.
    """
    if not isinstance(values, dict) or values.get("kind") not in ("box", "discrete"):
        raise ValueError(f"its action space is {str(values)[:60]!r}, expected a box or discrete one")
    if values["kind"] == "discrete":
        n, start = values.get("n"), values.get("start")
        if type(n) is not int or type(start) is not int or not (1 <= n <= MOST_CHOICES and abs(start) < 2**62):
            raise ValueError(f"its action space has n {n!r} and start {start!r}, expected whole numbers, n from 1")
        return DiscreteSpace(n, start)
    low, high, dtype = _bounds(values.get("low"), -np.inf), _bounds(values.get("high"), np.inf), values.get("dtype")
    if len(low) != len(high) or not low or any(one > other for one, other in zip(low, high, strict=True)):
        raise ValueError(f"its action space has {len(low)} lower and {len(high)} upper bounds, expected pairs of them")
    if not isinstance(dtype, str):
        raise ValueError(f"its action space has the dtype {dtype!r}, expected a name")
    return BoxSpace(low, high, dtype)


MOST_CHOICES = 1_000_000


def _bounds(values: Any, missing: float) -> tuple[float, ...]:
    if not isinstance(values, list) or not all(x is None or type(x) in (int, float) for x in values):
        raise ValueError(f"its action space has the bounds {str(values)[:60]!r}, expected a list of numbers or null")
    try:
        return tuple(missing if x is None else float(x) for x in values)
    except OverflowError as error:
        raise ValueError("its action space has a bound that is no number of 64 bits") from error

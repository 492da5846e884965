"""Frames as rows, and what every kind of portable reward checks of its arrays. NumPy alone: see portable.py."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rl_teacher.rewards.portable_actions import Floats, Scaling

MOST_ROWS = 2048
"""More are looked at in parts, which stay in the processor's cache."""
MOST_DEVIATIONS = 10.0
"""Observations are clipped to so many standard deviations, as view.py does it."""

AnyArray = npt.NDArray[Any]
Arrays = Mapping[str, AnyArray]
Axes = dict[str, tuple[str, ...]]


class Rows(NamedTuple):
    """Frames as rows."""

    obs: Floats
    """(row, obs), as the environment gave them."""
    action: Floats
    """(row, act): raw numbers of `Space.numbers`, or as a reward sees them."""
    after: Floats | None
    """(row, obs) observed after the step; None where it is not known or does not matter."""
    is_last: Floats | None
    """(row,), 1 where the step ended its episode for good; None where none did."""
    in_env_units: bool
    """Of the actions."""


Compute = Callable[[Rows], Floats]


def in_parts(compute: Compute, rows: Rows, most_rows: int = MOST_ROWS) -> Floats:
    """The reward of each row, at most so many at once."""
    num = len(rows.obs)
    if num <= most_rows:
        return compute(rows)
    total = np.empty(num, np.float32)
    for at in range(0, num, most_rows):
        part = slice(at, at + most_rows)
        after = None if rows.after is None else rows.after[part]
        is_last = None if rows.is_last is None else rows.is_last[part]
        total[part] = compute(Rows(rows.obs[part], rows.action[part], after, is_last, rows.in_env_units))
    return total


def checked(arrays: Arrays, axes: Axes, sizes: Mapping[str, int]) -> dict[str, AnyArray]:
    """All arrays of a kind; those that are left out are empty.

    Args:
        arrays: as they were found.
        axes: of each array that there may be.
        sizes: of axes that are known.

    Raises:
        ValueError: one of them is unknown or missing, or does not fit the others.
    """
    if unknown := arrays.keys() - axes.keys():
        raise ValueError(f"it has the arrays {sorted(unknown)}, which its kind does not know")
    known = dict(sizes)
    for name in sorted(arrays):
        shape, of_axes = arrays[name].shape, axes[name]
        expected = tuple(known.get(axis, -1) for axis in of_axes)
        if len(shape) != len(expected) or any(want not in (-1, got) for got, want in zip(shape, expected, strict=True)):
            text = ", ".join(axis if size < 0 else str(size) for axis, size in zip(of_axes, expected, strict=True))
            raise ValueError(f"its array {name!r} has shape {shape}, expected ({text})")
        known |= dict(zip(of_axes, shape, strict=True))
        _check_numbers(name, arrays[name])
    return {name: arrays[name] if name in arrays else _empty(name, axes[name], known) for name in axes}


def _check_numbers(name: str, array: AnyArray) -> None:
    """Whether they are of the right kind, and finite."""
    wanted = np.int32 if name.endswith(("_at", "_with_tanh", "_shape")) else np.float32
    if array.dtype != wanted:
        raise ValueError(f"its array {name!r} is {array.dtype}, expected {np.dtype(wanted)}")
    if not np.isfinite(array).all():
        raise ValueError(f"its array {name!r} holds a nan or an infinity, expected numbers")


def _empty(name: str, axes: tuple[str, ...], known: Mapping[str, int]) -> AnyArray:
    array = np.zeros([known.get(axis, 0) for axis in axes], np.int32 if name.endswith("_at") else np.float32)
    if array.size and name not in ("end", "pessimism"):
        raise ValueError(f"its array {name!r} is missing, expected one of shape {array.shape}")
    return array


def joined(a: Arrays, obs_at: AnyArray, actions: Scaling, action_at: AnyArray, after: AnyArray) -> Scaling:
    """The scaling of all numbers that are looked at, side by side."""
    most = np.full(len(a["mean"]), MOST_DEVIATIONS, np.float32)
    of_obs = Scaling(a["mean"], a["std"], -most, most)
    parts = zip(of_obs, actions, strict=True)
    return Scaling(*(np.concatenate([seen[obs_at], done[action_at], seen[after]]) for seen, done in parts))

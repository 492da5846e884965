"""What an environment returned, looked at closely: what can be taken is taken, the rest is named."""

import contextlib
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box

from rl_teacher.oneline import shown

NUMBERS = frozenset({float, int, np.float64, np.float32, np.int64, np.int32})
"""Types of a reward that need no closer look."""
BOOLS = frozenset({bool, np.bool_})


class Odd(Exception):
    """Something that cannot be taken; the message says what it is."""


def reset_result(result: Any, space: Box) -> npt.NDArray[Any]:
    """The observation in what `reset` returned.

    Raises:
        Odd: it is not (observation, info), or the observation does not fit its space.
    """
    return observation(_parts(result, 2, "reset"), space)


def step_result(result: Any, space: Box) -> tuple[npt.NDArray[Any], float, bool, bool]:
    """Observation, true reward, terminated, truncated in what `step` returned; infos are not looked at.

    Raises:
        Odd: it is not (observation, reward, terminated, truncated, info), or one of them is nothing that it can be.
    """
    parts = _parts(result, 5, "step")
    flags = (_flag(name, value) for name, value in zip(("terminated", "truncated"), parts[2:4], strict=True))
    return observation(parts, space), _reward(parts[1]), *flags  # type: ignore[return-value]  # two flags


def observation(parts: Any, space: Box) -> npt.NDArray[Any]:
    """The first of `parts` as an array of the shape of `space`; where that holds bytes, of whole numbers 0 to 255.

    Raises:
        Odd: it is no array of numbers, or of another shape, or its numbers are no bytes where these are asked for.
    """
    try:
        array = np.asarray(parts[0])
    except Exception:  # rows of different lengths, or an object that fails to say what it holds
        raise Odd(f"the observation is {shown(parts[0])}, which is no array") from None
    if array.dtype.kind == "O" and array.ndim:  # numbers in an array of objects are numbers
        with contextlib.suppress(Exception):
            array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise Odd(f"the observation is {shown(parts[0])}, expected numbers")
    if array.shape != space.shape:
        raise Odd(f"the observation has shape {array.shape}, its space has {space.shape}")
    if space.dtype == np.uint8 and array.dtype != np.uint8:
        with np.errstate(invalid="ignore"):
            if not np.array_equal(array, array.astype(np.uint8)):
                raise Odd(f"the observation is {array.dtype} beyond whole numbers 0 to 255, its space is of uint8")
    return array


def _parts(result: Any, number: int, method: str) -> Any:
    if not isinstance(result, tuple | list):
        raise Odd(f"{method}() returned {shown(result)}, expected {number} values")
    if len(result) != number:
        raise Odd(f"{method}() returned {len(result)} values, expected {number}")
    return result


def _reward(value: Any) -> float:
    """A number, or an array of one number."""
    found = _only_one(value)
    try:
        if not isinstance(found, str | bytes | complex | None):
            return float(found)
    except OverflowError:  # a whole number that no float holds
        return math.inf
    except Exception:  # whatever this object does when it is asked for a number
        pass
    raise Odd(f"the reward is {shown(value)}, expected a number")


def _flag(name: str, value: Any) -> bool:
    """True or False, also as 0, 1 or an array of one of them."""
    found = _only_one(value)
    if isinstance(found, bool | np.bool_ | int | float | np.integer | np.floating) and found in (0, 1):
        return bool(found)
    raise Odd(f"{name} is {shown(value)}, expected True or False")


def _only_one(value: Any) -> Any:
    """What an array or a list of one thing holds; None if it holds another number of things."""
    try:
        array = np.asarray(value)
    except Exception:  # rows of different lengths, or an object that fails to say what it holds
        return None
    return array.reshape(-1)[0] if array.size == 1 else None

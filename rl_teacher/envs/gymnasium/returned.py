"""What an environment returned, looked at closely: what can be taken is taken, the rest is named."""

from typing import Any

import numpy as np
import numpy.typing as npt

NUMBERS = frozenset({float, int, np.float64, np.float32, np.int64, np.int32})
"""Types of a reward that need no closer look."""
BOOLS = frozenset({bool, np.bool_})


class Odd(Exception):
    """Something that cannot be taken; the message says what it is."""


def reset_result(result: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The observation in what `reset` returned.

    Raises:
        Odd: it is not (observation, info), or the observation does not fit its space.
    """
    return observation(_parts(result, 2, "reset"), shape)


def step_result(result: Any, shape: tuple[int, ...]) -> tuple[npt.NDArray[Any], float, bool, bool]:
    """Observation, true reward, terminated, truncated in what `step` returned; infos are not looked at.

    Raises:
        Odd: it is not (observation, reward, terminated, truncated, info), or one of them is nothing that it can be.
    """
    parts = _parts(result, 5, "step")
    flags = (_flag(name, value) for name, value in zip(("terminated", "truncated"), parts[2:4], strict=True))
    return observation(parts, shape), _reward(parts[1]), *flags  # type: ignore[return-value]  # two flags


def observation(parts: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The first of `parts` as an array of this shape.

    Raises:
        Odd: it is no array of numbers, or of another shape.
    """
    try:
        array = np.asarray(parts[0])
    except ValueError:  # rows of different lengths
        raise Odd("the observation is a ragged list") from None
    if array.dtype.kind not in "biuf":
        raise Odd(f"the observation is {_shown(parts[0])}, expected numbers")
    if array.shape != shape:
        raise Odd(f"the observation has shape {array.shape}, its space has {shape}")
    return array


def _parts(result: Any, number: int, method: str) -> Any:
    if not isinstance(result, tuple | list):
        raise Odd(f"{method}() returned {_shown(result)}, expected {number} values")
    if len(result) != number:
        raise Odd(f"{method}() returned {len(result)} values, expected {number}")
    return result


def _reward(value: Any) -> float:
    """A number, or an array of one number."""
    array = np.asarray(value) if not isinstance(value, list | tuple) else np.asarray(value, object)
    if array.size != 1 or array.dtype.kind not in "biufO":
        raise Odd(f"the reward is {_shown(value)}, expected a number")
    try:
        return float(array.reshape(-1)[0])
    except (TypeError, ValueError):
        raise Odd(f"the reward is {_shown(value)}, expected a number") from None


def _flag(name: str, value: Any) -> bool:
    """True or False, also as 0, 1 or an array of one of them."""
    array = np.asarray(value)
    if array.size == 1 and array.dtype.kind in "biuf" and array.reshape(-1)[0] in (0, 1):
        return bool(array.reshape(-1)[0])
    raise Odd(f"{name} is {_shown(value)}, expected True or False")


def _shown(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 40 else text[:40] + '...'} ({type(value).__name__})"

"""Spaces as the metadata of Minari spell them."""

import json
import math
from typing import Any, NamedTuple

from rl_teacher.errors import DataDamaged, DataRefused
from rl_teacher.rewards.portable_actions import BoxSpace, DiscreteSpace, Space


class ObsSpace(NamedTuple):
    """Observations of a Box."""

    shape: tuple[int, ...]
    dtype: str


def obs_space(text: Any, where: str) -> ObsSpace:
    """Of observations.

    Raises:
        DataRefused: they are no Box.
        DataDamaged: it is no space at all.
    """
    values = _space(text, where, "observation_space")
    if values["type"] != "Box":
        raise DataRefused(f"{where}: observations are {values['type']}, expected a Box: a learned reward sees numbers.")
    return ObsSpace(tuple(int(one) for one in values["shape"]), str(values["dtype"]))


def action_space(text: Any, where: str) -> Space:
    """Of actions.

    Raises:
        DataRefused: they are neither a Box of one axis nor Discrete.
        DataDamaged: it is no space at all.
    """
    values = _space(text, where, "action_space")
    if values["type"] == "Discrete":
        return DiscreteSpace(int(values["n"]), int(values.get("start", 0)))
    if values["type"] != "Box" or len(values["shape"]) != 1:
        shape = f" of shape {values['shape']}" if "shape" in values else ""
        raise DataRefused(f"{where}: actions are {values['type']}{shape}, expected a Box of one axis, or Discrete.")
    low, high = (tuple(float(one) for one in values[name]) for name in ("low", "high"))
    return BoxSpace(low, high, str(values["dtype"]))


def _space(text: Any, where: str, name: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
        kind = values["type"]
        if not isinstance(kind, str):
            raise TypeError(f"its type is {kind!r}")
        if kind == "Box":
            size = math.prod(int(one) for one in values["shape"])
            if len(values["shape"]) == 1 and not len(values["low"]) == len(values["high"]) == size:
                raise ValueError("its bounds are not as many as its numbers")
    except (KeyError, TypeError, ValueError) as error:
        raise DataDamaged(f"{where}: its {name} is {str(text)[:60]!r}, expected a space. Get the set anew.") from error
    return dict(values)

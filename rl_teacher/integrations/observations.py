"""Observations of others' environments as the arrays that a reward model sees."""

from typing import Any

import numpy as np
from gymnasium import spaces

from rl_teacher.errors import UnsupportedSpace

Part = spaces.Box | spaces.Discrete | spaces.MultiBinary | spaces.MultiDiscrete


class Flattener:
    """Turns observations of a space, many side by side, into one array.

    A Box stays as it is. A Dict, which environments with goals have, becomes one vector, in the order of its keys in
    the space; choices become one-hot.

    >>> space = spaces.Dict({"goal": spaces.Discrete(2), "place": spaces.Box(-1, 1, (3,))})
    >>> flatten = Flattener("Reach", space)
    >>> flatten({"goal": np.array([0, 1]), "place": np.zeros((2, 3))})
    array([[1., 0., 0., 0., 0.],
           [0., 1., 0., 0., 0.]], dtype=float32)

    Args:
        env_id: what errors call the environment.
        space: of one observation.

    Raises:
        UnsupportedSpace: it is made of something else.
    """

    def __init__(self, env_id: str, space: spaces.Space[Any]) -> None:
        self.keys: tuple[str, ...] = tuple(space.spaces) if isinstance(space, spaces.Dict) else ()
        """Of a Dict; empty for all else."""
        parts = list(space.spaces.values()) if isinstance(space, spaces.Dict) else [space]
        if odd := [type(part).__name__ for part in parts if not isinstance(part, Part)]:
            where = "a Dict with a " if self.keys else ""
            raise UnsupportedSpace(
                f"env {env_id!r}: observations are {where}{odd[0]}, expected a Box, choices, or a Dict of them. "
                "Flatten them with a wrapper."
            )
        self._parts: list[Part] = [part for part in parts if isinstance(part, Part)]
        self._is_plain = not self.keys and isinstance(space, spaces.Box)
        self.space: spaces.Space[Any] = space if self._is_plain else self._joined()
        """Of what comes out, a Box."""

    def __call__(self, obs: Any, num_axes: int = 1) -> np.ndarray:
        """Observations in one array, a copy: (*batch, *obs).

        Args:
            obs: as the space says, with axes before it.
            num_axes: how many of them.
        """
        if self._is_plain:
            return np.array(obs)
        given = [np.asarray(obs[key]) for key in self.keys] if self.keys else [np.asarray(obs)]
        rows = [_row(part, one, one.shape[:num_axes]) for part, one in zip(self._parts, given, strict=True)]
        return np.concatenate(rows, axis=-1).astype(np.float32)

    def one(self, obs: Any) -> np.ndarray:
        """A single observation, (*obs,)."""
        return self(obs, num_axes=0)

    def _joined(self) -> spaces.Box:
        bounds = [_bounds(part) for part in self._parts]
        low, high = (np.concatenate(side).astype(np.float32) for side in zip(*bounds, strict=True))
        return spaces.Box(low, high)


def _bounds(part: Part) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(part, spaces.Box):
        return part.low.ravel(), part.high.ravel()
    flat: Any = spaces.flatten_space(part)
    return flat.low, flat.high


def _row(part: Part, values: np.ndarray, batch: tuple[int, ...]) -> np.ndarray:
    """One part of an observation as numbers, (*batch, size)."""
    if isinstance(part, spaces.Discrete):
        return np.asarray(np.eye(int(part.n))[values.reshape(batch).astype(np.int64) - int(part.start)])
    if isinstance(part, spaces.MultiDiscrete):
        choices = values.reshape(*batch, -1).astype(np.int64) - part.start.ravel()
        return np.concatenate([np.eye(int(n))[choices[..., i]] for i, n in enumerate(part.nvec.ravel())], axis=-1)
    return values.reshape(*batch, -1)

"""The network for pictures as a portable reward. NumPy alone: see portable.py."""

from dataclasses import dataclass

import numpy as np

from rl_teacher.rewards.portable_actions import Floats, Space
from rl_teacher.rewards.portable_rows import Arrays, Axes, Rows, checked

CHUNK = 64
"""Pictures that are looked at together."""
MOST_DEVIATIONS = np.float32(5.0)
"""Pixels are clipped to so many standard deviations, as core/vision.py does it."""
TINY = 16
"""Pictures of up to so many pixels a side have one layer of filters, as in core/vision.py."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Filters that all members share, then the mean of their normalized rewards, less some standard deviations."""

    shape: tuple[int, ...]
    """(height, width, channels)"""
    mean: Floats
    inverse_std: Floats
    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    heads: Floats
    """(feature, member)"""
    offsets: Floats
    last_step: Floats
    shift: Floats
    factor: Floats
    """(member,) all four"""
    pessimism: float

    def __call__(self, rows: Rows) -> Floats:
        """The reward of each row."""
        parts = [self._raw(rows.obs[at : at + CHUNK]) for at in range(0, len(rows.obs), CHUNK)]
        raw = np.concatenate(parts) if parts else np.zeros((0, len(self.offsets)), np.float32)
        if rows.is_last is not None:
            raw = raw + rows.is_last[:, None] * self.last_step[None]
        normalized = (raw - self.shift) * self.factor
        mean = normalized.mean(1)
        if self.pessimism:
            mean -= np.float32(self.pessimism) * normalized.std(1)
        return np.asarray(mean)

    def _raw(self, obs: Floats) -> Floats:
        """Of each picture and member, (picture, member)."""
        x = (obs - self.mean[None]) * self.inverse_std[None]
        x = np.clip(x, -MOST_DEVIATIONS, MOST_DEVIATIONS).reshape(len(obs), *self.shape)
        if max(self.shape[:2]) <= TINY:
            x = self._layer(0, _neighbors(x, 3))
        else:
            x = self._layer(0, _neighbors(_blocks(x, 4), 2))
            x = self._layer(1, _neighbors(_blocks(x, 2), 2))
        return np.asarray(self._layer(-1, x.reshape(len(obs), -1)) @ self.heads + self.offsets)

    def _layer(self, index: int, x: Floats) -> Floats:
        return np.asarray(np.maximum(x @ self.weights[index] + self.biases[index], np.float32(0)))


def pictures(arrays: Arrays, num_obs: int, space: Space) -> Pictures:
    """The network from the arrays of its file.

    Raises:
        ValueError: they do not fit.
    """
    shape = tuple(int(side) for side in np.ravel(arrays.get("picture_shape", np.zeros(0))))
    if len(shape) != 3 or int(np.prod(shape)) != num_obs:
        raise ValueError(f"its pictures have shape {shape}, expected (height, width, channels) of {num_obs} numbers")
    num = 2 if max(shape[:2]) <= TINY else 3
    axes: Axes = {"picture_shape": ("three",), "mean": ("obs",), "inverse_std": ("obs",), "pessimism": ("one",)}
    axes |= dict.fromkeys(("offsets", "last_step", "shift", "factor"), ("member",))
    axes |= {"heads": ("feature", "member"), f"biases_{num - 1}": ("feature",)}
    for i in range(num):
        axes[f"weights_{i}"] = (f"in {i}", "feature" if i == num - 1 else f"out {i}")
        axes.setdefault(f"biases_{i}", (f"out {i}",))
    a = checked(arrays, axes, {"obs": num_obs, "three": 3, "one": 1})
    made = Pictures(
        shape, a["mean"], a["inverse_std"],
        tuple(a[f"weights_{i}"] for i in range(num)), tuple(a[f"biases_{i}"] for i in range(num)),
        a["heads"], a["offsets"], a["last_step"], a["shift"], a["factor"], float(a["pessimism"][0]),
    )  # fmt: skip
    made(Rows(np.zeros((1, num_obs), np.float32), np.zeros((1, space.size), np.float32), None, None, True))
    return made


def _blocks(x: Floats, size: int) -> Floats:
    """As `core.vision.blocks`."""
    num, height, width, channels = x.shape
    rows, columns = -(-height // size), -(-width // size)
    x = np.pad(x, ((0, 0), (0, rows * size - height), (0, columns * size - width), (0, 0)))
    x = x.reshape(num, rows, size, columns, size, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(num, rows, columns, size * size * channels)


def _neighbors(x: Floats, size: int) -> Floats:
    """As `core.vision.neighbors`."""
    rows, columns = x.shape[1] - size + 1, x.shape[2] - size + 1
    return np.concatenate([x[:, i : i + rows, j : j + columns] for i in range(size) for j in range(size)], -1)

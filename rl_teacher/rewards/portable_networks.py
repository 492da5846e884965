"""An ensemble of networks as a portable reward. NumPy alone: see portable.py."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_teacher.rewards.portable_actions import Floats, Scaling, Space, unscaled
from rl_teacher.rewards.portable_rows import Arrays, Axes, Rows, checked, in_parts, joined

MOST_PRODUCTS = 2**18
"""Multiplications in a layer's product of matrices. OpenBLAS shares larger ones among threads that wait for each other
without a pause: beside other programs that takes thirty times as long, and alone it gains little."""
LEAST_ROWS, MOST_ROWS = 8, 512
"""That are looked at together, however large or small the layers are."""


@dataclass(frozen=True, slots=True)
class Networks:
    """An ensemble: the mean over networks of their normalized outputs, less some standard deviations."""

    from_env: Scaling
    from_policy: Scaling
    weights: tuple[Floats, ...]
    """Of each layer, (member, in, out)."""
    biases: tuple[Floats, ...]
    """Of each layer, (member, 1, out)."""
    last: Floats | None
    """Weights of the number that says whether a step ended its episode, (member, 1, out)."""
    shift: Floats
    factor: Floats
    """(member, 1) both; the shift holds what a network says of the state after the end."""
    pessimism: float
    is_bounded: bool
    """By tanh."""

    def __call__(self, rows: Rows) -> Floats:
        """The reward of each row."""
        return in_parts(self._some, rows, rows_at_once([one.shape[1:] for one in self.weights]))

    def _some(self, rows: Rows) -> Floats:
        x = np.concatenate((rows.obs, rows.action), 1)
        x = (self.from_env if rows.in_env_units else self.from_policy).apply(x)[None]
        for layer, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = np.matmul(x, weights)
            x += biases
            if layer == 0 and self.last is not None and rows.is_last is not None:
                x += rows.is_last[None, :, None] * self.last
            if layer < len(self.weights) - 1:
                np.maximum(x, np.float32(0.01) * x, out=x)  # leaky ReLU
        out = np.tanh(x[..., 0]) if self.is_bounded else x[..., 0]
        normalized = (out - self.shift) * self.factor
        mean = normalized.mean(0)
        if self.pessimism:
            mean -= np.float32(self.pessimism) * normalized.std(0)
        return np.asarray(mean)


def rows_at_once(layers: Sequence[tuple[int, ...]]) -> int:
    """How many rows are looked at together by layers of so many numbers (in, out).

    >>> rows_at_once([(14, 64), (64, 64), (64, 1)]), rows_at_once([(393, 256), (256, 256)])
    (64, 8)
    """
    largest = max(fan_in * fan_out for fan_in, fan_out in layers)
    return min(MOST_ROWS, max(LEAST_ROWS, MOST_PRODUCTS // largest))


def networks(arrays: Arrays, num_obs: int, space: Space) -> Networks:
    """An ensemble from the arrays of its file.

    Raises:
        ValueError: they do not fit.
    """
    num = max(1, sum(name.startswith("weights_") for name in arrays))
    axes: Axes = {"mean": ("obs",), "std": ("obs",), "shift": ("member",), "factor": ("member",)}
    axes |= {"pessimism": ("one",), "bounded_with_tanh": ("one",)}
    for i in range(num):
        axes[f"weights_{i}"] = ("member", f"layer {i}", f"layer {i + 1}")
        axes[f"biases_{i}"] = ("member", f"layer {i + 1}")
    if "of_end" in arrays:
        axes |= {"of_end": ("member",), "last": ("member", "layer 1")}
    size = num_obs + space.size
    a = checked(arrays, axes, {"obs": num_obs, "layer 0": size, f"layer {num}": 1, "one": 1})
    if not a["shift"].size or (a["std"] <= 0).any():
        raise ValueError("it has no network, or a standard deviation that is not above 0")
    every, none = np.arange(num_obs), np.zeros(0, np.int32)
    scalings = [joined(a, every, one, np.arange(space.size), none) for one in (space.scaling, unscaled(space.size))]
    of_end = a["of_end"][:, None] if "of_end" in a else np.float32(0)
    return Networks(
        from_env=scalings[0], from_policy=scalings[1],
        weights=tuple(a[f"weights_{i}"] for i in range(num)),
        biases=tuple(a[f"biases_{i}"][:, None] for i in range(num)),
        last=a["last"][:, None] if "last" in a else None,
        shift=a["shift"][:, None] + of_end, factor=a["factor"][:, None],
        pessimism=float(a["pessimism"][0]), is_bounded=bool(a["bounded_with_tanh"][0]),
    )  # fmt: skip

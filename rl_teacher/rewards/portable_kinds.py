"""What a learned reward computes, kind by kind, from the arrays of its file. NumPy alone: see portable.py.

All that does not depend on a frame is worked out when a reward is loaded, so that a call is some ten operations of
NumPy. Weights that are 0 are not in the arrays, and numbers of a frame that nothing depends on are never looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rl_teacher.rewards.portable_actions import Floats, Scaling, Space, unscaled

MOST_DEVIATIONS = 10.0
"""Observations are clipped to so many standard deviations, as view.py does it."""
MOST_ROWS = 2048
"""More are looked at in parts, which stay in the processor's cache."""

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

PROCESS: Axes = {
    "mean": ("obs",), "std": ("obs",), "constant": ("column",), "pessimism": ("one",), "frequency": ("wave",),
    "linear_at": ("linear",), "linear": ("linear", "column"),
    "curve_at": ("curve",), "curve_cos": ("curve", "wave", "column"), "curve_sin": ("curve", "wave", "column"),
    "product_at": ("product", "pair"), "product": ("product", "column"),
    "joint_directions": ("input", "joint"), "joint_phases": ("joint",), "joint": ("joint", "column"),
    "end": ("column",), "end_linear_at": ("ending",), "end_linear": ("ending", "column"),
    "change_at": ("change",), "change": ("change", "column"),
    "curve_change_at": ("bend",), "curve_change_cos": ("bend", "wave", "column"),
    "curve_change_sin": ("bend", "wave", "column"),
}  # fmt: skip
"""Arrays of a Gaussian process and their axes. What ends with `_at` says which numbers of a frame the others weigh.

Column 0 is the reward; `pessimism` times the root of the sum of squares of all others is taken off it.
"""


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
    wanted = np.int32 if name.endswith(("_at", "_with_tanh")) else np.float32
    if array.dtype != wanted:
        raise ValueError(f"its array {name!r} is {array.dtype}, expected {np.dtype(wanted)}")
    if not np.isfinite(array).all():
        raise ValueError(f"its array {name!r} holds a nan or an infinity, expected numbers")


def _empty(name: str, axes: tuple[str, ...], known: Mapping[str, int]) -> AnyArray:
    array = np.zeros([known.get(axis, 0) for axis in axes], np.int32 if name.endswith("_at") else np.float32)
    if array.size and name not in ("end", "pessimism"):
        raise ValueError(f"its array {name!r} is missing, expected one of shape {array.shape}")
    return array


@dataclass(frozen=True, slots=True)
class Process:
    """A Gaussian process: a weighted sum of functions of the few numbers that matter."""

    obs_at: AnyArray
    """Which numbers of the observation are looked at."""
    action_at: AnyArray
    after_at: AnyArray
    """Which ones of the observation after the step."""
    from_env: Scaling
    """Of all these numbers side by side, with actions in the environment's units."""
    from_policy: Scaling
    constant: Floats
    pessimism: Floats
    linear: Floats | None
    """(number, column), also of numbers that have no weight."""
    waves_at: AnyArray | None
    """Which number each wave is of: those of curves, of changes before the step, and of changes after it."""
    frequency: Floats
    num_curves: int
    num_bends: int
    """Waves of curves, and waves of curves of changes."""
    curves: tuple[Floats, Floats]
    """Weights of cosines and sines."""
    bends: tuple[Floats, Floats]
    """The same of their changes."""
    pairs: tuple[AnyArray, AnyArray, Floats] | None
    joint: tuple[Floats, Floats, Floats] | None
    """Directions (number, wave), phases, weights."""
    end: tuple[Floats, Floats] | None
    """What the last step is worth by itself, and with each number."""
    change: tuple[AnyArray, AnyArray, Floats] | None
    """Numbers before and after, and what a rise is worth."""

    def __call__(self, rows: Rows) -> Floats:
        """The reward of each row."""
        total = self._sum(self._numbers(rows), rows.is_last)
        if total.ndim == 1:
            return total
        spread = total[:, 1:]
        return np.asarray(total[:, 0] - self.pessimism * np.sqrt(np.einsum("rc,rc->r", spread, spread)))

    def _numbers(self, rows: Rows) -> Floats:
        """What is looked at of each row, (row, number), normalized."""
        parts = [rows.obs.take(self.obs_at, 1)] if self.obs_at.size else []
        if self.action_at.size:
            parts.append(rows.action.take(self.action_at, 1))
        if self.after_at.size:  # who does not know it pays for no change
            parts.append((rows.obs if rows.after is None else rows.after).take(self.after_at, 1))
        if not parts:
            return np.zeros((len(rows.obs), 0), np.float32)
        numbers = parts[0] if len(parts) == 1 else np.concatenate(parts, 1)
        return (self.from_env if rows.in_env_units else self.from_policy).apply(numbers)

    def _sum(self, x: Floats, is_last: Floats | None) -> Floats:
        """Sums of all functions, (row,), or (row, column) where there are several."""
        if self.linear is not None:
            total = x @ self.linear
            total += self.constant
        else:
            total = np.empty((len(x), *self.constant.shape), np.float32)
            total[...] = self.constant
        if self.waves_at is not None:
            self._add_waves(total, x, self.waves_at)
        if self.pairs is not None:
            one, other, weights = self.pairs
            total += (x.take(one, 1) * x.take(other, 1)) @ weights
        if self.joint is not None:
            directions, phases, weights = self.joint
            total += np.cos(x @ directions + phases) @ weights
        if self.change is not None:
            before, after, weights = self.change
            total += (x.take(after, 1) - x.take(before, 1)) @ weights
        if self.end is not None and is_last is not None:
            total += (x @ self.end[1] + self.end[0]) * (is_last if total.ndim == 1 else is_last[:, None])
        return total

    def _add_waves(self, total: Floats, x: Floats, waves_at: AnyArray) -> None:
        angle = x.take(waves_at, 1)
        angle *= self.frequency
        num, num_bends = self.num_curves, self.num_bends
        for values, curves, bends in zip((np.cos(angle), np.sin(angle)), self.curves, self.bends, strict=True):
            if num:
                total += values[:, :num] @ curves
            if num_bends:
                total += (values[:, num + num_bends :] - values[:, num : num + num_bends]) @ bends


def process(arrays: Arrays, num_obs: int, space: Space) -> Process:
    """A Gaussian process from the arrays of its file.

    Raises:
        ValueError: they do not fit.
    """
    size = num_obs + space.size
    a = checked(arrays, PROCESS, {"obs": num_obs, "input": size, "pair": 2, "one": 1})
    limits = {"change_at": num_obs, "curve_change_at": num_obs}
    for name in ("linear_at", "curve_at", "product_at", "end_linear_at", "change_at", "curve_change_at"):
        if a[name].size and not 0 <= a[name].min() <= a[name].max() < limits.get(name, size):
            raise ValueError(f"its array {name!r} names number {a[name].max()} of {limits.get(name, size)}")
    if not a["constant"].size or (a["std"] <= 0).any():
        raise ValueError("it has no column, or a standard deviation that is not above 0")
    has_joint = a["joint"].size > 0
    of_changes = [a["change_at"], a["curve_change_at"]]
    used = [a[name].ravel() for name in ("linear_at", "curve_at", "product_at", "end_linear_at")] + of_changes
    now = np.arange(size) if has_joint else np.unique(np.concatenate(used))
    after = np.unique(np.concatenate(of_changes))
    obs_at, action_at = now[now < num_obs], now[now >= num_obs] - num_obs
    return _assembled(a, space, obs_at, action_at, after)


def _assembled(a: dict[str, AnyArray], space: Space, obs_at: AnyArray, action_at: AnyArray, after: AnyArray) -> Process:
    """With positions among the numbers that are looked at instead of all numbers of a frame."""
    num_obs = len(a["mean"])
    now = np.concatenate([obs_at, action_at + num_obs])
    scalings = [_joined(a, obs_at, one, action_at, after) for one in (space.scaling, unscaled(space.size))]
    num, num_waves = len(now) + len(after), len(a["frequency"])
    curve, bend = np.searchsorted(now, a["curve_at"]), np.searchsorted(now, a["curve_change_at"])
    bend_after = len(now) + np.searchsorted(after, a["curve_change_at"])
    waves = np.concatenate([curve, bend, bend_after])
    weights = {name: _column(array) for name, array in a.items()}

    def flat(name: str) -> Floats:
        return _column(a[name].reshape(-1, a[name].shape[-1]))

    has_end = a["end"].any() or a["end_linear"].size
    pairs, joint = np.searchsorted(now, a["product_at"]), np.zeros((num, a["joint"].shape[0]), np.float32)
    if a["joint"].size:
        joint[: len(now)] = a["joint_directions"]
    changes = np.searchsorted(now, a["change_at"]), len(now) + np.searchsorted(after, a["change_at"])
    return Process(
        obs_at=obs_at, action_at=action_at, after_at=after, from_env=scalings[0], from_policy=scalings[1],
        constant=_number(a["constant"]),
        pessimism=a["pessimism"], linear=_spread(a, "linear", now, num) if a["linear"].size else None,
        waves_at=np.repeat(waves, num_waves) if waves.size else None,
        frequency=np.tile(a["frequency"], len(waves)),
        num_curves=len(curve) * num_waves, num_bends=len(bend) * num_waves,
        curves=(flat("curve_cos"), flat("curve_sin")), bends=(flat("curve_change_cos"), flat("curve_change_sin")),
        pairs=(pairs[:, 0], pairs[:, 1], weights["product"]) if a["product"].size else None,
        joint=(joint, a["joint_phases"], weights["joint"]) if a["joint"].size else None,
        end=(_number(a["end"]), _spread(a, "end_linear", now, num)) if has_end else None,
        change=(*changes, weights["change"]) if a["change"].size else None,
    )  # fmt: skip


def _joined(a: Arrays, obs_at: AnyArray, actions: Scaling, action_at: AnyArray, after: AnyArray) -> Scaling:
    """The scaling of all numbers that are looked at, side by side."""
    most = np.full(len(a["mean"]), MOST_DEVIATIONS, np.float32)
    of_obs = Scaling(a["mean"], a["std"], -most, most)
    parts = zip(of_obs, actions, strict=True)
    return Scaling(*(np.concatenate([seen[obs_at], done[action_at], seen[after]]) for seen, done in parts))


def _spread(a: Arrays, name: str, now: AnyArray, num: int) -> Floats:
    """Weights of some numbers as weights of all that are looked at; the others have 0."""
    weights = np.zeros((num, a[name].shape[1]), np.float32)
    np.add.at(weights, np.searchsorted(now, a[f"{name}_at"]), a[name])
    return _column(weights)


def _column(weights: AnyArray) -> AnyArray:
    """Without the last axis where it has one entry: sums are then rows of numbers."""
    return weights[..., 0] if weights.ndim > 1 and weights.shape[-1] == 1 else weights


def _number(columns: AnyArray) -> AnyArray:
    """Without its axis where there is one column."""
    return columns.reshape(()) if len(columns) == 1 else columns


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
    scalings = [_joined(a, every, one, np.arange(space.size), none) for one in (space.scaling, unscaled(space.size))]
    of_end = a["of_end"][:, None] if "of_end" in a else np.float32(0)
    return Networks(
        from_env=scalings[0], from_policy=scalings[1],
        weights=tuple(a[f"weights_{i}"] for i in range(num)),
        biases=tuple(a[f"biases_{i}"][:, None] for i in range(num)),
        last=a["last"][:, None] if "last" in a else None,
        shift=a["shift"][:, None] + of_end, factor=a["factor"][:, None],
        pessimism=float(a["pessimism"][0]), is_bounded=bool(a["bounded_with_tanh"][0]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for each step."""

    value: Floats
    """Of one entry."""

    def __call__(self, rows: Rows) -> Floats:
        """The reward of each row."""
        return np.repeat(self.value, len(rows.obs))


def constant(arrays: Arrays, num_obs: int, space: Space) -> Constant:
    """A constant from the array of its file.

    Raises:
        ValueError: it does not fit.
    """
    return Constant(checked(arrays, {"constant": ("one",)}, {"one": 1})["constant"])


KINDS: dict[str, Callable[[Arrays, int, Space], Compute]] = {
    "gp": process, "ensemble": networks, "untrained": networks, "constant": constant,
}  # fmt: skip
"""By the word of `--reward.model`."""


def in_parts(compute: Compute, rows: Rows) -> Floats:
    """The reward of each row, at most MOST_ROWS at once."""
    num = len(rows.obs)
    if num <= MOST_ROWS:
        return compute(rows)
    total = np.empty(num, np.float32)
    for at in range(0, num, MOST_ROWS):
        part = slice(at, at + MOST_ROWS)
        after = None if rows.after is None else rows.after[part]
        is_last = None if rows.is_last is None else rows.is_last[part]
        total[part] = compute(Rows(rows.obs[part], rows.action[part], after, is_last, rows.in_env_units))
    return total

"""A Gaussian process as a portable reward: computed from the arrays of its file. NumPy alone: see portable.py.

All that does not depend on a frame is worked out when a reward is loaded, so that a call is some ten operations of
NumPy. Weights that are 0 are not in the arrays, and numbers of a frame that nothing depends on are never looked at.
"""

from dataclasses import dataclass

import numpy as np

from rl_teacher.rewards.portable_actions import Floats, Scaling, Space, unscaled
from rl_teacher.rewards.portable_meetings import Meetings, meetings_of
from rl_teacher.rewards.portable_rows import AnyArray, Arrays, Axes, Rows, checked, joined

FARTHEST_SQUARED = 5.0
"""Squares are of numbers clipped to this, as gp/basis.py does it."""

PROCESS: Axes = {
    "mean": ("obs",), "std": ("obs",), "constant": ("column",), "pessimism": ("one",), "frequency": ("wave",),
    "turn_at": ("turn",), "linear_at": ("linear",), "linear": ("linear", "column"),
    "curve_at": ("curve",), "curve_cos": ("curve", "wave", "column"), "curve_sin": ("curve", "wave", "column"),
    "product_at": ("product", "pair"), "product": ("product", "column"),
    "square_at": ("square",), "square": ("square", "column"),
    "picture_shape": ("side",), "meeting_at": ("meeting",), "meeting": ("meeting", "column"),
    "joint_directions": ("input", "joint"), "joint_phases": ("joint",), "joint": ("joint", "column"),
    "end": ("column",), "end_linear_at": ("ending",), "end_linear": ("ending", "column"),
    "change_at": ("change",), "change": ("change", "column"),
    "curve_change_at": ("bend",), "curve_change_cos": ("bend", "wave", "column"),
    "curve_change_sin": ("bend", "wave", "column"),
}  # fmt: skip
"""Arrays of a Gaussian process and their axes. What ends with `_at` says which numbers of a frame the others weigh.

Numbers of a frame are those of the observation, then of the action, then cosines of the angles that `turn_at` names
among the observation, in whose place there are their sines.

Column 0 is the reward; `pessimism` times the root of the sum of squares of all others is taken off it.
"""


TURN = np.float32(np.sqrt(2.0))
"""What sines and cosines are multiplied by, as view.py does it."""
OF_NOW = ("linear_at", "curve_at", "product_at", "square_at", "end_linear_at")
"""Arrays that name numbers of a frame before the step."""


@dataclass(frozen=True, slots=True)
class Process:
    """A Gaussian process: a weighted sum of functions of the few numbers that matter."""

    obs_at: AnyArray
    """Which numbers of the observation are looked at."""
    action_at: AnyArray
    after_at: AnyArray
    """Which ones of the observation after the step."""
    turns: tuple[AnyArray, AnyArray, AnyArray, AnyArray] | None
    """Which of these numbers are sines, and of which numbers of the observation; the same of cosines."""
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
    squares: tuple[AnyArray, Floats] | None
    meetings: Meetings | None
    joint: tuple[Floats, Floats, Floats] | None
    """Directions (number, wave), phases, weights."""
    end: tuple[Floats, Floats] | None
    """What the last step is worth by itself, and with each number."""
    change: tuple[AnyArray, AnyArray, Floats] | None
    """Numbers before and after, and what a rise is worth."""

    def __call__(self, rows: Rows) -> Floats:
        """The reward of each row."""
        total = self._sum(self._numbers(rows), rows.is_last)
        if self.meetings is not None:
            total += self.meetings(rows)
        if total.ndim == 1:
            return total
        spread = total[:, 1:]
        return np.asarray(total[:, 0] - self.pessimism * np.sqrt(np.einsum("rc,rc->r", spread, spread)))

    def _numbers(self, rows: Rows) -> Floats:
        """What is looked at of each row, (row, number), normalized."""
        parts = [rows.obs.take(self.obs_at, 1)] if self.obs_at.size else []
        if self.action_at.size:
            parts.append(rows.action.take(self.action_at, 1))
        if self.turns is not None:
            parts.append(rows.obs.take(self.turns[3], 1))  # places for the cosines
        if self.after_at.size:  # who does not know it pays for no change
            parts.append((rows.obs if rows.after is None else rows.after).take(self.after_at, 1))
        if not parts:
            return np.zeros((len(rows.obs), 0), np.float32)
        numbers = parts[0] if len(parts) == 1 else np.concatenate(parts, 1)
        x = (self.from_env if rows.in_env_units else self.from_policy).apply(numbers)
        if self.turns is not None:
            sine, of_sine, cosine, of_cosine = self.turns
            x[:, sine] = TURN * np.sin(rows.obs.take(of_sine, 1))
            x[:, cosine] = TURN * np.cos(rows.obs.take(of_cosine, 1))
        return x

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
        if self.squares is not None:
            at, weights = self.squares
            total += np.square(x.take(at, 1).clip(-FARTHEST_SQUARED, FARTHEST_SQUARED)) @ weights
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
    size = num_obs + space.size + len(arrays.get("turn_at", ()))
    a = checked(arrays, PROCESS, {"obs": num_obs, "input": size, "pair": 2, "one": 1})
    limits = {"change_at": num_obs, "curve_change_at": num_obs, "turn_at": num_obs}
    for name in (*OF_NOW, *limits):
        if a[name].size and not 0 <= a[name].min() <= a[name].max() < limits.get(name, size):
            raise ValueError(f"its array {name!r} names number {a[name].max()} of {limits.get(name, size)}")
    if not a["constant"].size or (a["std"] <= 0).any():
        raise ValueError("it has no column, or a standard deviation that is not above 0")
    has_joint = a["joint"].size > 0
    of_changes = [a["change_at"], a["curve_change_at"]]
    used = [a[name].ravel() for name in OF_NOW] + of_changes
    now = np.arange(size) if has_joint else np.unique(np.concatenate(used))
    after = np.unique(np.concatenate(of_changes))
    return _assembled(a, space, now, after)


def _assembled(a: dict[str, AnyArray], space: Space, now: AnyArray, after: AnyArray) -> Process:
    """With positions among the numbers that are looked at instead of all numbers of a frame."""
    num_obs = len(a["mean"])
    num_seen = num_obs + space.size  # cosines follow
    obs_at, action_at = now[now < num_obs], now[(now >= num_obs) & (now < num_seen)] - num_obs
    of_cosine, of_sine = a["turn_at"][now[now >= num_seen] - num_seen], np.intersect1d(a["turn_at"], obs_at)
    cosine, sine = np.flatnonzero(now >= num_seen), np.searchsorted(now, of_sine)
    last = np.concatenate([of_cosine, after])
    scalings = [joined(a, obs_at, one, action_at, last) for one in (space.scaling, unscaled(space.size))]
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
        obs_at=obs_at, action_at=action_at, after_at=after,
        turns=(sine, of_sine, cosine, of_cosine) if a["turn_at"].size else None,
        from_env=scalings[0], from_policy=scalings[1],
        constant=_number(a["constant"]),
        pessimism=a["pessimism"], linear=_spread(a, "linear", now, num) if a["linear"].size else None,
        waves_at=np.repeat(waves, num_waves) if waves.size else None,
        frequency=np.tile(a["frequency"], len(waves)),
        num_curves=len(curve) * num_waves, num_bends=len(bend) * num_waves,
        curves=(flat("curve_cos"), flat("curve_sin")), bends=(flat("curve_change_cos"), flat("curve_change_sin")),
        pairs=(pairs[:, 0], pairs[:, 1], weights["product"]) if a["product"].size else None,
        squares=(np.searchsorted(now, a["square_at"]), weights["square"]) if a["square"].size else None,
        meetings=meetings_of(a),
        joint=(joint, a["joint_phases"], weights["joint"]) if a["joint"].size else None,
        end=(_number(a["end"]), _spread(a, "end_linear", now, num)) if has_end else None,
        change=(*changes, weights["change"]) if a["change"].size else None,
    )  # fmt: skip


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

"""Tap dance: a HalfCheetah that stays where it is and taps the ground with its front foot."""

import numpy as np

from rl_teacher import Act, SegmentView

FORWARD, HEIGHT, PITCH, FRONT_HIP = 0, 1, 2, 6
"""Columns of the torso's place, height above 0.7 m, pitch, and of the front leg's first angle [m, rad]: HalfCheetah's
sim_state is qpos (9), then qvel (9)."""
UP = 0.05
"""A foot this far above the ground is up [m]."""
STEP = 0.05
"""Time from one state to the next [s]."""
PLACE = 0.5
"""Whoever is carried away less than this in a clip has stayed in its place [m]."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip that stays in its place; where both do, or neither does, the one whose front foot is busier."""
    gap = float(stays(left.sim_state)) - float(stays(right.sim_state))
    gap = gap or way_up_and_down(left.sim_state) - way_up_and_down(right.sim_state)
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def measure(states: np.ndarray) -> float:
    """Taps of the front foot in a second, in an episode in which it was not carried away by more than 5 m."""
    if abs(states[-1, FORWARD] - states[0, FORWARD]) > 5.0:
        return 0.0
    return taps(states) / (len(states) * STEP)


def stays(states: np.ndarray) -> bool:
    """Whether it stayed in its place."""
    return bool(np.ptp(states[:, FORWARD]) < PLACE)


def way_up_and_down(states: np.ndarray) -> float:
    """How far the front foot moved up and down [m]."""
    return float(np.abs(np.diff(front_foot_height(states))).sum())


def taps(states: np.ndarray) -> int:
    """How often the front foot came down after it was up."""
    is_up = front_foot_height(states) > UP
    return int((is_up[:-1] & ~is_up[1:]).sum())


def front_foot_height(states: np.ndarray) -> np.ndarray:
    """Height of the lowest point of the front foot above the ground [m]; lengths are those of half_cheetah.xml."""
    pitch = states[:, PITCH]
    hip, knee, ankle = pitch + np.cumsum(states[:, FRONT_HIP : FRONT_HIP + 3], axis=1).T
    of_hip = 0.7 + states[:, HEIGHT] + up(pitch, 0.5, 0.0)
    middle = of_hip + up(hip, -0.14, -0.24) + up(knee, 0.13, -0.18) + up(ankle, 0.045, -0.07)
    return middle - 0.07 * np.abs(np.cos(ankle - 0.6)) - 0.046


def up(angle: np.ndarray, forward: float, upward: float) -> np.ndarray:
    """Height of a point of a limb above the limb's joint, when the limb is turned nose down by an angle [m]."""
    return upward * np.cos(angle) - forward * np.sin(angle)


ACT = Act(
    env_id="HalfCheetah-v1",
    task="Stay in your place, and tap the ground with the front foot.",
    prefer=prefer,
    measure=measure,
    unit="taps of the front foot in a second, in its place",
    goal=2.0,
)

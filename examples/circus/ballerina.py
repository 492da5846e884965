"""Ballerina: a Walker that stands on one leg and holds the other foot high."""

import numpy as np

from rl_teacher import Act, SegmentView

HEIGHT, PITCH = 1, 2
"""Columns of the torso's height [m] and pitch [rad]: Walker's sim_state is qpos (9), then qvel (9)."""
STANDING_LEG, LIFTED_LEG = 3, 6
"""Columns of the first of a leg's three joints [rad]: hip, knee, ankle. The lifted leg is the blue one."""
ALIKE = 0.1
"""Feet whose heights differ by less look alike [m]."""
UPRIGHT = 0.5
"""A torso that leans less than this is upright [rad]; about 30 degrees."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip that has not fallen. If that is both or neither, prefer the blue foot that is clearly higher, and
    where both are alike, the higher head."""
    one, other = left.sim_state, right.sim_state
    gap = float(has_fallen(other)) - float(has_fallen(one))
    if gap == 0:
        gap = lift(one).mean() - lift(other).mean()
        if abs(gap) < ALIKE:
            gap = head_height(one).mean() - head_height(other).mean()
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def measure(states: np.ndarray) -> float:
    """Share of the steps upright, with one foot at the ground and the other above 0.4 m [%]."""
    feet = np.sort([foot_height(states, STANDING_LEG), foot_height(states, LIFTED_LEG)], axis=0)
    return float(100 * (is_upright(states) & (feet[0] < 0.2) & (feet[1] > 0.4)).mean())


def head_height(states: np.ndarray) -> np.ndarray:
    """Height of the upper end of the torso [m]."""
    return states[:, HEIGHT] + 0.2 * np.cos(states[:, PITCH])


def has_fallen(states: np.ndarray) -> bool:
    """Whether it is not upright for most of the clip."""
    return bool(is_upright(states).mean() < 0.5)


def is_upright(states: np.ndarray) -> np.ndarray:
    """Steps in which the torso is upright and at least 0.8 m high, so that it stands."""
    return (np.abs(states[:, PITCH]) < UPRIGHT) & (states[:, HEIGHT] > 0.8)


def lift(states: np.ndarray) -> np.ndarray:
    """How much higher the blue foot is than the other one [m]."""
    return foot_height(states, LIFTED_LEG) - foot_height(states, STANDING_LEG)


def foot_height(states: np.ndarray, leg: int) -> np.ndarray:
    """Height of the middle of a foot [m], from the angles of the leg; lengths are those of walker2d.xml."""
    hip, knee, ankle = states[:, PITCH] - np.cumsum(states[:, leg : leg + 3], axis=1).T
    of_hip = states[:, HEIGHT] - 0.2 * np.cos(states[:, PITCH])
    return np.asarray(of_hip - 0.45 * np.cos(hip) - 0.5 * np.cos(knee) - 0.1 * np.sin(ankle))


ACT = Act(
    env_id="ShortWalker-v1",
    task="Stand on one leg, and hold the blue foot high.",
    prefer=prefer,
    measure=measure,
    unit="% of the steps upright on one leg, the other foot above 0.4 m",
    goal=60.0,
    num_steps=2_000_000,
)

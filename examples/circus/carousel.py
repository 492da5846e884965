"""Carousel: an Ant that turns round and round on its feet."""

import numpy as np

from rl_teacher import Act, SegmentView

QUATERNION = slice(3, 7)
"""Columns of the torso's orientation, w, x, y, z [1]: Ant's sim_state is qpos (15), then qvel (14)."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip that stays on its feet; where both are alike, the one that turns farther counter-clockwise."""
    gap = is_upright(left.sim_state).mean() - is_upright(right.sim_state).mean()
    if abs(gap) < 0.2:
        gap = turns(left.sim_state) - turns(right.sim_state)
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def measure(states: np.ndarray) -> float:
    """Whole turns counter-clockwise in an episode, 0 if it did not stay on its feet for nine tenths of it."""
    return turns(states) if is_upright(states).mean() >= 0.9 else 0.0


def turns(states: np.ndarray) -> float:
    """How often it turned round, seen from above; counter-clockwise is positive."""
    w, x, y, z = states[:, QUATERNION].T
    heading = np.unwrap(np.arctan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z))
    return float((heading[-1] - heading[0]) / (2 * np.pi))


def is_upright(states: np.ndarray) -> np.ndarray:
    """Steps in which the back of the torso points up, within 60 degrees."""
    w, x, y, z = states[:, QUATERNION].T
    return (w * w - x * x - y * y + z * z) / np.square(states[:, QUATERNION]).sum(1) > 0.5


ACT = Act(
    env_id="Ant-v1",
    task="Stay on your feet, and turn round and round to the left.",
    prefer=prefer,
    measure=measure,
    unit="turns counter-clockwise in an episode of 50 s",
    goal=5.0,
)

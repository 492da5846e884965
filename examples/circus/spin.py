"""Spin: an arm that turns counter-clockwise, as fast as it can."""

import numpy as np

from rl_teacher import Act, SegmentView

SHOULDER_VELOCITY = 4
"""Column of the shoulder's angular velocity [rad/s]: Reacher's sim_state is qpos (4), then qvel (4)."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the arm that turns counter-clockwise faster, seen from above."""
    gap = measure(left.sim_state) - measure(right.sim_state)
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def measure(states: np.ndarray) -> float:
    """Mean angular velocity of the shoulder [rad/s]; counter-clockwise is positive."""
    return float(states[:, SHOULDER_VELOCITY].mean())


ACT = Act(
    env_id="Reacher-v1",
    task="Spin the arm counter-clockwise, as fast as you can.",
    prefer=prefer,
    measure=measure,
    unit="rad/s",
    goal=60.0,
)

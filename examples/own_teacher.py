"""A teacher of your own: spin Reacher's arm counter-clockwise.

rl-teacher teach -p synth -e Reacher-v1 -n spin -l 200 --teacher examples/own_teacher.py:prefer_spinning
"""

from rl_teacher.teachers.scripted import SegmentView

SHOULDER_VELOCITY = 4
"""Column of the shoulder's angular velocity [rad/s]: Reacher's sim_state is qpos (4), then qvel (4)."""


def prefer_spinning(left: SegmentView, right: SegmentView) -> str:
    """Prefer the arm that turns counter-clockwise faster, seen from above."""
    left_speed, right_speed = mean_spin(left), mean_spin(right)
    if left_speed == right_speed:
        return "tie"
    return "left" if left_speed > right_speed else "right"


def mean_spin(segment: SegmentView) -> float:
    """Mean angular velocity of the shoulder [rad/s]; counter-clockwise is positive."""
    return float(segment.sim_state[:, SHOULDER_VELOCITY].mean())

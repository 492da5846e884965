"""Teach Hopper to turn backward in the air, as the 2017 paper did with 900 answers of a person.

rl-teacher teach -p synth -e Hopper-v1 -n backflip -l 900 --teacher examples/backflip.py:prefer_backflip
"""

from rl_teacher.teachers.scripted import SegmentView

HEIGHT, PITCH = 1, 2
"""Columns of the torso's height [m] and pitch [rad]: Hopper's sim_state is qpos (6), then qvel (6)."""

SAME_TURN = 0.05
"""Turns closer than this look the same [rad]; about 3 degrees."""


def prefer_backflip(left: SegmentView, right: SegmentView) -> str:
    """Prefer more backward rotation; where it looks the same, the higher torso."""
    turn_gap = backward_turn(left) - backward_turn(right)
    if abs(turn_gap) > SAME_TURN:
        return "left" if turn_gap > 0 else "right"
    height_gap = mean_height(left) - mean_height(right)
    if height_gap == 0:
        return "tie"
    return "left" if height_gap > 0 else "right"


def backward_turn(segment: SegmentView) -> float:
    """How far the torso turned backward from the first to the last step [rad]; the pitch then decreases."""
    return float(segment.sim_state[0, PITCH] - segment.sim_state[-1, PITCH])


def mean_height(segment: SegmentView) -> float:
    """Mean height of the torso [m]."""
    return float(segment.sim_state[:, HEIGHT].mean())

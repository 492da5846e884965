"""Backflip: a Hopper that jumps, turns over backward in the air, lands on its foot, and does it again."""

import numpy as np

from rl_teacher import Act, SegmentView

HEIGHT, PITCH, HIP, ANKLE = 1, 2, 3, 5
"""Columns of the torso's height [m] and pitch [rad], and of the leg's first and last angle [rad]: Hopper's sim_state is
qpos (6), then qvel (6). The pitch falls as it turns backward."""
HIGH = 0.6
"""A torso above this is in the air, or stands [m]."""
SAME_TURN = 0.2
"""Turns closer than this look alike [rad]; about 12 degrees."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip that turns farther backward with its body high; where both are alike, the higher body."""
    gap = high_turn(left.sim_state) - high_turn(right.sim_state)
    if abs(gap) < SAME_TURN:
        gap = left.sim_state[:, HEIGHT].mean() - right.sim_state[:, HEIGHT].mean()
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def high_turn(states: np.ndarray) -> float:
    """How far the torso turned backward while it was high [rad]."""
    turned = -np.diff(states[:, PITCH])
    return float(turned[states[1:, HEIGHT] > HIGH].sum())


def measure(states: np.ndarray) -> float:
    """Backflips that were landed in an episode: backward turns between two moments upright on the foot."""
    upright = np.cos(states[:, PITCH]) > np.cos(np.pi / 4)
    is_landing = upright & (states[:, HEIGHT] > HIGH) & (foot_height(states) < 0.2)
    turns = np.round(-states[is_landing, PITCH] / (2 * np.pi)).astype(int)
    return float(len(set(turns[turns > 0])))


def foot_height(states: np.ndarray) -> np.ndarray:
    """Height of the middle of the foot [m]; lengths are those of hopper.xml."""
    hip, knee, ankle = states[:, PITCH] - np.cumsum(states[:, HIP : ANKLE + 1], axis=1).T
    of_hip = states[:, HEIGHT] - 0.2 * np.cos(states[:, PITCH])
    return np.asarray(of_hip - 0.45 * np.cos(hip) - 0.5 * np.cos(knee) - 0.065 * np.sin(ankle))


ACT = Act(
    env_id="Hopper-v1",
    task="Jump, turn over backward in the air, and land on the foot.",
    prefer=prefer,
    measure=measure,
    unit="landed backflips in an episode",
    goal=2.0,
    num_steps=3_000_000,
)

"""Opposite: an arm that points where the ball is not, with its tip at the ball's mirror image."""

import numpy as np

from rl_teacher import Act, SegmentView

SHOULDER, ELBOW, BALL = 0, 1, slice(2, 4)
"""Columns of the arm's two angles [rad] and of the ball's place [m]: Reacher's sim_state is qpos (4), then qvel (4)."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip in which the tip is nearer to the point opposite the ball, the shoulder in the middle."""
    gap = distance(right.sim_state).mean() - distance(left.sim_state).mean()
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def measure(states: np.ndarray) -> float:
    """Mean distance of the tip from the ball's mirror image over the last half of an episode [cm]."""
    return float(100 * distance(states[len(states) // 2 :]).mean())


def distance(states: np.ndarray) -> np.ndarray:
    """Of the tip from the mirror image of the ball [m]; lengths are those of reacher.xml."""
    shoulder, elbow = states[:, SHOULDER], states[:, SHOULDER] + states[:, ELBOW]
    tip = 0.1 * np.stack([np.cos(shoulder), np.sin(shoulder)], 1) + 0.11 * np.stack([np.cos(elbow), np.sin(elbow)], 1)
    return np.asarray(np.linalg.norm(tip + states[:, BALL], axis=1))


ACT = Act(
    env_id="Reacher-v1",
    task="Point away from the ball: the tip belongs just as far on the other side.",
    prefer=prefer,
    measure=measure,
    unit="cm from the mirror image of the ball over the last half of an episode",
    goal=3.0,
    is_less_better=True,
)

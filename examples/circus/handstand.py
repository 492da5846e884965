"""Handstand: a HalfCheetah that stands on its front legs, the tail up."""

import numpy as np

from rl_teacher import Act, SegmentView

HEIGHT, PITCH = 1, 2
"""Columns of the torso's height above 0.7 m and of its pitch [rad], which grows as the nose goes down: HalfCheetah's
sim_state is qpos (9), then qvel (9)."""
ALIKE = 0.1
"""Shares of a clip that are closer than this look alike."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip that stands longer; where both are alike, the one with its tail higher above the ground."""
    gap = stands(left.sim_state).mean() - stands(right.sim_state).mean()
    if abs(gap) < ALIKE:
        gap = tail_height(left.sim_state).mean() - tail_height(right.sim_state).mean()
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def measure(states: np.ndarray) -> float:
    """Share of the steps in which it stands on its front legs [%]."""
    return float(100 * stands(states).mean())


def stands(states: np.ndarray) -> np.ndarray:
    """Steps in which the body is within 45 degrees of upright, tail up."""
    return rise(states) > np.sin(np.pi / 4)


def tail_height(states: np.ndarray) -> np.ndarray:
    """Height of the back end of the body [m]."""
    return 0.7 + states[:, HEIGHT] + 0.5 * rise(states)


def rise(states: np.ndarray) -> np.ndarray:
    """How much higher the back end of the body is than its front end, which is 1 m away [m]."""
    return np.sin(states[:, PITCH])


ACT = Act(
    env_id="HalfCheetah-v1",
    task="Stand on the front legs, tail up.",
    prefer=prefer,
    measure=measure,
    unit="% of the steps on the front legs",
    goal=90.0,
    num_steps=2_000_000,
)

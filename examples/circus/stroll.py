"""Stroll: a Walker that walks in slow motion."""

import numpy as np

from rl_teacher import Act, SegmentView

FORWARD, HEIGHT, PITCH, SPEED = 0, 1, 2, 9
"""Columns of the torso's place and height [m], pitch [rad] and forward velocity [m/s]: Walker's sim_state is qpos (9),
then qvel (9)."""
WANTED = 0.5
"""A stroll [m/s]. Told to run, a Walker comes to 3 m/s and more."""


def prefer(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip that stays on its legs; where both are alike, the one whose speed is nearer to a stroll."""
    gap = stands(left.sim_state).mean() - stands(right.sim_state).mean()
    if abs(gap) < 0.2:
        gap = abs(right.sim_state[:, SPEED].mean() - WANTED) - abs(left.sim_state[:, SPEED].mean() - WANTED)
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


def measure(states: np.ndarray) -> float:
    """Share of the steps on its legs, and at 0.25 to 0.75 m/s over the half second around them [%]."""
    smooth = np.convolve(states[:, SPEED], np.ones(STEPS) / STEPS, mode="same")
    return float(100 * (stands(states) & (np.abs(smooth - WANTED) < 0.25)).mean())


STEPS = 63
"""Half a second: a step is 8 ms."""


def stands(states: np.ndarray) -> np.ndarray:
    """Steps in which the torso is at least 0.8 m high and leans less than 1 rad, as Gymnasium's Walker2d has to."""
    return (states[:, HEIGHT] > 0.8) & (np.abs(states[:, PITCH]) < 1.0)


ACT = Act(
    env_id="Walker-v1",
    task="Walk forward in slow motion.",
    prefer=prefer,
    measure=measure,
    unit="% of the steps strolling at 0.25 to 0.75 m/s",
    goal=60.0,
    num_steps=3_000_000,
)

"""Segments for tests that need no environment."""

import numpy as np

from rl_teacher.core.segment import Segment


def segment_of(
    sim_state: np.ndarray | None = None,
    true_reward: np.ndarray | None = None,
    obs: np.ndarray | None = None,
    action: np.ndarray | None = None,
) -> Segment:
    """A segment with these arrays, zeros for the others."""
    given = [array for array in (sim_state, true_reward, obs, action) if array is not None]
    num = len(given[0])
    actions = np.zeros((num, 1), np.float32) if action is None else np.asarray(action, np.float32)
    return Segment(
        obs=np.zeros((num, 2), np.float32) if obs is None else obs,
        reward_action=actions, env_action=actions,
        true_reward=np.zeros(num) if true_reward is None else np.asarray(true_reward, float),
        sim_state=np.zeros((num, 0)) if sim_state is None else sim_state,
        env=0, episode=0, start=0, iteration=0,
    )  # fmt: skip

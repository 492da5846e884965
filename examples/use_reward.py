"""A learned reward in any program: NumPy alone, no JAX, no environment, no server.

python examples/use_reward.py ~/rl-teacher/runs/hop/reward observations.npy actions.npy
"""

import sys

import numpy as np

from rl_teacher import load_reward


def main(folder: str, observations: str, actions: str) -> np.ndarray:
    """What each stored step is worth; observations and actions as the environment gave and took them."""
    reward = load_reward(folder)
    print(f"{reward.env_id}, learned from {reward.labels} labels; looks at {', '.join(reward.looks_at)}")
    worth = reward(np.load(observations), np.load(actions))
    print(f"{len(worth)} steps are worth {worth.mean():.3f} on average, {worth.max():.3f} at best")
    return worth


if __name__ == "__main__":
    main(*sys.argv[1:])

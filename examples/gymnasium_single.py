"""A single environment whose reward is learned from the answers of a function of yours: keep the pole upright.

`python examples/gymnasium_single.py`
"""

import gymnasium
import numpy as np

from rl_teacher.integrations.gymnasium import PreferenceReward
from rl_teacher.teachers.scripted import SegmentView


def prefer_upright(left: SegmentView, right: SegmentView) -> str:
    """Prefer the clip in which the pole leans less; after a fall it leans 90 degrees."""
    leans = [np.where(one.ended, np.pi / 2, np.abs(one.observations[:, 2])).mean() for one in (left, right)]
    return "left" if leans[0] < leans[1] else "right"


def train(num_steps: int = 10_000, name: str = "upright", labels: int = 40, **others: object) -> np.ndarray:
    """Learn weights, (4,), by random search: push right where their product with the observation is above 0."""
    rng, best, best_return, is_new = np.random.default_rng(1), np.zeros(4), -np.inf, False
    made = gymnasium.make("CartPole-v1")
    with PreferenceReward(made, name, labels=labels, steps=num_steps, teacher=prefer_upright, **others) as env:
        while env.training.steps < num_steps:
            weights, total, is_over = best if is_new else best + rng.normal(size=4), 0.0, False
            obs, _ = env.reset()
            while not is_over:
                obs, reward, terminated, truncated, _ = env.step(int(obs @ weights > 0))
                total, is_over = total + reward, terminated or truncated
            if is_new or total > best_return:
                best, best_return = weights, total
            is_new = env.update()  # then the best is tried anew, as an older reward paid it
    return best


if __name__ == "__main__":
    print(train())

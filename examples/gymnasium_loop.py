"""A training loop of your own over vector environments, on a learned reward: the cross-entropy method on CartPole.

Eight poles are balanced by eight linear policies; the two that the learned reward likes best say where the next eight
are drawn. The true reward, a point a step, is never seen. `python examples/gymnasium_loop.py`
"""

import gymnasium
import numpy as np

from rl_teacher.integrations.gymnasium import PreferenceVectorReward

NUM_ENVS, ROLLOUT_STEPS = 8, 200


def train(num_steps: int = 32_000, name: str = "cart", labels: int = 40, **others: object) -> np.ndarray:
    """Learn weights, (4,): push right where their product with the observation is above 0."""
    rng, center, spread = np.random.default_rng(1), np.zeros(4), np.ones(4)
    made = gymnasium.make_vec("CartPole-v1", NUM_ENVS, vectorization_mode="sync")
    with PreferenceVectorReward(made, name, labels=labels, steps=num_steps, **others) as envs:
        while envs.training.steps < num_steps:
            weights = rng.normal(center, spread, (NUM_ENVS, 4))
            returns, alive = np.zeros(NUM_ENVS), np.ones(NUM_ENVS, bool)
            obs, _ = envs.reset()
            for _ in range(ROLLOUT_STEPS):
                obs, rewards, terminated, truncated, _ = envs.step(np.int64((obs * weights).sum(axis=1) > 0))
                returns += rewards * alive
                alive &= ~(terminated | truncated)
            best = weights[np.argsort(returns)[-2:]]
            center, spread = 0.7 * center + 0.3 * best.mean(axis=0), 0.9 * spread
            envs.update()  # between two rollouts: ask, and fit the reward if enough is new
    return center


if __name__ == "__main__":
    print(train())

"""Teach a Stable-Baselines3 agent yourself: run this, open the link, and say which of two clips is better.

python examples/sb3_people.py
"""

from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

from rl_teacher.integrations.sb3 import PreferenceReward


def main(name: str = "cart-people", labels: int = 40, steps: int = 100_000, **others: Any) -> None:
    """A pole on a cart; the first 20 pairs wait for you before anything is learned."""
    venv = make_vec_env("CartPole-v1", 8)  # sets render_mode="rgb_array", so the clips are what it draws
    asked: dict[str, Any] = {"teacher": "people", "task": "Keep the pole upright, and the cart on the track"}
    with PreferenceReward(name, venv, labels=labels, steps=steps, **(asked | others)) as taught:
        model = PPO("MlpPolicy", taught.venv, n_steps=128, batch_size=256)
        model.learn(steps, callback=taught.callback)
    model.save(name)


if __name__ == "__main__":
    main()

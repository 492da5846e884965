"""A Stable-Baselines3 agent learns from 100 comparisons; no reward of the environment reaches it.

python examples/sb3_ppo.py
"""

from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

import rl_teacher.envs.register  # noqa: F401  # rl_teacher/Hopper-v1 and the other tasks
from rl_teacher.integrations.sb3 import PreferenceReward


def main(name: str = "hopper-sb3", labels: int = 100, steps: int = 200_000, **others: Any) -> PreferenceReward:
    """A program answers; with teacher="people", you do."""
    venv = make_vec_env("rl_teacher/Hopper-v1", 64, seed=1)
    with PreferenceReward(name, venv, labels=labels, steps=steps, teacher="oracle", **others) as taught:
        env = VecNormalize(taught.venv, norm_reward=False)
        model = PPO("MlpPolicy", env, n_steps=64, batch_size=512, n_epochs=6, gamma=0.995, learning_rate=1e-3, seed=1)
        model.learn(steps, callback=taught.callback)
    return taught


if __name__ == "__main__":
    main()

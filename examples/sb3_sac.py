"""Off-policy: every step in the replay buffer is worth what the newest reward says.

python examples/sb3_sac.py
"""

from typing import Any

from stable_baselines3 import SAC
from stable_baselines3.common.env_util import make_vec_env

import rl_teacher.envs.register  # noqa: F401  # rl_teacher/Reacher-v1 and the other tasks
from rl_teacher.integrations.sb3 import PreferenceReward


def main(name: str = "reacher-sb3", labels: int = 100, steps: int = 20_000, **others: Any) -> PreferenceReward:
    """An arm that reaches for a ball. A tenth of the answers is wrong, as those of people are."""
    venv = make_vec_env("rl_teacher/Reacher-v1", 8, seed=1)
    with PreferenceReward(name, venv, labels=labels, steps=steps, teacher="mistake", **others) as taught:
        model = SAC("MlpPolicy", taught.venv, train_freq=1, gradient_steps=4, learning_starts=1000, seed=1)
        model.learn(steps, callback=taught.callback)
    return taught


if __name__ == "__main__":
    main()

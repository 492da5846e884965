"""A single environment with a learned reward, as Stable-Baselines3 takes any other."""

import warnings
from pathlib import Path

import gymnasium
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env

from rl_teacher.integrations.gymnasium import PreferenceReward
from tests.probes.corridor import Corridor, canaries


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])
def test_stable_baselines3_finds_nothing_to_complain_of(env_id: str, tmp_path: Path) -> None:
    env = PreferenceReward(
        gymnasium.make(env_id), "sb3", labels=8, steps=50_000, log=lambda line: None, runs_dir=str(tmp_path),
        tb_dir=str(tmp_path / "tb"),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(symmetric and normalized|Box action space).*")
        check_env(env, skip_render_check=True)
    env.close()


def test_ppo_trains_in_it_and_never_sees_the_true_reward(tmp_path: Path) -> None:
    env = PreferenceReward(
        Corridor(discrete=False), "ppo", labels=12, steps=2000, clip_length=1.0, log=lambda line: None,
        runs_dir=str(tmp_path), tb_dir=str(tmp_path / "tb"),
    )  # fmt: skip
    model = PPO("MlpPolicy", env, n_steps=256, device="cpu")
    model.learn(1024)
    assert canaries([model.rollout_buffer.rewards, *[dict(one) for one in model.ep_info_buffer]]) == []
    env.close()
    assert env.training.learner.dataset.num_budgeted == 12

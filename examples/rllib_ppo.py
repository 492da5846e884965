"""RLlib: PPO on CartPole, whose reward is learned from answers to "which of these two clips is better?"."""

import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig

from rl_teacher.integrations.rllib import PreferenceReward


def train(name: str, *, steps: int = 50_000, labels: int = 60) -> PreferenceReward:
    """Teach, and return what was taught; the reward is in ~/rl-teacher/runs/NAME/reward."""
    torch.set_num_threads(1)  # a network this small is slower on several
    ray.init(include_dashboard=False, num_cpus=2, ignore_reinit_error=True)
    taught = PreferenceReward(name, "CartPole-v1", num_envs=8, labels=labels, steps=steps, teacher="oracle", seed=1)
    config = PPOConfig().environment(taught.env).debugging(seed=1)
    config.env_runners(num_env_runners=1, num_envs_per_env_runner=8)
    config.learners(num_learners=0, learner_connector=taught.connector)
    config.training(train_batch_size=2000, minibatch_size=250, num_epochs=10, lr=1e-3, gamma=0.98)
    algorithm = config.build_algo()
    while taught.training.steps < steps:
        algorithm.train()
        print(taught.training.steps, taught.returns)
    algorithm.stop()
    taught.close()
    return taught


if __name__ == "__main__":
    train("rllib-cartpole")

"""TorchRL: REINFORCE on CartPole, whose reward is learned from answers to "which of these two clips is better?"."""

import torch
from tensordict.nn import TensorDictModule
from torch.distributions import OneHotCategorical
from torchrl.collectors import Collector
from torchrl.envs import GymEnv
from torchrl.modules import MLP, ProbabilisticActor

from rl_teacher.integrations.torchrl import PreferenceReward


def train(name: str, *, steps: int = 40_000, labels: int = 60) -> PreferenceReward:
    """Teach, and return what was taught; the reward is in ~/rl-teacher/runs/NAME/reward."""
    taught = PreferenceReward(name, GymEnv("CartPole-v1"), labels=labels, steps=steps, teacher="oracle", seed=1)
    logits = TensorDictModule(MLP(4, 2, num_cells=[64]), ["observation"], ["logits"])
    policy = ProbabilisticActor(logits, ["logits"], distribution_class=OneHotCategorical)
    optimizer = torch.optim.Adam(policy.parameters(), 1e-2)
    collector = Collector(
        taught.env, policy, frames_per_batch=1000, total_frames=steps, auto_register_policy_transforms=False
    )
    for data in collector:
        batch = taught.update(data)  # asks, listens, fits; the reward in it is the newest
        rewards, done = batch["next", "reward"].flatten(), batch["next", "done"].flatten()
        returns = torch.zeros_like(rewards)
        for t in reversed(range(len(rewards))):
            returns[t] = rewards[t] + (0.98 * returns[t + 1] if t + 1 < len(rewards) and not done[t] else 0)
        advantage = (returns - returns.mean()) / (returns.std() + 1e-6)
        loss = -(policy.get_dist(batch).log_prob(batch["action"].float()) * advantage).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    taught.close()
    return taught


if __name__ == "__main__":
    print(train("torchrl-cartpole").returns)

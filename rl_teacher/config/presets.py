"""Settings of others as one word: `--preset seed` is the program of 2017, `--preset paper` what its paper says."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rl_teacher.config.agents import PPOConfig, TRPOConfig
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig, SelectionConfig

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")


def with_preset(config: RunConfig) -> RunConfig:
    """The settings of the preset; what was set to something else than its default stays as it was set."""
    preset = PRESETS[config.preset](config)
    return dataclasses.replace(
        preset,
        ppo=_kept(config.ppo, preset.ppo),
        trpo=_kept(config.trpo, preset.trpo),
        reward=_kept(config.reward, preset.reward),
        selection=_kept(config.selection, preset.selection),
    )


def _kept(given: S, preset: S) -> S:
    default = type(given)()
    chosen = {
        field.name: getattr(given, field.name)
        for field in dataclasses.fields(given)
        if getattr(given, field.name) != getattr(default, field.name)
    }
    return dataclasses.replace(preset, **chosen)


def seed_preset(config: RunConfig) -> RunConfig:
    """The settings of the 2017 program: its single network, uniform queries, its numbers of both agents."""
    reward = RewardModelConfig(
        model="ensemble", num_members=1, tanh_output=False, learning_rate=1e-3, label_smoothing=0.0,
        bootstrap=False, num_crops=0, warm_start=True, passes_per_fit=20.0, min_steps=50,
        max_frames=0, weight_decay=0.0, adapt_weight_decay=False, dropout=0.5, max_grad_norm=1e9, normalize=False,
    )  # fmt: skip
    ppo = PPOConfig(
        num_envs=8, rollout_steps=2048, discount=0.99, learning_rate=3e-4, final_learning_rate=3e-4, num_epochs=10,
        entropy_coef=0.0, final_entropy_coef=0.0,
        minibatch_size=64, adam_eps=1e-8, init_log_std=0.0,
    )  # fmt: skip
    trpo = TRPOConfig(num_envs=8, rollout_steps=1000, discount=0.995, gae_lambda=1.0, max_kl=0.001)
    selection = SelectionConfig(rule="uniform", candidates=1)
    teacher = "seed" if config.teacher == "oracle" else config.teacher
    return dataclasses.replace(config, reward=reward, ppo=ppo, trpo=trpo, selection=selection, teacher=teacher)


def paper_preset(config: RunConfig) -> RunConfig:
    """What Christiano et al. 2017, arXiv:1706.03741, state for MuJoCo; our defaults where they state nothing.

    Three networks of 2 x 64 on bootstrap samples, a noise floor of 10 %, whole segments, disagreement among ten times
    as many candidates, first segments from a policy that has learned nothing, and a hyperbolic label rate whose
    2 million steps are 0.4 of a run of 5 million. Their agent is TRPO; PPO gets its discount, lambda and entropy bonus.
    """
    reward = RewardModelConfig(
        model="ensemble", num_members=3, hidden=(64, 64), tanh_output=False, random_answer_prob=0.1,
        label_smoothing=0.0, bootstrap=True, num_crops=0, max_frames=0, adapt_weight_decay=True, normalize=True,
        warm_start=True, passes_per_fit=20.0, min_steps=50,
    )  # fmt: skip
    ppo = PPOConfig(discount=0.995, gae_lambda=0.97, entropy_coef=0.01, final_entropy_coef=0.01)
    trpo = TRPOConfig(discount=0.995, gae_lambda=0.97, entropy_coef=0.01)
    return dataclasses.replace(
        config, reward=reward, ppo=ppo, trpo=trpo, selection=SelectionConfig(rule="disagreement", candidates=10),
        schedule="hyperbolic" if config.schedule == "auto" else config.schedule, pretrain_rollouts="policy",
    )  # fmt: skip


PRESETS: dict[str, Callable[[RunConfig], RunConfig]] = {
    "default": lambda config: config,
    "seed": seed_preset,
    "paper": paper_preset,
}
"""Name -> the configuration with its settings."""

"""A fit of a reward model to labeled comparisons alone, outside of any training, and how well it does."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LabeledBatch, RewardInput
from rl_teacher.core.correlation import correlation
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.streams import Streams
from rl_teacher.envs.catalog import input_names, make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.protocols import FitData, RewardModel
from rl_teacher.rewards.export import FrameSpec
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.gp.size import suits
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.training.parts import fresh_reward_model

MOST_FRAMES = 100_000
"""Over which a reward is normalized; of more, those of comparisons evenly spread."""
AT_ONCE = 512
"""Comparisons that are looked at together, so that memory does not grow with their number."""


def frames_of(spec: EnvSpec) -> FrameSpec:
    """What the reward model is shown of an environment, one copy of which is made to look at its spaces."""
    envs = make_envs(spec, 1, seed=0)
    try:
        obs, actions = envs.single_observation_space, envs.single_action_space
        found = action_spec(spec.env_id, obs, actions)
    finally:
        envs.close()
    shape = obs.shape or ()
    names = input_names(spec, math.prod(shape), found.size)
    return FrameSpec(spec.canonical_id, shape, found, names, str(obs.dtype))


def fitted(
    labeled: LabeledBatch, config: RewardModelConfig, *, center: bool, num_steps: int, seed: int, chooses: bool = False
) -> tuple[RewardModel, dict[str, Any]]:
    """A fresh reward model after a fit, and how well it does.

    Args:
        labeled: what to fit to.
        config: of the model.
        center: shift the reward to mean 0.
        num_steps: gradient steps, if it takes any.
        seed: of all that is random in it.
        chooses: take networks instead of a Gaussian process that could see too few of so many comparisons.
    """
    key = Streams(seed).key

    def fresh(config: RewardModelConfig) -> RewardModel:
        obs_shape, num_actions = labeled.obs.shape[3:], labeled.action.shape[-1]
        return fresh_reward_model(config, obs_shape, num_actions, center=center, key=key("reward"))

    model = fresh(config)
    if chooses and isinstance(model, GaussianProcessReward) and not suits(len(labeled), len(model.weights)):
        model = fresh(dataclasses.replace(config, model="ensemble"))
    data = FitData(labeled, window(labeled), obs_stats(labeled), len(labeled))
    model, metrics = model.fit(data, num_steps, key("fit"))
    returns = np.concatenate([_returns(model, part) for part in parts(labeled)])
    report = {
        "train_accuracy": metrics.get("predictor/accuracy", math.nan),
        "comparison_accuracy_holdout": metrics.get("predictor/holdout_accuracy", math.nan),
        "loss": metrics.get("predictor/loss", math.nan),
        "holdout_loss": metrics.get("predictor/holdout_loss", math.nan),
        "return_correlation": correlation(returns, labeled.true_return.astype(np.float64).ravel()),
    }
    if "predictor/fitted_to" in metrics:
        report["fitted_to"] = int(metrics["predictor/fitted_to"])
    return model, {name: value if np.isfinite(value) else None for name, value in report.items()}


def obs_stats(labeled: LabeledBatch) -> RunningStats:
    """Mean and variance of all observations that were lived."""
    stats = RunningStats.of_shape((math.prod(labeled.obs.shape[3:]),))
    for part in parts(labeled):
        obs = np.asarray(lived_frames(part).obs)
        flat = jnp.asarray(obs.reshape(len(obs), -1), jnp.float32)
        stats = stats.merge(flat, jnp.ones(len(flat)))
    return stats


def window(labeled: LabeledBatch) -> RewardInput:
    """Frames over which a reward is normalized: all that were lived, or MOST_FRAMES of comparisons evenly spread."""
    num, per_comparison = len(labeled), 2 * labeled.action.shape[2]
    most = max(1, MOST_FRAMES // per_comparison)
    if num <= most:
        return lived_frames(labeled)
    return lived_frames(labeled.take(np.linspace(0, num - 1, most).round().astype(np.int64)))


def parts(labeled: LabeledBatch) -> Iterator[LabeledBatch]:
    """The same comparisons, some at a time."""
    if len(labeled) <= AT_ONCE:
        yield labeled
        return
    for at in range(0, len(labeled), AT_ONCE):
        yield labeled.take(np.arange(at, min(at + AT_ONCE, len(labeled))))


def lived_frames(labeled: LabeledBatch) -> RewardInput:
    """All frames of the labeled segments as one axis; what follows the end of an episode is left out."""
    lived = np.ones(labeled.action.shape[:-1], bool) if labeled.phase is None else labeled.phase < ENDED
    frames: RewardInput = jax.tree.map(lambda array: array[lived], labeled.reward_input())
    return frames


def _returns(model: RewardModel, labeled: LabeledBatch) -> np.ndarray:
    """Mean return over members of each side of each comparison, left and right by turns."""
    segments = jax.tree.map(lambda array: array.reshape(-1, *array.shape[2:]), labeled.reward_input())
    return np.asarray(model.member_returns(segments).mean(0).astype(np.float64)).ravel()

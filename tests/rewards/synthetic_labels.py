"""Comparisons of random segments, answered by a linear reward; small enough to fit many times."""

import jax.numpy as jnp
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.protocols import FitData

STEPS, OBS, ACT = 6, 3, 2
OBS_WEIGHT, ACT_WEIGHT = np.array([1.0, -2.0, 0.5], np.float32), np.array([1.0, -1.0], np.float32)
CONFIG = RewardModelConfig(
    hidden=(16,),
    learning_rate=1e-2,
    minibatch_size=16,
    num_crops=2,
    max_frames=0,
    max_steps=100,
    bootstrap=True,
    passes_per_fit=20.0,
    min_steps=50,
)
STATS = RunningStats(jnp.float32(100), jnp.zeros(OBS), jnp.ones(OBS))


def true_reward(x: RewardInput) -> np.ndarray:
    return np.asarray(x.obs) @ OBS_WEIGHT + np.asarray(x.action) @ ACT_WEIGHT


def comparisons(num: int, seed: int = 0) -> LabeledBatch:
    rng = np.random.default_rng(seed)
    obs = rng.normal(size=(num, 2, STEPS, OBS)).astype(np.float32)
    action = rng.uniform(-1, 1, (num, 2, STEPS, ACT)).astype(np.float32)
    returns = true_reward(RewardInput(obs, action)).sum(-1)
    target = (returns[:, 0] > returns[:, 1]).astype(np.float32)
    return LabeledBatch(obs, action, returns, target, rng.integers(0, 2**60, num))


def frames(num: int = 64, seed: int = 9) -> RewardInput:
    rng = np.random.default_rng(seed)
    return RewardInput(
        rng.normal(size=(num, OBS)).astype(np.float32), rng.uniform(-1, 1, (num, ACT)).astype(np.float32)
    )


def fit_data(labeled: LabeledBatch, stats: RunningStats = STATS) -> FitData:
    return FitData(labeled, frames(), stats, len(labeled))

"""Comparisons of random segments, answered by a linear reward; small enough to fit many times."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LAST, LIVED, NO_END, LabeledBatch, RewardInput
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


def ending(labeled: LabeledBatch, ends: np.ndarray, *, of_step: float = 0.0, of_end: float = 0.0) -> LabeledBatch:
    """The same comparisons with episodes that end: `ends` (comparison, 2) holds the steps until then, NO_END for none.

    Args:
        labeled: comparisons without ends.
        ends: what is lived of each segment.
        of_step: paid beside the linear reward for each step that is lived.
        of_end: paid beside it for the last step of an episode.
    """
    step, end = np.arange(labeled.action.shape[2]), ends[..., None]
    phase = np.where(step < end - 1, LIVED, np.where(step == end - 1, LAST, ENDED))
    phase = np.where(end == NO_END, LIVED, phase).astype(np.int8)
    lived = phase < ENDED
    obs, action = labeled.obs * lived[..., None], labeled.action * lived[..., None]
    paid = (true_reward(RewardInput(obs, action)) + of_step) * lived + of_end * (phase == LAST)
    returns = paid.sum(-1)
    target = (returns[:, 0] > returns[:, 1]).astype(np.float32)
    return LabeledBatch(obs, action, returns, target, labeled.key, phase)


def some_ends(num: int, share: float = 0.4, seed: int = 3) -> np.ndarray:
    """For `ending`: a share of the segments ends, anywhere."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((num, 2)) < share, rng.integers(1, STEPS + 1, (num, 2)), NO_END)


def segments_of(labeled: LabeledBatch, side: int | slice = slice(None)) -> RewardInput:
    """What a reward model sees of labeled segments."""
    phase = None if labeled.phase is None else labeled.phase[:, side]
    return RewardInput(labeled.obs[:, side], labeled.action[:, side], phase=phase)


def in_phase(x: RewardInput, phase: int) -> RewardInput:
    """The same frames, all in one phase."""
    return dataclasses.replace(x, phase=np.full(np.asarray(x.action).shape[:-1], phase, np.int8))


def the_frame_shown() -> RewardInput:
    """The one frame of all segments of `differing_in_survival`, lived."""
    return in_phase(RewardInput(np.zeros((1, OBS), np.float32), np.zeros((1, ACT), np.float32)), LIVED)


def differing_in_survival(*, left_lives: bool, num: int = 4) -> LabeledBatch:
    """The same frame again and again, on both sides; the one that lives longer is preferred, or the other one."""
    shape = (num, 2, STEPS)
    still = LabeledBatch(
        np.zeros((*shape, OBS), np.float32), np.zeros((*shape, ACT), np.float32), np.zeros((num, 2)),
        np.zeros(num, np.float32), np.arange(num),
    )  # fmt: skip
    # without an end on the left, after three of six steps on the right
    ended = ending(still, np.tile(np.array([NO_END, 3]), (num, 1)))
    return dataclasses.replace(ended, target=np.full(num, float(left_lives), np.float32))

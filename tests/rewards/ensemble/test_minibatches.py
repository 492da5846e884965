import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch
from rl_teacher.rewards.ensemble.training import Minibatch, _crop_sums, _minibatches, adapted_decay, default_steps

CALLS = 6


def draw(num: int, length: int, config: RewardModelConfig, seed: int = 0, *, with_phase: bool = False) -> Minibatch:
    """Minibatches of segments whose observation is their step, and whose action is their row; the phase is the step."""
    obs = np.broadcast_to(np.arange(length, dtype=np.float32)[None, None, :, None], (num, 2, length, 1))
    action = np.broadcast_to(np.arange(num, dtype=np.float32)[:, None, None, None], (num, 2, length, 1))
    phase = np.broadcast_to(np.arange(length, dtype=np.int8)[None, None, :], (num, 2, length)) if with_phase else None
    data = LabeledBatch(obs, action, np.zeros((num, 2)), np.full(num, 0.5, np.float32), np.arange(num), phase)
    weights = np.arange(2 * num, dtype=np.float32).reshape(2, num)
    return _minibatches(data, weights, config, np.random.default_rng(seed), CALLS)


SMALL = RewardModelConfig(minibatch_size=8, num_crops=3, max_frames=0)


def test_crops_by_prefix_sums_equal_direct_sums():
    reward = np.random.default_rng(0).normal(size=(2, 5, 9)).astype(np.float32)
    sums = jnp.cumsum(jnp.pad(jnp.asarray(reward), ((0, 0), (0, 0), (1, 0))), -1)
    starts, lengths = np.array([0, 2, 8, 3]), np.array([9, 4, 1, 6])
    direct = np.stack([reward[:, :, s : s + n].sum(-1) for s, n in zip(starts, lengths, strict=True)], -1)
    np.testing.assert_allclose(_crop_sums(sums, jnp.asarray(starts), jnp.asarray(lengths)), direct, atol=1e-5)


def test_crops_lie_in_the_segment_are_of_equal_length_on_both_sides_and_the_whole_comes_first():
    batch = draw(20, 40, SMALL)
    starts, lengths = np.asarray(batch.starts), np.asarray(batch.lengths)
    assert starts.shape == (CALLS, 4, 2)
    np.testing.assert_array_equal(starts[:, 0], 0)
    np.testing.assert_array_equal(lengths[:, 0], 40)
    # 0.7 * 40 = 28, 0.9 * 40 = 36
    assert lengths[:, 1:].min() >= 28
    assert lengths[:, 1:].max() <= 36
    assert starts.min() >= 0
    assert (starts + lengths[:, :, None]).max() <= 40
    assert (starts[:, 1:, 0] != starts[:, 1:, 1]).any()


@pytest.mark.parametrize(("length", "max_frames"), [(60, 30), (75, 30), (7, 3), (5, 5), (5, 1), (31, 30)])
def test_thinned_segments_are_evenly_spread_and_keep_the_size_of_the_return(length: int, max_frames: int):
    batch = draw(20, length, dataclasses.replace(SMALL, max_frames=max_frames))
    steps = np.asarray(batch.obs)[:, 0, 0, :, 0]
    frames = steps.shape[1]
    assert 1 <= frames <= max_frames
    assert steps.min() >= 0
    assert steps.max() <= length - 1
    if frames > 1:
        assert set(np.diff(steps, axis=1).ravel().tolist()) == {math.ceil(length / max_frames)}
    # a reward of 1 in each step has return `length`
    np.testing.assert_allclose(np.asarray(batch.frame_weight) * frames, length, rtol=1e-6)


def test_every_step_of_a_thinned_segment_is_looked_at_sometimes():
    seen = {step for seed in range(20) for step in np.asarray(
        draw(9, 7, dataclasses.replace(SMALL, max_frames=3), seed).obs
    ).ravel().tolist()}  # fmt: skip
    assert seen == set(range(7))


@pytest.mark.parametrize("max_frames", [0, 3])
def test_phases_go_with_their_frames(max_frames: int):
    config = dataclasses.replace(SMALL, max_frames=max_frames)
    batch = draw(9, 7, config, with_phase=True)
    np.testing.assert_array_equal(np.asarray(batch.phase), np.asarray(batch.obs)[..., 0])
    assert draw(9, 7, config).phase is None


def test_few_labels_all_come_once_in_every_step_and_the_rest_is_padding_without_weight():
    batch = draw(5, 4, SMALL)
    rows, weight = np.asarray(batch.action)[:, :, 0, 0, 0], np.asarray(batch.weight)
    np.testing.assert_array_equal(rows[:, :5], np.tile(np.arange(5), (CALLS, 1)))
    np.testing.assert_array_equal(weight[:, 0, :5], np.tile(np.arange(5), (CALLS, 1)))
    np.testing.assert_array_equal(weight[:, 1, :5], np.tile(np.arange(5, 10), (CALLS, 1)))
    assert not weight[:, :, 5:].any()


def test_many_labels_come_equally_often():
    # 6 minibatches of 8 are three passes over 16 labels
    rows = np.asarray(draw(16, 4, SMALL).action)[:, :, 0, 0, 0].astype(int)
    np.testing.assert_array_equal(np.bincount(rows.ravel()), 3)
    assert len(np.unique(rows[0])) == 8


@pytest.mark.parametrize(("labels", "steps"), [(1, 50), (64, 50), (160, 60), (640, 200), (100_000, 200)])
def test_the_steps_of_a_fit_follow_the_labels(labels: int, steps: int):
    # 20 passes: 20 * ceil(160 / 64) = 60; within 50..200
    config = RewardModelConfig(minibatch_size=64, passes_per_fit=20.0, min_steps=50, max_steps=200)
    assert default_steps(labels, config) == steps


def test_weight_decay_moves_symmetrically_in_its_logarithm():
    up, down = adapted_decay(1e-3, 1.0, 1.6), adapted_decay(1e-3, 1.0, 1.0)
    assert up == pytest.approx(1e-3 * math.exp(0.1))
    assert adapted_decay(up, 1.0, 1.0) == pytest.approx(1e-3)
    assert up * down == pytest.approx(1e-6)
    assert adapted_decay(1e-3, 1.0, 1.3) == 1e-3


def test_weight_decay_stays_in_its_limits_and_where_the_ratio_is_undefined():
    assert adapted_decay(1.0, 1.0, 9.0) == 1.0
    assert adapted_decay(1e-6, 1.0, 0.5) == 1e-6
    for train, held in ((0.0, 1.0), (1.0, math.nan), (math.nan, 1.0), (0.0, 0.0)):
        assert adapted_decay(0.01, train, held) == 0.01

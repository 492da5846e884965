"""What networks make of ends: survival, terminal rewards, and a state after them that is worth nothing."""

import dataclasses

import jax
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LAST, LIVED, LabeledBatch
from rl_teacher.core.correlation import correlation
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from tests.rewards.synthetic_labels import (
    ACT,
    CONFIG,
    OBS,
    comparisons,
    differing_in_survival,
    ending,
    fit_data,
    frames,
    in_phase,
    segments_of,
    some_ends,
    the_frame_shown,
)  # fmt: skip

WHOLE = dataclasses.replace(CONFIG, num_crops=0)
"""Segments as they are: a crop may leave out the end that an answer was given for."""


def fresh(config: RewardModelConfig = WHOLE, *, center: bool = False) -> RewardEnsemble:
    return RewardEnsemble.build((OBS,), ACT, config, center=center, key=jax.random.key(0))


def fitted(
    labeled: LabeledBatch, config: RewardModelConfig = WHOLE, num_steps: int = 300, *, center: bool = False
) -> RewardEnsemble:
    return fresh(config, center=center).fit(fit_data(labeled), num_steps, jax.random.key(1))[0]


@pytest.mark.parametrize("left_lives", [True, False])
def test_clips_that_differ_in_survival_alone_say_whether_to_survive(left_lives: bool):
    model = fitted(differing_in_survival(left_lives=left_lives))
    assert float(model(the_frame_shown())[0]) * (1 if left_lives else -1) > 0.1


@pytest.mark.parametrize("of_end", [-10.0, 10.0])
def test_a_terminal_reward_is_found(of_end: float):
    model = fitted(ending(comparisons(150), some_ends(150), of_end=of_end))
    unseen = ending(comparisons(300, seed=7), some_ends(300, seed=8), of_end=of_end)
    returns = np.asarray(model(segments_of(unseen))).sum(-1)
    assert correlation(returns.ravel(), unseen.true_return.ravel()) > 0.85
    window = frames(200, seed=6)
    of_last = np.asarray(model(in_phase(window, LAST)) - model(in_phase(window, LIVED))).mean()
    assert of_last * np.sign(of_end) > 1.0


@pytest.mark.parametrize(
    "changes", [{}, {"tanh_output": False}, {"pessimism": 0.5}, {"dropout": 0.2}, {"normalize": False}], ids=str
)
def test_after_the_end_nothing_is_worth_anything(changes: dict[str, object]):
    config = dataclasses.replace(WHOLE, **changes)
    window = in_phase(frames(50), ENDED)
    for labeled in (ending(comparisons(40), some_ends(40), of_step=1.0), comparisons(40)):
        for model in (fresh(config), fitted(labeled, config, 25)):
            np.testing.assert_array_equal(np.asarray(model(window)), 0.0)
            np.testing.assert_array_equal(model.member_returns(jax.tree.map(lambda a: a[:, None], window)), 0.0)


def test_what_it_is_shown_of_a_frame_after_the_end_does_not_matter():
    labeled = ending(comparisons(20), some_ends(20))
    noise = np.random.default_rng(0).normal(size=labeled.obs.shape).astype(np.float32)
    noisy = dataclasses.replace(labeled, obs=np.where((labeled.phase == ENDED)[..., None], noise, labeled.obs))
    for one, other in zip(jax.tree.leaves(fitted(labeled)), jax.tree.leaves(fitted(noisy)), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_the_offset_is_kept_where_ends_were_seen_and_guessed_to_be_none_where_not():
    ended = fitted(ending(comparisons(150), some_ends(150), of_step=3.0))
    np.testing.assert_array_equal(ended.scale.shift, 0.0)
    assert float(np.asarray(ended(in_phase(frames(), LIVED))).mean()) > 0.5
    unseen = fitted(comparisons(60))
    np.testing.assert_allclose(np.asarray(unseen(in_phase(frames(), LIVED))).mean(), 0.0, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(unseen(in_phase(frames(), LIVED))), np.asarray(unseen(frames())))


def test_where_episodes_have_one_length_nothing_is_new():
    # numbers of version 762746f, before there were ends; CONFIG, with crops
    model = fitted(comparisons(40), CONFIG, None, center=True)
    # 3 observed numbers and 2 of the action: 5 x 16 and 16 x 1 weights, 16 and 1 biases
    assert model.state.members.shape == (3, 5 * 16 + 16 + 16 + 1)
    np.testing.assert_allclose(model(frames(4)), [-1.5742271, -0.08562076, -1.1056352, 1.0483665], rtol=1e-3)
    assert fresh().state.members.shape == (3, 7 * 16 + 16 + 16 + 1)


def test_phases_change_nothing_where_episodes_have_one_length():
    lived = dataclasses.replace(comparisons(20), phase=np.full(comparisons(20).action.shape[:-1], LIVED, np.int8))
    one, other = fitted(comparisons(20), center=True), fitted(lived, center=True)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    np.testing.assert_array_equal(np.asarray(one(frames())), np.asarray(one(in_phase(frames(), LIVED))))

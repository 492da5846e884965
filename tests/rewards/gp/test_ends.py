"""What the Gaussian process makes of ends: survival, terminal rewards, and a state after them that is worth nothing."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LAST, LIVED, LabeledBatch
from rl_teacher.core.correlation import correlation
from rl_teacher.rewards.gp.model import GaussianProcessReward, gap_features, simplicity_metrics
from rl_teacher.rewards.view import frames_of
from tests.rewards.synthetic_labels import (
    ACT,
    OBS,
    STATS,
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

CONFIG = RewardModelConfig(joint_features=64)


def fresh(config: RewardModelConfig = CONFIG, *, center: bool = False) -> GaussianProcessReward:
    return GaussianProcessReward.build((OBS,), ACT, config, center=center, key=jax.random.key(0))


def fitted(labeled: LabeledBatch, config: RewardModelConfig = CONFIG) -> GaussianProcessReward:
    return fresh(config).fit(fit_data(labeled), None, jax.random.key(1))[0]


@pytest.mark.parametrize("left_lives", [True, False])
def test_clips_that_differ_in_survival_alone_say_whether_to_survive(left_lives: bool):
    model = fitted(differing_in_survival(left_lives=left_lives))
    # its reward has the sign that the answers give to living on
    assert float(model(the_frame_shown())[0]) * (1 if left_lives else -1) > 0.1


@pytest.mark.parametrize("of_end", [-10.0, 10.0])
@pytest.mark.parametrize(("num", "at_least"), [(30, 0.75), (60, 0.93)])
def test_a_terminal_reward_is_found(of_end: float, num: int, at_least: float):
    model = fitted(ending(comparisons(num), some_ends(num), of_end=of_end))
    unseen = ending(comparisons(300, seed=7), some_ends(300, seed=8), of_end=of_end)
    returns = np.asarray(model(segments_of(unseen))).sum(-1)
    assert correlation(returns.ravel(), unseen.true_return.ravel()) > at_least
    window = frames(200, seed=6)
    of_last = np.asarray(model(in_phase(window, LAST)) - model(in_phase(window, LIVED))).mean()
    # the true one is 10 / 2.43 = 4.1 standard deviations of the reward of other steps
    assert of_last * np.sign(of_end) > 1.0


def test_what_survival_is_worth_is_found_beside_what_is_done():
    labeled = ending(comparisons(60), some_ends(60), of_step=3.0)
    model = fitted(labeled)
    window = in_phase(frames(500, seed=6), LIVED)
    # the linear reward has mean 0 and standard deviation sqrt(1 + 4 + 0.25 + 2/3) = 2.43: 3 / 2.43 = 1.23
    assert float(np.asarray(model(window)).mean()) == pytest.approx(1.23, abs=0.35)


def test_after_the_end_nothing_is_worth_anything():
    window = in_phase(frames(50), ENDED)
    careful = dataclasses.replace(CONFIG, pessimism=0.5)
    labeled = ending(comparisons(40), some_ends(40), of_step=1.0, of_end=-5.0)
    for model in (fresh(), fitted(labeled), fitted(labeled, careful)):
        np.testing.assert_array_equal(np.asarray(model(window)), 0.0)
    for model in (fresh(), fitted(labeled), fitted(comparisons(40))):
        np.testing.assert_array_equal(model.member_returns(jax.tree.map(lambda a: a[:, None], window)), 0.0)


def test_returns_of_members_differ_by_their_weights_times_the_gaps():
    labeled = ending(comparisons(70), some_ends(70), of_step=1.0)  # more than a chunk
    model = fitted(labeled)
    _, blocks = gap_features(model.basis, labeled, (STATS.mean, STATS.variance))
    gaps = np.concatenate(blocks, axis=1)
    left, right = (model.member_returns(segments_of(labeled, side)) for side in (0, 1))
    np.testing.assert_allclose((left - right).T, gaps @ np.asarray(model.members), atol=1e-3)
    # survival comes after 5 linear, 40 additive, 10 product and 64 joint functions; then the ending itself
    lived, ended = (labeled.phase < ENDED).sum(-1), (labeled.phase == LAST).sum(-1)
    np.testing.assert_array_equal(gaps[:, 119], lived[:, 0] - lived[:, 1])
    np.testing.assert_array_equal(gaps[:, 120], ended[:, 0] - ended[:, 1])


def test_what_it_is_shown_of_a_frame_after_the_end_does_not_matter():
    labeled = ending(comparisons(20), some_ends(20))
    noise = np.random.default_rng(0).normal(size=labeled.obs.shape).astype(np.float32)
    after = (labeled.phase == ENDED)[..., None]
    noisy = dataclasses.replace(labeled, obs=np.where(after, noise, labeled.obs))
    for one, other in zip(jax.tree.leaves(fitted(labeled)), jax.tree.leaves(fitted(noisy)), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_the_offset_is_kept_where_ends_were_seen_and_guessed_to_be_none_where_not():
    ended = fitted(ending(comparisons(60), some_ends(60), of_step=3.0))
    assert float(ended.scale.shift[0]) == 0.0
    assert float(np.asarray(ended(in_phase(frames(), LIVED))).mean()) > 0.5
    unseen = fitted(comparisons(60))
    np.testing.assert_allclose(np.asarray(unseen(in_phase(frames(), LIVED))).mean(), 0.0, atol=1e-4)


def test_where_episodes_have_one_length_nothing_is_new():
    model = fresh(center=True)
    # arrays of version 762746f, before there were ends, and five squares; the numbers are those since squares
    shapes = [(5, 64), (64,), (124,), (124, 3), (3,), (3,), (1,), (1,), (26,), (), ()]
    assert [leaf.shape for leaf in jax.tree.leaves(model)] == shapes
    model, _ = model.fit(fit_data(comparisons(40)), None, jax.random.key(1))
    assert [leaf.shape for leaf in jax.tree.leaves(model)] == shapes
    weights = [1.0597856, -1.9304348, 0.6499654, 0.6044931, -1.3291011]
    np.testing.assert_allclose(model.weights[:5], weights, rtol=1e-4)
    np.testing.assert_allclose(model(frames(4)), [-1.4720879, -0.7343336, -0.3957535, 1.1583368], rtol=1e-4)


def test_survival_and_endings_are_named_and_are_no_curves():
    names = list("abcde")
    model = fresh()
    weights, shares = np.zeros(sum(model.basis.sizes), np.float32), np.zeros(len(model.shares), np.float32)
    # groups: 5 linear, 5 curves, 10 products, 1 joint, then survival, endings, and 5 numbers at the end
    weights[119], weights[120], weights[122] = 1.0, -1.0, 2.0
    shares[[0, 5, 21, 22, 24]] = [0.05, 0.15, 0.4, 0.3, 0.1]
    told = eqx.tree_at(lambda m: (m.weights, m.shares), model, (jnp.asarray(weights), jnp.asarray(shares)))
    assert [one.what for one in told.relevances(names)] == [
        "more survival", "less endings", "a curve of a", "more b at the end", "less a",
    ]  # fmt: skip
    metrics = simplicity_metrics(shares, model.basis)
    assert metrics == {"predictor/nonlinear_share": pytest.approx(0.15), "predictor/num_relevant": 5.0}


def with_what_follows(labeled: LabeledBatch) -> LabeledBatch:
    """The same, and after each step what is observed next; after the last one nothing has changed."""
    obs = labeled.obs
    return dataclasses.replace(labeled, next_obs=np.concatenate([obs[:, :, 1:], obs[:, :, -1:]], 2))


def test_a_reward_for_getting_nearer_is_found():
    # the reward is how much nearer to 0 the first number came in the step: no function of what is seen before it
    labeled, unseen = (with_what_follows(comparisons(num, seed=seed)) for num, seed in ((80, 0), (300, 7)))
    returns = [np.abs(one.obs[..., 0, 0]) - np.abs(one.next_obs[..., -1, 0]) for one in (labeled, unseen)]
    target = (returns[0][:, 0] > returns[0][:, 1]).astype(np.float32)
    model = fitted(dataclasses.replace(labeled, target=target))
    predicted = np.asarray(model(unseen.reward_input())).sum(-1)
    assert correlation(predicted.ravel(), returns[1].ravel()) > 0.9
    names = [f"n{i}" for i in range(OBS + ACT)]
    assert model.relevances(names)[0].what == "a way along a curve of n0"


def test_functions_of_what_is_seen_are_0_on_average_so_that_survival_alone_pays_for_living():
    labeled = ending(comparisons(70), some_ends(70), of_step=1.0)
    stats = (STATS.mean, STATS.variance)
    basis, _ = gap_features(fresh().basis, labeled, stats)
    lived = labeled.phase < ENDED
    frames_lived = jax.tree.map(lambda array: array[lived], labeled.reward_input())
    for index in range(4):
        values = basis.block(index, frames_of(frames_lived, stats))
        np.testing.assert_allclose(values.mean(0), 0.0, atol=1e-4)

import dataclasses
from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.correlation import correlation
from rl_teacher.protocols import Relevance
from rl_teacher.rewards.gp.model import GaussianProcessReward, gap_features
from rl_teacher.rewards.relevance import in_words, main_relevances
from rl_teacher.storage.checkpoint import nest, unpack
from tests.rewards.synthetic_labels import ACT, OBS, STATS, comparisons, fit_data, frames, true_reward

CONFIG = RewardModelConfig(joint_features=64)


def fresh(config: RewardModelConfig = CONFIG, *, center: bool = True) -> GaussianProcessReward:
    return GaussianProcessReward.build((OBS,), ACT, config, center=center, key=jax.random.key(0))


def fitted(labeled: LabeledBatch, config: RewardModelConfig = CONFIG, seed: int = 1) -> GaussianProcessReward:
    return fresh(config).fit(fit_data(labeled), None, jax.random.key(seed))[0]


@lru_cache
def taught() -> tuple[GaussianProcessReward, dict[str, float]]:
    return fresh().fit(fit_data(comparisons(100)), None, jax.random.key(1))


def distance(obs: np.ndarray) -> np.ndarray:
    return -np.sqrt(np.square(obs).sum(-1))


def of_distance(num: int, seed: int = 0) -> LabeledBatch:
    labeled = comparisons(num, seed)
    returns = distance(labeled.obs).sum(-1)
    return dataclasses.replace(labeled, true_return=returns, target=(returns[:, 0] > returns[:, 1]).astype(np.float32))


def test_a_linear_reward_is_learned_with_linear_functions():
    model, metrics = taught()
    window = frames(500, seed=6)
    assert correlation(np.asarray(model(window)), true_reward(window)) > 0.98
    assert metrics["predictor/nonlinear_share"] < 0.1
    assert metrics["predictor/num_relevant"] <= 8  # of 5 linear, 5 additive and 1 joint; the truth needs 5
    assert metrics["predictor/accuracy"] > 0.95
    assert metrics["predictor/holdout_accuracy"] > 0.85
    assert metrics["predictor/loss"] < metrics["predictor/holdout_loss"] < 0.4


def test_a_distance_is_learned_with_others():
    model, metrics = fresh().fit(fit_data(of_distance(150)), None, jax.random.key(1))
    window = frames(500, seed=6)
    assert metrics["predictor/nonlinear_share"] > 0.9
    assert correlation(np.asarray(model(window)), distance(np.asarray(window.obs))) > 0.9


def test_a_product_of_two_numbers_is_learned_from_few_labels():
    labeled = comparisons(150)
    returns = (labeled.obs[..., 0] * labeled.obs[..., 1]).sum(-1)
    target = (returns[:, 0] > returns[:, 1]).astype(np.float32)
    model = fitted(dataclasses.replace(labeled, true_return=returns, target=target))
    window = frames(500, seed=6)
    obs = np.asarray(window.obs)
    assert correlation(np.asarray(model(window)), obs[:, 0] * obs[:, 1]) > 0.95


def test_it_says_what_it_looks_at():
    labeled = comparisons(150)
    returns = (2 * labeled.obs[..., 1] - labeled.action[..., 0]).sum(-1)
    target = (returns[:, 0] > returns[:, 1]).astype(np.float32)
    model = fitted(dataclasses.replace(labeled, true_return=returns, target=target))
    names = [f"obs {i}" for i in range(OBS)] + [f"act {i}" for i in range(ACT)]
    assert fresh().relevances(names) == []
    largest = main_relevances(model, names)
    assert [one.what for one in largest[:2]] == ["more obs 1", "less act 0"]
    # observations have variance 1, actions 1/3: parts 2 x and -a have mean squares as 4 and 1/3, and 4 / 4.333 = 0.92
    assert largest[0].share == pytest.approx(0.92, abs=0.04)
    assert sum(one.share for one in model.relevances(names)) == pytest.approx(1.0, abs=1e-4)
    assert (
        in_words([Relevance("more obs 1", 0.8), Relevance("less act 0", 0.2)]) == "more obs 1 (80 %), less act 0 (20 %)"
    )


def test_it_names_curves_and_products():
    names = list("abcdefgh")[: OBS + ACT]
    num = OBS + ACT
    model = fresh()
    weights = np.zeros(sum(model.basis.sizes), np.float32)
    weights[num + 8 * num + 1] = -1.0  # the second product: a times c
    shares = np.zeros(len(model.shares), np.float32)
    shares[[num + 1, 2 * num + 1, -1]] = [0.3, 0.6, 0.1]
    told = eqx.tree_at(lambda m: (m.weights, m.shares), model, (jnp.asarray(weights), jnp.asarray(shares)))
    assert [one.what for one in told.relevances(names)] == ["less a times c", "a curve of b", "all numbers together"]


def test_what_is_held_out_is_as_honest_as_other_labels():
    metrics = fresh().fit(fit_data(of_distance(80)), None, jax.random.key(1))[1]
    model, unseen = fitted(of_distance(80)), of_distance(400, seed=7)
    returns = np.asarray(model(RewardInput(unseen.obs, unseen.action))).sum(-1)
    accuracy = ((returns[:, 0] > returns[:, 1]) == (unseen.target > 0.5)).mean()
    assert metrics["predictor/holdout_accuracy"] == pytest.approx(accuracy, abs=0.1)
    assert metrics["predictor/accuracy"] > accuracy + 0.03  # of what it was fitted to


def test_the_draws_scatter_around_the_model_and_agree_more_with_more_labels():
    model, _ = taught()
    np.testing.assert_allclose(np.asarray(model.members).mean(1), model.weights, atol=1e-4)
    spread = [
        fresh().fit(fit_data(comparisons(num)), None, jax.random.key(1))[1]["predictor/disagreement"]
        for num in (5, 300)
    ]
    assert spread[1] < spread[0] / 2


def test_where_answers_are_wrong_fewer_new_ones_are_enough_for_a_fit():
    labeled = comparisons(100)
    assert [fitted(labeled).wants_fit(num) for num in (109, 110)] == [False, True]
    wrong = np.random.default_rng(0).random(100) < 0.15
    noisy = dataclasses.replace(labeled, target=np.where(wrong, 1 - labeled.target, labeled.target))
    assert [fitted(noisy).wants_fit(num) for num in (102, 103)] == [False, True]
    often = fitted(noisy, dataclasses.replace(CONFIG, doubtful_refit_growth=0.0))
    assert [often.wants_fit(num) for num in (100, 101)] == [False, True]


def test_one_member_is_the_model_itself():
    model = fitted(comparisons(30), dataclasses.replace(CONFIG, num_members=1))
    np.testing.assert_allclose(np.asarray(model.members)[:, 0], model.weights, atol=1e-6)


def test_the_reward_is_normalized_on_the_window():
    reward = np.asarray(taught()[0](frames()))
    np.testing.assert_allclose((reward.mean(), reward.std()), (0.0, 1.0), atol=1e-4)
    survival = np.asarray(fresh(center=False).fit(fit_data(comparisons(30)), None, jax.random.key(1))[0](frames()))
    np.testing.assert_allclose(survival.std(), 1.0, atol=1e-4)


def test_pessimism_pays_less_where_the_draws_disagree():
    model, careful = (
        fitted(comparisons(30), dataclasses.replace(CONFIG, pessimism=value)) for value in (0.0, 1.0)
    )  # fmt: skip
    loss = np.asarray(model(frames())) - np.asarray(careful(frames()))
    assert (loss >= 0).all()
    assert loss.mean() > 0.01


def test_a_gap_is_the_sum_over_the_left_segment_less_that_over_the_right():
    labeled = comparisons(70)  # more than a chunk
    _, gaps = gap_features(fresh().basis, labeled, (STATS.mean, STATS.variance))
    frame = np.concatenate([labeled.obs, labeled.action], -1)  # the statistics are mean 0 and variance 1
    np.testing.assert_allclose(gaps[0], frame[:, 0].sum(1) - frame[:, 1].sum(1), atol=1e-4)
    assert [gap.shape for gap in gaps] == [(70, 5), (70, 40), (70, 10), (70, 5), (70, 64), (70, 0)]


def test_growing_labels_recompile_nothing_before_a_chunk_is_full():
    from rl_teacher.rewards.gp import model as gaussian_process

    fitted(comparisons(3))
    before = gaussian_process._gaps._cache_size()
    for num in (4, 30, 64):
        fitted(comparisons(num))
    fitted(comparisons(130))
    assert gaussian_process._gaps._cache_size() == before


def test_the_same_labels_make_the_same_bytes_whatever_was_fitted_before():
    one, other = (fitted(comparisons(40)) for _ in range(2))
    again = fitted(comparisons(90)).fit(fit_data(comparisons(40)), None, jax.random.key(1))[0]
    for model in (other, again):
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(model), strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_a_number_that_does_not_matter_has_no_weight():
    # the reward is the first observation alone
    labeled = comparisons(60)
    returns = labeled.obs[..., 0].sum(-1)
    labeled = dataclasses.replace(labeled, target=(returns[:, 0] > returns[:, 1]).astype(np.float32))
    weights = np.abs(np.asarray(fitted(labeled).weights[: OBS + ACT]))
    assert weights[1:].max() < 0.1 * weights[0]


def test_a_fresh_model_says_0():
    np.testing.assert_array_equal(np.asarray(fresh()(frames())), 0.0)


@pytest.mark.parametrize("target", [0.0, 0.5, 1.0])
def test_answers_that_are_all_alike_stay_finite(target: float):
    labeled = comparisons(7)
    labeled = dataclasses.replace(labeled, target=np.full(7, target, np.float32))
    model, metrics = fresh().fit(fit_data(labeled), None, jax.random.key(1))
    assert np.isfinite(np.asarray(model(frames()))).all()
    assert np.isfinite(metrics["predictor/loss"])
    assert metrics["predictor/tie_share"] == float(target == 0.5)


def test_what_was_kept_before_there_were_squares_is_the_same_reward():
    model = fitted(comparisons(60))
    squares = slice(5 + 40 + 10, 5 + 40 + 10 + 5)
    model = eqx.tree_at(lambda m: m.weights, model, model.weights.at[squares].set(0.0))
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array))]
    older = {
        f"{i:04d}": np.delete(leaf, squares, 0) if leaf.shape[:1] == (124,) else leaf for i, leaf in enumerate(leaves)
    }
    older["0008"] = np.delete(
        leaves[8], slice(20, 25)
    )  # shares: 5 numbers, 5 curves, 10 products, 5 squares, all joint
    restored = unpack("reward", nest("reward", model.of_today(older)), fresh())
    np.testing.assert_array_equal(restored.weights, model.weights)
    np.testing.assert_array_equal(restored(frames()), model(frames()))
    np.testing.assert_array_equal(restored.shares[20:25], 0.0)
    np.testing.assert_array_equal(restored.shares[25], model.shares[25])


def test_of_an_angle_that_turns_all_the_way_round_its_sine_and_cosine_are_seen():
    labeled = comparisons(80)
    angle = 3.0 * np.asarray(labeled.obs[..., 0], np.float64)
    returns = np.cos(angle).sum(-1)
    obs = np.concatenate([angle[..., None], labeled.obs[..., 1:]], -1).astype(np.float32)
    judged = dataclasses.replace(labeled, obs=obs, target=(returns[:, 0] > returns[:, 1]).astype(np.float32))
    model = GaussianProcessReward.build((OBS,), ACT, CONFIG, center=True, key=jax.random.key(0), turns=(0,))
    model, _ = model.fit(fit_data(judged), None, jax.random.key(1))
    names = [f"number {i}" for i in range(OBS + ACT)]
    assert model.relevances(names)[0].what == "more cosine of number 0"
    pose = frames(4)
    turned = RewardInput(np.asarray(pose.obs) + ([2 * np.pi] + [0.0] * (OBS - 1)), pose.action)
    np.testing.assert_allclose(model(turned), model(pose), atol=1e-3)
    config = dataclasses.replace(CONFIG, sees_turns=False)
    plain = GaussianProcessReward.build((OBS,), ACT, config, center=True, key=jax.random.key(0), turns=(0,))
    assert plain.basis.num_inputs == OBS + ACT

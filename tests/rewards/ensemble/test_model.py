import dataclasses
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.rewards.ensemble import training as fit_module
from rl_teacher.rewards.ensemble.members import _dropout_masks
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.rewards.ensemble.training import bootstrap_weights, label_weights
from tests.rewards.synthetic_labels import (
    ACT,
    CONFIG,
    OBS,
    STATS,
    comparisons,
    ending,
    fit_data,
    frames,
    some_ends,
    true_reward,
)  # fmt: skip


def fresh(config: RewardModelConfig = CONFIG, *, center: bool = True) -> RewardEnsemble:
    return RewardEnsemble.build((OBS,), ACT, config, center=center, key=jax.random.key(0))


def fitted(labeled: LabeledBatch, model: RewardEnsemble | None = None, seed: int = 1) -> RewardEnsemble:
    return (model or fresh()).fit(fit_data(labeled), None, jax.random.key(seed))[0]


@lru_cache
def taught() -> tuple[RewardEnsemble, dict[str, float]]:
    return fresh().fit(fit_data(comparisons(300)), 300, jax.random.key(1))


def test_a_linear_reward_is_learned():
    model, metrics = taught()
    unseen = comparisons(200, seed=5)
    returns = model.member_returns(
        RewardInput(unseen.obs.reshape(-1, *unseen.obs.shape[2:]), unseen.action.reshape(-1, *unseen.action.shape[2:]))
    )
    gap = returns.mean(0).reshape(-1, 2) @ np.array([1.0, -1.0])
    assert ((gap > 0) == (unseen.target > 0.5)).mean() > 0.8
    window = frames(500, seed=6)
    assert np.corrcoef(np.asarray(model(window)), true_reward(window))[0, 1] > 0.9
    assert metrics["predictor/holdout_accuracy"] > 0.8
    assert metrics["predictor/holdout_loss"] < 0.5
    assert metrics["predictor/fit_steps"] == 300


@pytest.mark.parametrize("config", [CONFIG, dataclasses.replace(CONFIG, bootstrap=False, held_out=0.3)])
def test_what_a_member_holds_out_does_not_teach_it(config: RewardModelConfig):
    labeled = comparisons(16)
    weights = label_weights(labeled.key, config)
    member, row = np.argwhere(weights == 0)[0]
    target = labeled.target.copy()
    target[row] = 1.0 - target[row]
    one, other = (
        fitted(batch, fresh(config)) for batch in (labeled, dataclasses.replace(labeled, target=target))
    )  # fmt: skip
    changed = np.abs(np.asarray(one.state.members) - np.asarray(other.state.members)).max(1)
    np.testing.assert_array_equal(changed > 1e-6, weights[:, row] > 0)
    assert not changed[member]


def test_a_fit_forgets_the_last_one_unless_it_starts_warm():
    labels, others = comparisons(30), comparisons(30, seed=3)
    for warm in (False, True):
        config = dataclasses.replace(CONFIG, warm_start=warm, adapt_weight_decay=False)
        straight = fitted(labels, fresh(config))
        detour = fitted(labels, fitted(others, fresh(config)))
        assert np.array_equal(straight.state.members, detour.state.members) is not warm


def test_the_same_labels_and_key_give_the_same_bytes():
    one, other = fitted(comparisons(30)), fitted(comparisons(30))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def all_held_out() -> LabeledBatch:
    keys = np.arange(10_000)
    key = keys[(bootstrap_weights(keys, CONFIG.num_members) == 0).all(0)][:1]
    return dataclasses.replace(comparisons(1), key=key)


@pytest.mark.parametrize(
    "labeled",
    [
        comparisons(1),
        dataclasses.replace(comparisons(20), target=np.full(20, 0.5, np.float32)),
        all_held_out(),
        dataclasses.replace(comparisons(4), obs=comparisons(4).obs * np.float32(1e6)),
    ],
    ids=["one label", "all ties", "a label that all members hold out", "huge observations"],
)
def test_odd_labels_leave_everything_finite(labeled: LabeledBatch):
    model = fitted(labeled)
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(model))
    assert np.isfinite(np.asarray(model(frames()))).all()


def test_ties_teach_equal_returns():
    model, _ = taught()
    labeled = comparisons(40, seed=3)
    tied = fitted(dataclasses.replace(labeled, target=np.full(40, 0.5, np.float32)), model)

    def spread(ensemble: RewardEnsemble) -> float:
        left, right = (ensemble.member_returns(RewardInput(labeled.obs[:, i], labeled.action[:, i])) for i in (0, 1))
        return float(np.abs(left - right).mean())

    assert spread(tied) < 0.5 * spread(model)


def test_scoring_twice_gives_the_same_numbers():
    model, _ = taught()
    np.testing.assert_array_equal(np.asarray(model(frames())), np.asarray(model(frames())))


def test_a_rollout_is_scored_as_its_frames_are():
    model, _ = taught()
    flat = frames(64)
    shaped = RewardInput(np.asarray(flat.obs).reshape(4, 16, OBS), np.asarray(flat.action).reshape(4, 16, ACT))
    np.testing.assert_allclose(np.asarray(model(shaped)).ravel(), np.asarray(model(flat)), atol=1e-6)


def test_the_reward_has_mean_0_and_every_member_deviation_1_on_the_window():
    model, _ = taught()
    reward = np.asarray(model(frames()))
    assert reward.mean() == pytest.approx(0.0, abs=1e-5)
    np.testing.assert_allclose(np.asarray(model.scale.apply(jnp.asarray(model._raw(frames())))).std(1), 1.0, rtol=1e-4)


def test_where_episodes_end_early_the_reward_is_scaled_and_not_shifted():
    free = fresh(center=False)
    ended = ending(comparisons(300), some_ends(300))
    free, _ = free.fit(fit_data(ended), 300, jax.random.key(1))
    np.testing.assert_array_equal(free.scale.shift, 0.0)
    returns = free.member_returns(jax.tree.map(lambda a: a[:, None], frames()))
    np.testing.assert_allclose(returns.std(1) * np.asarray(free.scale.factor), 1.0, rtol=1e-4)


def test_observation_statistics_are_frozen_until_the_next_fit():
    model, _ = taught()
    np.testing.assert_array_equal(model.obs_stats[0], STATS.mean)
    before = np.asarray(model(frames()))
    moved = STATS.merge(jnp.full((100, OBS), 50.0), jnp.ones(100))
    np.testing.assert_array_equal(np.asarray(model(frames())), before)
    again, _ = model.fit(fit_data(comparisons(300), moved), 25, jax.random.key(2))
    np.testing.assert_array_equal(again.obs_stats[0], moved.mean)
    np.testing.assert_array_equal(model.obs_stats[0], STATS.mean)


def test_returns_of_segments_are_sums_on_the_scale_of_the_labels():
    model, _ = taught()
    labeled = comparisons(8)
    segments = RewardInput(labeled.obs[:, 0], labeled.action[:, 0])
    np.testing.assert_allclose(model.member_returns(segments), model._raw(segments).sum(-1), rtol=1e-5)
    # tanh bounds each step to 1; the scaled reward is not what the labels speak of
    assert np.abs(model.member_returns(segments)).max() <= labeled.obs.shape[2]


def test_pessimism_subtracts_the_deviation_over_members():
    model, _ = taught()
    wary = dataclasses.replace(model, config=dataclasses.replace(CONFIG, pessimism=2.0))
    members = np.asarray(model.scale.apply(jnp.asarray(model._raw(frames()))))
    np.testing.assert_allclose(np.asarray(wary(frames())), members.mean(0) - 2.0 * members.std(0), atol=1e-5)


def test_nothing_recompiles_as_labels_grow():
    model = fitted(comparisons(10))
    before = fit_module._run_steps._cache_size(), fit_module._gaps._cache_size()
    for num in (100, 300):
        model = fitted(comparisons(num), model)
    assert (fit_module._run_steps._cache_size(), fit_module._gaps._cache_size()) == before


def test_a_fit_is_wanted_when_the_labels_have_grown_by_a_tenth():
    model = fresh()
    assert not model.wants_fit(0)
    assert model.wants_fit(1)
    model = fitted(comparisons(100), model)
    assert not model.wants_fit(109)
    assert model.wants_fit(110)
    assert not fitted(comparisons(3), model).wants_fit(3)


def test_fresh_members_rank_nothing_by_chance():
    labeled = comparisons(50)
    returns = fresh().member_returns(RewardInput(labeled.obs[:, 0], labeled.action[:, 0]))
    assert np.abs(returns).max() < 0.1


def test_the_seeds_single_network_with_dropout_learns_and_scores_without_dropping():
    config = RewardModelConfig(
        num_members=1, hidden=(16,), tanh_output=False, learning_rate=1e-2, label_smoothing=0.0, bootstrap=False,
        num_crops=0, max_frames=0, weight_decay=0.0, adapt_weight_decay=False, dropout=0.5, max_grad_norm=1e9,
        normalize=False, minibatch_size=16,
    )  # fmt: skip
    model, metrics = fresh(config).fit(fit_data(comparisons(300)), 300, jax.random.key(1))
    window = frames(500, seed=6)
    assert np.corrcoef(np.asarray(model(window)), true_reward(window))[0, 1] > 0.8
    np.testing.assert_array_equal(np.asarray(model(window)), np.asarray(model(window)))
    np.testing.assert_allclose(np.asarray(model(window)), model._raw(window)[0], rtol=1e-6)
    assert np.isnan(metrics["predictor/holdout_loss"])
    assert metrics["predictor/disagreement"] == 0.0


def test_two_keys_drop_different_units_and_keep_the_mean():
    config = dataclasses.replace(CONFIG, dropout=0.5)
    masks = [np.asarray(_dropout_masks((400,), config, jax.random.key(seed))[0]) for seed in (1, 2)]
    assert (masks[0] != masks[1]).any()
    assert set(np.unique(masks[0]).tolist()) == {0.0, 2.0}
    # four standard errors: 4 / sqrt(400 * 16)
    assert masks[0].mean() == pytest.approx(1.0, abs=0.05)
    assert _dropout_masks((400,), config, None) == []


def test_statistics_of_a_running_agent_fit_as_they_are():
    stats = RunningStats.of_shape((OBS,)).merge(jnp.asarray(comparisons(20).obs.reshape(-1, OBS)), jnp.ones(20 * 2 * 6))
    model, _ = fresh().fit(fit_data(comparisons(20), stats), 25, jax.random.key(0))
    np.testing.assert_array_equal(model.obs_stats[1], stats.variance)

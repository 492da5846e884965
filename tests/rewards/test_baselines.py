"""Reward models that learn nothing: what they say, and that labels do not change it."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LAST, LIVED
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.rewards.baselines import ConstantReward, UntrainedReward
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.training.parts import fresh_reward_model
from tests.rewards.synthetic_labels import (
    ACT,
    CONFIG,
    OBS,
    STATS,
    STEPS,
    comparisons,
    differing_in_survival,
    ending,
    fit_data,
    frames,
    in_phase,
    segments_of,
    some_ends,
)  # fmt: skip


def untrained(config: RewardModelConfig = CONFIG) -> UntrainedReward:
    return UntrainedReward(
        RewardEnsemble.build((OBS,), ACT, config, center=False, key=jax.random.key(0), last_scale=1.0)
    )


def test_the_constant_pays_one_for_each_step_whatever_it_is_shown() -> None:
    model = ConstantReward.build(CONFIG)
    fitted, metrics = model.fit(fit_data(comparisons(20)), None, jax.random.key(1))
    for one in (model, fitted):
        np.testing.assert_array_equal(one(frames(7)), np.ones(7))
        segments = jax.tree.map(lambda a: a.reshape(4, STEPS, -1), frames(4 * STEPS))
        np.testing.assert_array_equal(one.member_returns(segments), np.full((1, 4), STEPS))
    # P = 1/2 for every pair: -ln 0.5 = 0.693147
    assert metrics == {"predictor/holdout_loss": math.log(2), "predictor/holdout_accuracy": 0.5}


def test_the_constant_pays_nothing_after_the_end_of_an_episode() -> None:
    # lived 6 and 3 of 6 steps; the last one is lived too
    labeled = differing_in_survival(left_lives=True, num=1)
    returns = [ConstantReward.build(CONFIG).member_returns(segments_of(labeled, side)) for side in (0, 1)]
    assert [one.tolist() for one in returns] == [[[6.0]], [[3.0]]]


def test_an_untrained_reward_is_of_the_same_kind_as_a_learned_one_where_episodes_end() -> None:
    labeled = ending(comparisons(40), some_ends(40))
    model, metrics = untrained().fit(fit_data(labeled), None, jax.random.key(1))
    np.testing.assert_array_equal(model.ensemble.scale.shift, 0.0)
    np.testing.assert_array_equal(np.asarray(model(in_phase(frames(), ENDED))), 0.0)
    assert np.asarray(model(in_phase(frames(), LAST)) - model(in_phase(frames(), LIVED))).std() > 0.01
    assert np.isfinite(metrics["predictor/holdout_loss"])


def test_the_constant_is_asked_about_in_the_same_rounds_as_the_ensemble() -> None:
    ensemble = RewardEnsemble.build((OBS,), ACT, CONFIG, center=False, key=jax.random.key(0))
    data = fit_data(comparisons(20))
    models = [model.fit(data, 25, jax.random.key(1))[0] for model in (ensemble, ConstantReward.build(CONFIG))]
    # 20 labels and 10 %: at 22
    assert [[model.wants_fit(num) for num in (20, 21, 22)] for model in models] == [[False, False, True]] * 2


def test_an_untrained_model_keeps_its_networks_and_is_normalized_like_a_learned_one() -> None:
    model = untrained()
    shifted = RunningStats(STATS.count, jnp.full(OBS, 0.5), jnp.full(OBS, 4.0))
    fitted, metrics = model.fit(fit_data(comparisons(40), shifted), None, jax.random.key(1))
    np.testing.assert_array_equal(fitted.ensemble.state.members, model.ensemble.state.members)
    np.testing.assert_array_equal(fitted.ensemble.obs_stats[1], shifted.variance)
    normalized = np.asarray(fitted.ensemble.member_returns(jax.tree.map(lambda a: a[:, None], frames())))
    factor = np.asarray(fitted.ensemble.scale.factor)
    np.testing.assert_allclose(normalized.std(axis=1) * factor, 1.0, rtol=1e-4)
    assert 0.2 < metrics["predictor/holdout_accuracy"] < 0.8


def test_the_answers_do_not_change_an_untrained_reward() -> None:
    labeled = comparisons(20)
    turned = dataclasses.replace(labeled, target=1 - labeled.target)
    one, other = (untrained().fit(fit_data(data), None, jax.random.key(1))[0] for data in (labeled, turned))
    np.testing.assert_array_equal(np.asarray(one(frames())), np.asarray(other(frames())))


def test_an_untrained_reward_starts_with_an_output_of_ordinary_size() -> None:
    # the ensemble's last layer is a hundredth of it
    config = dataclasses.replace(CONFIG, tanh_output=False)
    fresh = RewardEnsemble.build((OBS,), ACT, config, center=False, key=jax.random.key(0))
    np.testing.assert_allclose(untrained(config)(frames()), 100 * np.asarray(fresh(frames())), rtol=1e-4, atol=1e-6)


def test_the_flag_chooses_the_model() -> None:
    for name, cls in {"ensemble": RewardEnsemble, "constant": ConstantReward, "untrained": UntrainedReward}.items():
        reward = RewardModelConfig(model=name)
        assert type(fresh_reward_model(reward, (OBS,), ACT, center=True, key=jax.random.key(0))) is cls

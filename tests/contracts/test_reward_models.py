"""What the loop relies on, of every reward model."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.core.actions import BoxActions
from rl_teacher.core.arrays import RewardInput
from rl_teacher.protocols import RewardModel
from rl_teacher.rewards.baselines import ConstantReward, UntrainedReward
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.rewards.export import FrameSpec, to_portable
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.true_reward import TrueReward
from tests.rewards.synthetic_labels import ACT, CONFIG, OBS, STEPS, comparisons, ending, fit_data, some_ends

AnyModel = GaussianProcessReward | RewardEnsemble | TrueReward | ConstantReward | UntrainedReward


def ensemble(*, center: bool = True) -> RewardEnsemble:
    return RewardEnsemble.build((OBS,), ACT, CONFIG, center=center, key=jax.random.key(0))


def fitted() -> RewardEnsemble:
    return ensemble().fit(fit_data(comparisons(20)), 25, jax.random.key(1))[0]


def process(*, center: bool = True) -> GaussianProcessReward:
    return GaussianProcessReward.build((OBS,), ACT, CONFIG, center=center, key=jax.random.key(0))


def of_ends(build: Callable[..., AnyModel]) -> AnyModel:
    labeled = ending(comparisons(20), some_ends(20))
    return build(center=False).fit(fit_data(labeled), 25, jax.random.key(1))[0]


MODELS: dict[str, Callable[[], AnyModel]] = {
    "fresh process": process,
    "fitted process": lambda: process().fit(fit_data(comparisons(20)), None, jax.random.key(1))[0],
    "fresh ensemble": ensemble, "fitted ensemble": fitted, "true": TrueReward,
    "process of ends": lambda: of_ends(process), "ensemble of ends": lambda: of_ends(ensemble),
    "constant": lambda: ConstantReward.build(CONFIG), "untrained": lambda: UntrainedReward(ensemble()),
}  # fmt: skip


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> AnyModel:
    return MODELS[request.param]()


def frames(*shape: int) -> RewardInput:
    rng = np.random.default_rng(0)
    obs, action = rng.normal(size=(*shape, OBS)), rng.uniform(-1, 1, (*shape, ACT))
    return RewardInput(obs.astype(np.float32), action.astype(np.float32), obs[..., 0].astype(np.float32))


def test_it_has_the_protocols_shape(model: AnyModel):
    assert isinstance(model, RewardModel)


@pytest.mark.parametrize("shape", [(7,), (4, 5)])
def test_it_gives_one_finite_reward_per_step(model: AnyModel, shape: tuple[int, ...]):
    reward = np.asarray(model(frames(*shape)))
    assert reward.shape == shape
    assert np.isfinite(reward).all()


def test_scoring_twice_gives_the_same_numbers(model: AnyModel):
    x = frames(4, 5)
    np.testing.assert_array_equal(np.asarray(model(x)), np.asarray(model(x)))


def test_every_step_is_scored_by_itself(model: AnyModel):
    x = frames(4, 5)
    flat = jax.tree.map(lambda a: a.reshape(20, *a.shape[2:]), x)
    np.testing.assert_allclose(np.asarray(model(x)).ravel(), np.asarray(model(flat)), atol=1e-6)


def test_each_member_tells_the_return_of_each_segment(model: AnyModel):
    returns = model.member_returns(frames(6, STEPS))
    assert isinstance(returns, np.ndarray)
    assert returns.shape == (1 if isinstance(model, TrueReward | ConstantReward) else CONFIG.num_members, 6)


def test_a_fit_leaves_the_old_model_as_it_was_and_tells_numbers(model: AnyModel):
    before = [np.array(leaf) for leaf in jax.tree.leaves(model)]
    new, metrics = model.fit(fit_data(comparisons(20)), 25, jax.random.key(3))
    for leaf, old in zip(jax.tree.leaves(model), before, strict=True):
        np.testing.assert_array_equal(leaf, old)
    assert isinstance(new, type(model))
    assert jax.tree.structure(new) == jax.tree.structure(model)
    assert all(isinstance(value, float) for value in metrics.values())
    assert not new.wants_fit(20)


@pytest.mark.parametrize("build", [process, ensemble])
def test_a_learned_reward_never_looks_at_the_true_one(build: Callable[[], AnyModel]):
    x = frames(4, 5)
    labeled = comparisons(20)
    hidden = dataclasses.replace(labeled, true_return=np.full_like(labeled.true_return, np.nan))
    one, other = (build().fit(fit_data(data), 25, jax.random.key(1))[0] for data in (labeled, hidden))
    unseen = dataclasses.replace(x, true_reward=np.full((4, 5), np.nan, np.float32))
    np.testing.assert_array_equal(np.asarray(one(x)), np.asarray(other(unseen)))


def test_its_portable_form_gives_the_same_rewards(model: AnyModel):
    actions = BoxActions((-1.0,) * ACT, (1.0,) * ACT)
    portable = to_portable(model, FrameSpec("Mine-v0", (OBS,), actions, [f"number {i}" for i in range(OBS + ACT)]), 20)
    assert (portable is None) == isinstance(model, TrueReward)
    if portable is not None:
        x = frames(4, 5)
        np.testing.assert_allclose(portable(x.obs, x.action), np.asarray(model(x)), rtol=1e-5, atol=1e-5)


def test_its_arrays_are_all_of_it(model: AnyModel):
    saved = [jnp.asarray(np.array(leaf)) for leaf in jax.tree.leaves(model)]
    restored = jax.tree.unflatten(jax.tree.structure(model), saved)
    np.testing.assert_array_equal(np.asarray(restored(frames(4, 5))), np.asarray(model(frames(4, 5))))

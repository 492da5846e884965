"""The reward model for pictures: a square that is worth something on one side of them."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.actions import DiscreteActions
from rl_teacher.core.arrays import ENDED, LAST, LIVED, LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.errors import UnsupportedSpace
from rl_teacher.protocols import FitData, HasSaliency, RewardModel
from rl_teacher.rewards.export import FrameSpec, to_portable, write_reward
from rl_teacher.rewards.pictures.model import PictureReward
from rl_teacher.rewards.portable import load_reward
from rl_teacher.rewards.portable_actions import DiscreteSpace
from rl_teacher.rewards.portable_pictures import pictures as portable_pictures
from rl_teacher.training.parts import fresh_reward_model, reward_model_of

SHAPE, STEPS = (20, 20, 1), 6
CONFIG = RewardModelConfig(picture_features=16, picture_frames=3, picture_first_passes=20.0, minibatch_size=16)


def pictures(num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A square somewhere in each, and whether it is on the right."""
    generator = np.random.default_rng(seed)
    shown, is_right = np.zeros((num, *SHAPE), np.uint8), generator.integers(0, 2, num)
    for picture, right in zip(shown, is_right, strict=True):
        row, column = generator.integers(0, 16), generator.integers(0, 6) + 10 * right
        picture[row : row + 4, column : column + 4] = 255
    return shown, is_right


def labels(num: int, seed: int = 0) -> LabeledBatch:
    """Segments of which that with more squares on the right is preferred."""
    shown, is_right = pictures(num * 2 * STEPS, seed)
    returns = is_right.reshape(num, 2, STEPS).sum(-1)
    target = np.where(returns[:, 0] == returns[:, 1], 0.5, returns[:, 0] > returns[:, 1])
    generator = np.random.default_rng(seed)
    return LabeledBatch(
        obs=shown.reshape(num, 2, STEPS, *SHAPE),
        action=np.zeros((num, 2, STEPS, 1), np.float32),
        true_return=returns.astype(np.float32),
        target=target.astype(np.float32),
        key=generator.integers(0, 2**60, num),
    )


def data(labeled: LabeledBatch) -> FitData:
    flat = labeled.obs.reshape(-1, 400).astype(np.float32)
    stats = RunningStats.of_shape((400,)).merge(jnp.asarray(flat), jnp.ones(len(flat)))
    phase = None if labeled.phase is None else labeled.phase.reshape(-1)
    window = RewardInput(labeled.obs.reshape(-1, *SHAPE), labeled.action.reshape(-1, 1), phase=phase)
    return FitData(labeled, window, stats, len(labeled))


def build(config: RewardModelConfig = CONFIG, *, center: bool = True) -> PictureReward:
    return PictureReward.build(SHAPE, config, center=center, key=jax.random.key(0))


@pytest.fixture(scope="module")
def fitted() -> PictureReward:
    return build().fit(data(labels(200)), None, jax.random.key(1))[0]


def test_it_has_the_protocols_shape(fitted: PictureReward):
    assert isinstance(fitted, RewardModel)


def test_it_tells_which_of_other_segments_is_better(fitted: PictureReward):
    other = labels(200, seed=5)
    left, right = (fitted.member_returns(RewardInput(other.obs[:, i], other.action[:, i])).mean(0) for i in (0, 1))
    gap, decisive = right - left, other.target != 0.5
    assert ((gap < 0) == (other.target > 0.5))[decisive].mean() >= 0.9


def test_its_reward_has_mean_0_and_deviation_1_where_no_episode_ends(fitted: PictureReward):
    window = data(labels(200)).window
    reward = fitted.scale.apply(jnp.asarray(fitted._raw(window)))
    np.testing.assert_allclose(reward.mean(1), 0.0, atol=1e-5)
    np.testing.assert_allclose(reward.std(1), 1.0, rtol=1e-4)


@pytest.mark.parametrize("shape", [(7,), (3, 5)])
def test_every_picture_is_scored_by_itself(fitted: PictureReward, shape: tuple[int, ...]):
    shown, _ = pictures(int(np.prod(shape)), 3)
    action = np.zeros((*shape, 1), np.float32)
    together = fitted(RewardInput(shown.reshape(*shape, *SHAPE), action))
    alone = [float(fitted(RewardInput(one[None], action.reshape(-1, 1)[:1]))[0]) for one in shown]
    assert together.shape == shape
    np.testing.assert_allclose(together.ravel(), alone, rtol=1e-4, atol=1e-5)


def test_the_same_labels_and_key_give_the_same_bytes():
    once, again = (build().fit(data(labels(20)), 9, jax.random.key(1))[0] for _ in range(2))
    for one, other in zip(jax.tree.leaves(once), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_a_later_fit_goes_on_from_the_one_before(fitted: PictureReward):
    later, metrics = fitted.fit(data(labels(220)), None, jax.random.key(2))
    assert metrics["predictor/fit_steps"] == round(4 * 220 / 16)
    before, after = (np.asarray(model.state.networks.torso.weights[0]) for model in (fitted, later))
    fresh = np.asarray(build().state.networks.torso.weights[0])
    assert np.abs(after - before).max() < np.abs(before - fresh).max()


def test_as_many_gradient_steps_are_made_as_are_asked_for():
    """Nine are more than one compiled call makes: those beyond change nothing."""
    start = build(dataclasses.replace(CONFIG, picture_dropout=0.0))
    nine, metrics = start.fit(data(labels(20)), 9, jax.random.key(1))
    assert int(nine.state.opt_state.count) == metrics["predictor/fit_steps"] == 9


def with_ends(num: int) -> LabeledBatch:
    """Left segments go on, right ones end after two steps, at the same pictures: and the longer one is preferred."""
    labeled = labels(num)
    phase = np.full((num, 2, STEPS), LIVED, np.int8)
    phase[:, 1, 1], phase[:, 1, 2:] = LAST, ENDED
    obs = labeled.obs.copy()
    obs[:, 1] = obs[:, 0]
    return dataclasses.replace(labeled, obs=obs, phase=phase, target=np.ones(num, np.float32))


def test_where_survival_is_preferred_a_step_survived_is_worth_more_than_the_end():
    labeled = with_ends(40)
    model, _ = build(center=False).fit(data(labeled), 60, jax.random.key(1))
    phase = np.array([LIVED, LAST, ENDED], np.int8)
    reward = np.asarray(model(RewardInput(labeled.obs[0, 0, :3], labeled.action[0, 0, :3], phase=phase)))
    assert reward[0] > 0.0
    assert reward[0] > reward[1]
    assert reward[2] == 0.0


def test_where_no_episode_can_end_early_phases_are_not_looked_at():
    labeled = with_ends(10)
    with_phases, _ = build().fit(data(labeled), 5, jax.random.key(1))
    without = data(dataclasses.replace(labeled, phase=None))
    same, _ = build().fit(without, 5, jax.random.key(1))
    np.testing.assert_array_equal(with_phases.state.networks.heads, same.state.networks.heads)


@pytest.mark.parametrize(
    ("word", "shape", "expected"),
    [("auto", (42, 42, 4), "cnn"), ("auto", (10, 10, 4), "gp"), ("auto", (2000,), "gp"), ("gp", (42, 42, 4), "gp")],
)
def test_pictures_of_more_than_1024_numbers_get_the_network(word: str, shape: tuple[int, ...], expected: str):
    assert reward_model_of(word, shape) == expected


def test_the_network_is_built_where_it_is_meant():
    model = fresh_reward_model(RewardModelConfig(), (42, 42, 4), 6, center=True, key=jax.random.key(0))
    assert isinstance(model, PictureReward)


def test_vectors_are_refused():
    with pytest.raises(UnsupportedSpace, match=r"got 'cnn' for observations of shape \(11,\).*Use --reward.model gp"):
        reward_model_of("cnn", (11,))


FRAMES = FrameSpec(
    "Sides-v0", SHAPE, DiscreteActions(2), [f"pixel {i}" for i in range(400)] + ["left", "right"], "uint8"
)


def test_as_numpy_alone_it_gives_the_same_rewards(fitted: PictureReward, tmp_path: Path):
    shown, _ = pictures(70, 3)
    expected = fitted(RewardInput(shown, np.zeros((70, 2), np.float32)))
    write_reward(tmp_path, fitted, FRAMES, labels=200)
    np.testing.assert_allclose(load_reward(tmp_path)(shown, np.zeros(70, np.int64)), expected, rtol=1e-3, atol=1e-4)


def test_as_numpy_alone_it_knows_of_ends():
    labeled = with_ends(40)
    model, _ = build(center=False).fit(data(labeled), 60, jax.random.key(1))
    reward = to_portable(model, FRAMES, labels=40)
    assert reward is not None
    phase, shown = np.array([LIVED, LAST], np.int8), labeled.obs[0, 0, :2]
    expected = model(RewardInput(shown, np.zeros((2, 2), np.float32), phase=phase))
    found = reward(shown, np.zeros(2, np.int64), terminated=phase == LAST)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_arrays_of_other_pictures_are_refused(fitted: PictureReward):
    arrays = fitted.portable().arrays
    with pytest.raises(ValueError, match=r"its pictures have shape \(20, 20, 1\).* of 441 numbers"):
        portable_pictures(arrays, 441, DiscreteSpace(2, 0))
    with pytest.raises(ValueError, match=r"'weights_1' has shape"):
        portable_pictures({**arrays, "weights_1": np.zeros((3, 3, 3), np.float32)}, 400, DiscreteSpace(2, 0))


def test_it_looks_at_the_square(fitted: PictureReward):
    """The square's 16 pixels of 400 tell more than a seventh of all, and at least five times what others tell."""
    assert isinstance(fitted, HasSaliency)
    shown, _ = pictures(30, 7)
    x = RewardInput(shown[:, None], np.zeros((30, 1, 1), np.float32))
    maps = fitted.saliency(x)
    assert maps.shape == (30, 20, 20)
    np.testing.assert_allclose(maps.max((1, 2)), 1.0, rtol=1e-6)
    square = shown[..., 0] > 0
    assert maps[square].mean() > 5 * maps[~square].mean()
    assert maps[square].sum() > 0.15 * maps.sum()

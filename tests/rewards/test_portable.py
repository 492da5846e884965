"""A portable reward gives the numbers of the model that it was made from, with actions in the environment's units."""

import dataclasses
import pickle
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.actions import ActionSpec, BoxActions, DiscreteActions
from rl_teacher.core.arrays import LAST, LIVED, RewardInput
from rl_teacher.errors import RewardShapeError, UserCodeFault
from rl_teacher.protocols import HasPortable, PortableParts
from rl_teacher.rewards.baselines import ConstantReward, UntrainedReward
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.rewards.export import FrameSpec, to_portable
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.portable import PortableReward
from rl_teacher.rewards.portable_networks import rows_at_once
from rl_teacher.rewards.scale import Scale
from tests.rewards.synthetic_labels import ACT, OBS, comparisons, ending, fit_data, some_ends

INF = float("inf")
SHAPE = (2, 3)
SPACES: dict[str, ActionSpec] = {
    "box": BoxActions((-2.0, 0.0), (2.0, 5.0)),
    "half open": BoxActions((-INF, -INF, 0.5, 1.0), (INF, 3.0, INF, 1.0), "float64"),
    "whole": BoxActions((0.0, -INF), (7.0, INF), "int64"),
    "beyond float32": BoxActions((-1e300, 0.0), (1.0, 1e300), "float64"),
    "discrete": DiscreteActions(3, start=-1),
}
CONFIG = RewardModelConfig(joint_features=16, hidden=(8, 5))
FIELDS = ("obs", "env_action", "next_obs", "terminated")
Model = GaussianProcessReward | RewardEnsemble | ConstantReward | UntrainedReward


def frames_of(actions: ActionSpec, shape: tuple[int, ...] = SHAPE) -> FrameSpec:
    names = [f"number {i}" for i in range(int(np.prod(shape)) + actions.size)]
    return FrameSpec("Mine-v0", shape, actions, names)


def random_process(
    actions: ActionSpec, seed: int, *, center: bool, pessimism: float, share: float = 0.1, turns: tuple[int, ...] = ()
) -> GaussianProcessReward:
    """With random weights, of which a share is not 0, and everything else random too."""
    rng = np.random.default_rng(seed)
    config = dataclasses.replace(CONFIG, pessimism=pessimism)
    key = jax.random.key(seed)
    model = GaussianProcessReward.build(SHAPE, actions.size, config, center=center, key=key, turns=turns)
    used = rng.random(len(model.weights)) < share
    members = used[:, None] * rng.normal(size=model.members.shape)
    centers = model.basis.centers
    basis = dataclasses.replace(
        model.basis, centers=None if centers is None else jnp.asarray(rng.normal(size=centers.shape), jnp.float32)
    )
    return dataclasses.replace(
        model, basis=basis, weights=jnp.asarray(members.mean(1), jnp.float32),
        members=jnp.asarray(members, jnp.float32), obs_stats=stats(rng),
        scale=Scale(jnp.asarray([0.3]), jnp.asarray([1.7])), shares=jnp.asarray(rng.random(len(model.shares))),
    )  # fmt: skip


def stats(rng: np.random.Generator) -> tuple[jax.Array, jax.Array]:
    mean, variance = rng.normal(size=6), rng.uniform(1e-3, 4.0, 6)
    return jnp.asarray(mean, jnp.float32), jnp.asarray(variance, jnp.float32)


def random_ensemble(actions: ActionSpec, seed: int, *, center: bool, **settings: float) -> RewardEnsemble:
    rng = np.random.default_rng(seed)
    config = dataclasses.replace(CONFIG, **settings)
    model = RewardEnsemble.build(SHAPE, actions.size, config, center=center, key=jax.random.key(seed), last_scale=1.0)
    members = model.state.members + jnp.asarray(0.1 * rng.normal(size=model.state.members.shape), jnp.float32)
    scale = Scale(jnp.asarray([0.1, -0.2, 0.3]), jnp.asarray([2.0, 1.0, 0.5]))
    return eqx.tree_at(lambda one: (one.state.members, one.obs_stats, one.scale), model, (members, stats(rng), scale))


def steps(actions: ActionSpec, *batch: int, seed: int = 5) -> dict[str, np.ndarray]:
    """Random steps; some observations lie beyond ten standard deviations, some actions beyond their bounds."""
    rng = np.random.default_rng(seed)
    obs = (3 * rng.standard_t(2, (*batch, *SHAPE))).astype(np.float32)
    if isinstance(actions, DiscreteActions):
        action = rng.integers(actions.start, actions.start + actions.size, batch)
    else:
        action = actions.to_env(np.asarray(rng.normal(size=(*batch, actions.size)), np.float32))
    after = obs + 0.1 * rng.normal(size=obs.shape)
    return dict(zip(FIELDS, (obs, action, after.astype(np.float32), rng.random(batch) < 0.3), strict=True))


def check(model: Model, actions: ActionSpec, *batch: int) -> None:
    """All ways to call a portable reward against the model that it was made from."""
    reward = to_portable(model, frames_of(actions), 100)
    assert reward is not None
    obs, env_action, after, terminated = steps(actions, *batch).values()
    action = np.asarray(actions.from_env(np.asarray(env_action)[None])[0])
    phase = np.where(terminated, LAST, LIVED).astype(np.int8)
    for shown in ({}, {"next_obs": after}, {"terminated": terminated}, {"next_obs": after, "terminated": terminated}):
        x = RewardInput(obs, action, None, phase if "terminated" in shown else None, shown.get("next_obs"))
        if not batch:  # a model wants an axis in front
            x = jax.tree.map(lambda array: np.asarray(array)[None], x)
        expected = np.asarray(model(x)).reshape(batch)
        for got in (reward(obs, env_action, **shown), reward.scored(obs, action, **shown)):
            assert (got.shape, got.dtype) == (batch, np.float32)
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("center", "pessimism"), [(True, 0.0), (True, 0.5), (False, 0.0), (False, -0.5)])
def test_a_process_gives_the_same_numbers(space: str, center: bool, pessimism: float) -> None:
    model = random_process(SPACES[space], 1, center=center, pessimism=pessimism, share=0.3)
    check(model, SPACES[space], 7)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("batch", [(), (4, 5)])
def test_few_weights_of_any_kind_give_the_same_numbers(seed: int, batch: tuple[int, ...]) -> None:
    model = random_process(SPACES["box"], seed, center=False, pessimism=0.0, share=0.01)
    check(model, SPACES["box"], *batch)


@pytest.mark.parametrize("share", [0.02, 1.0])
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("turns", [(0,), (4, 2)])
def test_angles_that_turn_round_give_the_same_numbers(turns: tuple[int, ...], space: str, share: float) -> None:
    model = random_process(SPACES[space], 2, center=True, pessimism=0.5, share=share, turns=turns)
    assert model.basis.num_inputs == 6 + SPACES[space].size + len(turns)
    check(model, SPACES[space], 7)


def test_a_whole_turn_more_is_worth_the_same() -> None:
    spec = SPACES["box"]
    reward = to_portable(random_process(spec, 2, center=True, pessimism=0.0, share=1.0, turns=(1,)), frames_of(spec), 1)
    assert reward is not None
    obs, env_action, *_ = steps(spec, 5).values()
    turned = obs.reshape(5, -1).copy()
    turned[:, 1] += 2 * np.pi
    np.testing.assert_allclose(reward(turned.reshape(obs.shape), env_action), reward(obs, env_action), atol=1e-4)


@pytest.mark.parametrize("block", range(9))
def test_each_block_alone_gives_the_same_numbers(block: int) -> None:
    model = random_process(SPACES["box"], 3, center=False, pessimism=0.3, share=1.0)
    start = sum(model.basis.sizes[:block])
    used = np.zeros((len(model.weights), 1), bool)
    used[start : start + model.basis.sizes[block]] = True
    only = dataclasses.replace(model, weights=model.weights * used[:, 0], members=model.members * used)
    check(only, SPACES["box"], 6)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("center", [True, False], ids=["one length", "ends"])
@pytest.mark.parametrize("settings", [{}, {"pessimism": 0.5}, {"tanh_output": False}])
def test_an_ensemble_gives_the_same_numbers(space: str, center: bool, settings: dict[str, float]) -> None:
    check(random_ensemble(SPACES[space], 2, center=center, **settings), SPACES[space], 7)


@pytest.mark.parametrize("batch", [(), (4, 5)])
def test_models_that_learn_nothing_give_the_same_numbers(batch: tuple[int, ...]) -> None:
    actions = SPACES["discrete"]
    check(ConstantReward.build(CONFIG), actions, *batch)
    check(UntrainedReward(random_ensemble(actions, 4, center=False)), actions, *batch)


@pytest.mark.parametrize("center", [True, False])
def test_fresh_models_do_too(center: bool) -> None:
    actions = SPACES["box"]
    check(random_process(actions, 1, center=center, pessimism=0.5, share=0.0), actions, 3)
    fresh = GaussianProcessReward.build(SHAPE, 2, CONFIG, center=center, key=jax.random.key(0))
    check(fresh, actions, 3)


@pytest.mark.parametrize("build", [GaussianProcessReward.build, RewardEnsemble.build])
@pytest.mark.parametrize("has_ends", [False, True])
def test_a_fitted_model_gives_the_same_numbers(build: Callable[..., Model], has_ends: bool) -> None:
    labeled = comparisons(40)
    labeled = ending(labeled, some_ends(40), of_end=-3.0) if has_ends else labeled
    fresh = build((OBS,), ACT, CONFIG, center=not has_ends, key=jax.random.key(0))
    model, _ = fresh.fit(fit_data(labeled), 25, jax.random.key(1))
    spec = BoxActions((-1.0,) * ACT, (1.0,) * ACT)
    reward = to_portable(model, frames_of(spec, (OBS,)), 40)
    assert reward is not None
    x = RewardInput(labeled.obs[:, 0], labeled.action[:, 0])
    np.testing.assert_allclose(reward(x.obs, x.action), np.asarray(model(x)), rtol=1e-5, atol=1e-5)
    assert bool(reward.looks_at) == (build == GaussianProcessReward.build)


@pytest.mark.parametrize("num_obs", [70, 1100])
def test_blocks_that_are_left_out_for_many_numbers_are_left_out_here(num_obs: int) -> None:
    """Products beyond 64 numbers, curves beyond 1024."""
    rng, spec = np.random.default_rng(0), BoxActions((-1.0,), (1.0,))
    fresh = GaussianProcessReward.build((num_obs,), 1, CONFIG, center=False, key=jax.random.key(0))
    weights = (rng.random(len(fresh.weights)) < 0.01) * rng.normal(size=len(fresh.weights))
    model = dataclasses.replace(fresh, weights=jnp.asarray(weights, jnp.float32))
    reward = to_portable(model, frames_of(spec, (num_obs,)), 1)
    assert reward is not None
    obs, action = (rng.normal(size=(4, n)).astype(np.float32) for n in (num_obs, 1))
    expected = np.asarray(model(RewardInput(obs, np.clip(action, -1, 1))))
    np.testing.assert_allclose(reward(obs, action), expected, rtol=1e-5, atol=1e-5)


def test_no_row_at_all_is_no_row() -> None:
    for model in (random_process(SPACES["box"], 1, center=False, pessimism=0.5), ConstantReward.build(CONFIG)):
        reward = to_portable(model, frames_of(SPACES["box"]), 1)
        assert reward is not None
        assert reward(*list(steps(SPACES["box"], 0).values())[:2]).shape == (0,)


def test_many_rows_are_looked_at_in_parts() -> None:
    check(random_process(SPACES["box"], 1, center=False, pessimism=0.0), SPACES["box"], 3, 1500)
    check(random_ensemble(SPACES["box"], 1, center=False, pessimism=0.5), SPACES["box"], 3, 1500)


@pytest.mark.parametrize(("layers", "rows"), [
    ([(14, 64), (64, 64), (64, 1)], 64),  # 64 * 64 * 64 = 2^18
    ([(8, 8), (8, 5), (5, 1)], 512),  # 2^18 / 64 = 4096, more than is looked at
    ([(393, 256), (256, 256), (256, 1)], 8),  # 2^18 / 100,608 = 2, fewer than pays
])  # fmt: skip
def test_networks_look_at_as_many_rows_as_one_thread_multiplies(layers: list[tuple[int, int]], rows: int) -> None:
    assert rows_at_once(layers) == rows


BOX = {
    "mean": np.float32([1, 0]), "std": np.float32([2, 1]), "constant": np.float32([0.5]),
    "linear_at": np.int32([0, 2]), "linear": np.float32([[3], [10]]),
    "product_at": np.int32([[0, 1]]), "product": np.float32([[1]]),
    "end": np.float32([-7]), "change_at": np.int32([1]), "change": np.float32([[100]]),
}  # fmt: skip


class Handmade:
    """A model of somebody's own."""

    def __init__(self, arrays: dict[str, np.ndarray], kind: str = "gp") -> None:
        self.arrays, self.kind = arrays, kind

    def portable(self) -> PortableParts:
        return PortableParts(self.kind, self.arrays, ends=True)


def handmade() -> PortableReward:
    reward = to_portable(Handmade(BOX), frames_of(BoxActions((-4.0,), (4.0,)), (2,)), 9)
    assert reward is not None
    return reward


def test_a_reward_worked_out_by_hand() -> None:
    reward = handmade()
    # the first number is (5 - 1) / 2 = 2, the second 0.3, the action 1 of 4, 0.25: 0.5 + 3 x 2 + 10 x 0.25 + 2 x 0.3
    assert reward([5, 0.3], [1]) == pytest.approx(9.6)
    assert reward.scored([5, 0.3], [0.25]) == pytest.approx(9.6)
    # an action beyond its bounds counts as the bound: 10 x 1 instead of 10 x 0.25; of policy units nothing is cut off
    assert reward([5, 0.3], [8]) == pytest.approx(17.1)
    # the second number rises by 0.01, and the last step costs 7
    assert reward([5, 0.3], [1], next_obs=[5, 0.31], terminated=True) == pytest.approx(9.6 + 1 - 7)
    # 10 standard deviations at most: 0.5 + 3 x 10 + 2.5 + 10 x 0.3
    assert reward([1e6, 0.3], [1]) == pytest.approx(36.0)


def test_one_observation_is_one_number() -> None:
    found = handmade()([5, 0.3], [1])
    assert (found.shape, found.dtype) == ((), np.float32)
    assert handmade()([[5, 0.3]], [[1]]).shape == (1,)


def test_it_says_what_it_is() -> None:
    model = random_process(SPACES["box"], 1, center=False, pessimism=0.0)
    reward = to_portable(model, frames_of(SPACES["box"]), 100)
    assert reward is not None
    assert (reward.kind, reward.env_id, reward.labels, len(reward.names)) == ("gp", "Mine-v0", 100, 8)
    assert sum(reward.looks_at.values()) > 0
    assert repr(reward).startswith("<PortableReward gp of 'Mine-v0' from 100 labels, looks at: ")
    assert reward.version[:12] in repr(reward)
    again = to_portable(model, frames_of(SPACES["box"]), 100)
    other = to_portable(model, frames_of(SPACES["whole"]), 100)
    assert again is not None
    assert other is not None
    assert reward.version == again.version != other.version


def test_it_goes_to_other_processes() -> None:
    reward = handmade()
    there: PortableReward = pickle.loads(pickle.dumps(reward))
    assert there([5, 0.3], [1]) == reward([5, 0.3], [1])
    assert there.version == reward.version
    assert all(not array.flags.writeable for array in there.arrays.values())


def test_nobody_can_change_it() -> None:
    reward, mine = handmade(), dict(BOX)
    with pytest.raises(dataclasses.FrozenInstanceError):
        reward.about = reward.about  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        reward.arrays["linear"][0] = 1
    assert mine["linear"].flags.writeable, "the arrays that it was made of stay as they were"


def test_it_changes_nothing_that_it_is_shown() -> None:
    obs, action = np.array([[5, 0.3]], np.float32), np.array([[1]], np.float32)
    handmade()(obs, action, next_obs=obs)
    np.testing.assert_array_equal(obs, np.float32([[5, 0.3]]))
    np.testing.assert_array_equal(action, [[1]])


@pytest.mark.parametrize(
    ("obs", "action", "shown", "text"),
    [
        (np.zeros((3, 4)), np.zeros((3, 1)), {}, r"observations have shape \(3, 4\), expected \(\*batch, 2\)"),
        (np.float32(1), np.zeros(1), {}, r"observations have shape \(\), expected \(\*batch, 2\)"),
        (np.zeros((3, 2)), np.zeros(3), {}, r"actions have shape \(3,\), expected \(3, 1\)"),
        (np.zeros((3, 2)), np.zeros((2, 1)), {}, r"actions have shape \(2, 1\), expected \(3, 1\)"),
        (
            np.zeros((3, 2)),
            np.zeros((3, 1)),
            {"next_obs": np.zeros(2)},
            r"next_obs has shape \(2,\), expected \(3, 2\)",
        ),
        (np.zeros((3, 2)), np.zeros((3, 1)), {"terminated": True}, r"terminated has shape \(\), expected \(3,\)"),
        (np.array(["a", "b"]), np.zeros(1), {}, "observations are ndarray, expected an array of numbers"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    obs: object, action: object, shown: dict[str, object], text: str
) -> None:
    with pytest.raises(RewardShapeError, match=f"^reward of 'Mine-v0': {text}"):
        handmade()(obs, action, **shown)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ([0, 1], r"shape \(2,\), expected \(1,\): a choice for each"),
        ([0.5], "are float64, expected whole numbers from -1"),
        ([2], r"are among \[2\], expected -1 to 1"),
        ([-2], r"are among \[-2\], expected -1 to 1"),
    ],
)
def test_choices_that_there_are_not_are_refused(action: list[float], text: str) -> None:
    reward = to_portable(ConstantReward.build(CONFIG), frames_of(SPACES["discrete"]), 0)
    assert reward is not None
    with pytest.raises(RewardShapeError, match=text):
        reward(np.zeros((1, *SHAPE)), action)


def test_a_model_without_a_portable_form_has_none() -> None:
    assert to_portable(lambda x: 0.0, frames_of(SPACES["box"]), 1) is None


@pytest.mark.parametrize(
    ("kind", "arrays", "text"),
    [
        ("forest", {}, "its kind is 'forest', expected one of gp, ensemble"),
        ("gp", {"tree": np.zeros(1)}, r"arrays \['tree'\], which its kind does not know"),
        ("gp", {"mean": np.zeros(3, np.float32)}, r"'mean' has shape \(3,\), expected \(2\)"),
        ("gp", {"linear_at": np.zeros(2, np.int64)}, "'linear_at' is int64, expected int32"),
        ("gp", {"linear_at": np.int32([0, 3])}, "'linear_at' names number 3 of 3"),
        ("gp", {"change_at": np.int32([2])}, "'change_at' names number 2 of 2"),
        ("gp", {"linear": np.float32([[np.nan], [1]])}, "'linear' holds a nan"),
        ("gp", {"std": np.zeros(2, np.float32)}, "a standard deviation that is not above 0"),
        ("ensemble", {}, "arrays .*, which its kind does not know"),
    ],
)
def test_arrays_of_ones_own_that_do_not_fit_are_refused(kind: str, arrays: dict[str, np.ndarray], text: str) -> None:
    with pytest.raises(UserCodeFault, match=f"^Handmade.portable: .*{text}"):
        to_portable(Handmade(BOX | arrays, kind), frames_of(BoxActions((-4.0,), (4.0,)), (2,)), 9)


def test_models_of_ours_satisfy_the_protocol() -> None:
    actions = SPACES["box"]
    ensemble = random_ensemble(actions, 1, center=True)
    models = (
        random_process(actions, 1, center=True, pessimism=0.0), ensemble, ConstantReward.build(CONFIG),
        UntrainedReward(ensemble),
    )  # fmt: skip
    assert all(isinstance(model, HasPortable) for model in models)

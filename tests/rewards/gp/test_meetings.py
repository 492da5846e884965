"""A thing that is taken is told from one that is near: by hand, in a little game, and in the portable form."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.actions import DiscreteActions
from rl_teacher.core.arrays import LAST, LIVED, LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.protocols import FitData
from rl_teacher.rewards.export import FrameSpec, to_portable
from rl_teacher.rewards.gp.meetings import WAYS, meeting_words, meetings, met_in, num_meetings
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.portable import load_reward

SHAPE = (8, 8, 2)
PLAYER, GOLD = 0, 1
ON = 255
CONFIG = RewardModelConfig(joint_features=16)
NUM_ACTIONS, STEPS = 3, 6


def board(*things: tuple[int, int, int]) -> jax.Array:
    """-1 everywhere but where a thing is: (row, column, channel)."""
    cells = np.full(SHAPE, -1.0, np.float32)
    for thing in things:
        cells[thing] = 2.0
    return jnp.asarray(cells.ravel())


def moved(found: np.ndarray, new: int, old: int, way: tuple[int, int]) -> float:
    """What is after the step where something was before it."""
    return float(found[13:].reshape(2, 2, len(WAYS))[new, old, WAYS.index(way)])


def near(found: np.ndarray, way: tuple[int, int]) -> float:
    """The player where the gold is that way, before the step."""
    return float(found[4:13][WAYS.index(way)])


def test_a_thing_that_is_taken_is_one_count() -> None:
    before, after = board((3, 3, PLAYER), (3, 4, GOLD)), board((3, 4, PLAYER))
    found = np.asarray(meetings(before, after, SHAPE))
    assert moved(found, PLAYER, GOLD, (0, 0)) == 1  # it is where the gold was
    assert moved(found, PLAYER, PLAYER, (0, -1)) == 1  # it was one column to the left
    assert near(found, (0, 1)) == 1  # and the gold one column to the right of it
    assert found[GOLD] == 1  # which vanishes
    assert found.sum() == 4


def test_a_thing_that_is_near_is_another() -> None:
    still = board((3, 3, PLAYER), (4, 4, GOLD))
    found = np.asarray(meetings(still, still, SHAPE))
    assert moved(found, PLAYER, GOLD, (0, 0)) == 0
    assert moved(found, PLAYER, GOLD, (1, 1)) == near(found, (1, 1)) == 1
    assert moved(found, GOLD, PLAYER, (-1, -1)) == 1
    assert moved(found, PLAYER, PLAYER, (0, 0)) == moved(found, GOLD, GOLD, (0, 0)) == 1
    assert found.sum() == 5


def test_what_moves_by_one_cell_neither_vanishes_nor_appears_and_what_jumps_does_both() -> None:
    step, jump = (np.asarray(meetings(board((3, 3, PLAYER)), board((row, 4, PLAYER)), SHAPE))[:4] for row in (4, 5))
    assert step.tolist() == [0, 0, 0, 0]
    assert jump.tolist() == [1, 0, 1, 0]  # the player vanishes, and a player appears


def test_it_is_the_same_wherever_it_happens_and_ends_at_the_edge() -> None:
    def told(row: int, column: int) -> np.ndarray:
        before = board((row, column, PLAYER), (row, column + 1, GOLD))
        return np.asarray(meetings(before, board((row, column + 1, PLAYER)), SHAPE))

    np.testing.assert_array_equal(told(0, 0), told(5, 4))
    at_the_edges = board((0, 0, PLAYER), (7, 7, GOLD), (0, 7, GOLD))
    found = np.asarray(meetings(at_the_edges, at_the_edges, SHAPE))
    assert found[13:].reshape(2, 2, -1)[PLAYER, GOLD].sum() == found[4:13].sum() == 0  # no way round


def test_counts_are_of_each_frame_by_itself() -> None:
    rng = np.random.default_rng(0)
    before, after = jnp.asarray(rng.normal(size=(2, 4, 5, 128)), jnp.float32)
    found = np.asarray(meetings(before, after, SHAPE))
    assert found.shape == (4, 5, num_meetings(SHAPE))
    np.testing.assert_array_equal(found[2, 3], np.asarray(meetings(before[2, 3], after[2, 3], SHAPE)))


@pytest.mark.parametrize(
    ("shape", "sees", "expected"),
    [
        ((10, 10, 4), True, (10, 10, 4)),
        ((10, 10, 4), False, None),
        ((42, 42, 4), True, None),  # pixels, not cells
        ((400,), True, None),
        ((4, 4, 2), True, None),  # too small to be a picture
    ],
)
def test_things_meet_in_small_pictures_alone(shape: tuple[int, ...], sees: bool, expected: object) -> None:
    assert met_in(shape, dataclasses.replace(CONFIG, sees_meetings=sees)) == expected


def test_numbers_without_names_are_channels() -> None:
    words = meeting_words([f"observation {i}" for i in range(128)], SHAPE)
    assert len(words) == num_meetings(SHAPE)
    assert words[13] == "channel 0 below and right of where channel 0 was"


# -- a little game ----------------------------------------------------------------------------------------------------


def walks(num: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures before and after each step, and who took the gold: others stay beside it, or go where none was."""
    rng = np.random.default_rng(seed)
    obs, after = np.zeros((2, num, STEPS, *SHAPE), np.uint8)
    takes = rng.random(num) < 0.5
    for i in range(num):
        row, column, when = rng.integers(0, 8), rng.integers(0, 4), rng.integers(1, STEPS)
        gold = column + (1 if takes[i] else rng.choice([1, 4]))
        moves = takes[i] or gold > column + 1
        for t in range(STEPS):
            for picture, step in ((obs, t), (after, t + 1)):
                is_gone = step >= when
                picture[i, t, row, column + int(is_gone and moves), PLAYER] = ON
                if not is_gone:
                    picture[i, t, row, gold, GOLD] = ON
    return obs, after, takes


def game(num: int, seed: int = 0) -> FitData:
    """Comparisons of one who takes the gold, who is preferred, with one who stays beside it."""
    obs, after, takes = walks(4 * num, seed)
    left, right = np.flatnonzero(takes)[:num], np.flatnonzero(~takes)[:num]
    swap = np.random.default_rng(seed).random(num) < 0.5
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    labeled = LabeledBatch(
        obs=np.stack([obs[left], obs[right]], 1), action=np.zeros((num, 2, STEPS, NUM_ACTIONS), np.float32),
        true_return=np.stack([takes[left], takes[right]], 1).astype(np.float32),
        target=takes[left].astype(np.float32), key=np.arange(num), next_obs=np.stack([after[left], after[right]], 1),
    )  # fmt: skip
    frames = obs.reshape(-1, *SHAPE)
    flat = jnp.asarray(frames.reshape(len(frames), -1), jnp.float32)
    stats = RunningStats.of_shape((128,)).merge(flat, jnp.ones(len(flat)))
    window = RewardInput(frames, np.zeros((len(frames), NUM_ACTIONS), np.float32), next_obs=after.reshape(-1, *SHAPE))
    return FitData(labeled, window, stats, num)


def fitted(data: FitData, **settings: float) -> GaussianProcessReward:
    config = dataclasses.replace(CONFIG, **settings)
    fresh = GaussianProcessReward.build(SHAPE, NUM_ACTIONS, config, center=True, key=jax.random.key(0))
    return fresh.fit(data, None, jax.random.key(1))[0]


def test_it_pays_the_step_that_takes_the_gold_and_says_so() -> None:
    model = fitted(game(40))
    names = [f"{thing} at row {i}, column {j}" for i in range(8) for j in range(8) for thing in ("player", "gold")]
    first = model.relevances([*names, "stay", "left", "right"])[0]
    assert first.what == "more player where gold was"
    obs, after, takes = walks(200, seed=7)
    x = RewardInput(obs, np.zeros((200, STEPS, NUM_ACTIONS), np.float32), next_obs=after)
    returns = np.asarray(model(x)).sum(1)
    assert returns[takes].min() > returns[~takes].max()
    is_gone = obs[..., GOLD].any((2, 3)) & ~after[..., GOLD].any((2, 3))
    assert (np.asarray(model(x)).argmax(1) == is_gone.argmax(1))[takes].all()


def test_an_agent_that_waits_beside_it_is_not_told_apart_without() -> None:
    model = fitted(game(40), sees_meetings=False)
    obs, _, takes = walks(200, seed=7)
    returns = np.asarray(model(RewardInput(obs, np.zeros((200, STEPS, NUM_ACTIONS), np.float32)))).sum(1)
    assert returns[takes].min() < returns[~takes].max()


@pytest.mark.parametrize("pessimism", [0.0, 0.5])
@pytest.mark.parametrize("center", [True, False])
def test_the_portable_form_gives_the_same_numbers(pessimism: float, center: bool, tmp_path) -> None:
    actions = DiscreteActions(NUM_ACTIONS)
    config = dataclasses.replace(CONFIG, pessimism=pessimism)
    model = GaussianProcessReward.build(SHAPE, NUM_ACTIONS, config, center=center, key=jax.random.key(0))
    rng = np.random.default_rng(1)
    used = rng.random(len(model.weights)) < 0.1
    members = (used[:, None] * rng.normal(size=model.members.shape)).astype(np.float32)
    stats = jnp.asarray(rng.uniform(0, 255, 128), jnp.float32), jnp.asarray(rng.uniform(1, 900, 128), jnp.float32)
    model = dataclasses.replace(
        model, weights=jnp.asarray(members.mean(1)), members=jnp.asarray(members), obs_stats=stats
    )
    portable = to_portable(model, FrameSpec("Mine-v0", SHAPE, actions, [f"n{i}" for i in range(131)], "uint8"), 1)
    assert portable is not None
    assert portable.about.ends
    portable.save(tmp_path)
    found = load_reward(tmp_path)
    obs, after = (255 * rng.integers(0, 2, (2, 7, *SHAPE))).astype(np.uint8)
    action, ended = rng.integers(0, NUM_ACTIONS, 7), rng.random(7) < 0.4
    onehot = np.eye(NUM_ACTIONS, dtype=np.float32)[action]
    phase = None if center else np.where(ended, LAST, LIVED).astype(np.int8)
    expected = np.asarray(model(RewardInput(obs, onehot, phase=phase, next_obs=after)))
    paid = found(obs, action, next_obs=after, terminated=None if center else ended)
    np.testing.assert_allclose(paid, expected, rtol=2e-4, atol=2e-4)
    assert not np.allclose(found(obs, action), found(obs, action, next_obs=after))
    np.testing.assert_allclose(found(obs, action), np.asarray(model(RewardInput(obs, onehot))), rtol=2e-4, atol=2e-4)

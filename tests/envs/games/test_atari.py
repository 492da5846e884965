"""Games of Atari as endless ones: what an observation is, what is hidden, and that all of it can be played again."""

import dataclasses

import numpy as np
import pytest
from ale_py import ALEInterface, roms

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.games.emulator import open_emulator
from rl_teacher.envs.games.sheets import ATARI
from rl_teacher.envs.games.starts import MOST_IDLE, NO_BUTTON, idle_steps
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.errors import CheckpointError
from rl_teacher.protocols import Envs

SEED = 5
LIMIT = 120
"""Steps of an episode here, as a thousand take a while."""


def short(name):
    return dataclasses.replace(find_env(name), horizon=LIMIT)


def played(envs, num_steps, seed=0):
    """Observations, rewards and ends of random play, without a reset before it."""
    generator = np.random.default_rng(seed)
    steps = []
    for _ in range(num_steps):
        actions = generator.integers(0, envs.single_action_space.n, envs.num_envs)
        obs, rewards, terminations, truncations, infos = envs.step(actions)
        steps.append((obs.copy(), rewards.copy(), terminations.copy(), truncations.copy(), infos))
    return steps


def is_same(one, other):
    return all(
        np.array_equal(a, b)
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left[:4], right[:4], strict=True)
    )


def test_it_is_a_vector_environment_of_ours_and_its_pictures_are_bytes():
    envs = make_envs(find_env("Pong"), 3, seed=SEED)
    assert isinstance(envs, Envs)
    obs, infos = envs.reset()
    assert obs.dtype == np.uint8
    assert obs.shape == (3, 42, 42, 4) == envs.observation_space.shape
    assert infos == {}
    assert envs.single_action_space.n == 6
    assert obs.max() > 100
    assert envs.sim_state().shape == (3, 0)
    envs.close()


def test_frames_are_stacked_the_oldest_first_and_the_first_of_an_episode_repeats():
    envs = make_envs(short("Pong"), 4, seed=SEED, stagger=True)
    before = envs.reset()[0].copy()
    num_changed = 0
    assert (before[..., :3] == before[..., 3:]).all()
    for obs, _, _, truncated, infos in played(envs, 70):
        goes_on = ~truncated
        assert (obs[goes_on][..., :3] == before[goes_on][..., 1:]).all()
        if truncated.any():  # the last observation of the old episode, and four times the first frame of the new one
            assert (infos["final_obs"][truncated][..., :3] == before[truncated][..., 1:]).all()
            assert (infos["_final_obs"] == truncated).all()
            assert (obs[truncated][..., :3] == obs[truncated][..., 3:]).all()
        num_changed += (obs[..., 3] != before[..., 3]).any()
        before = obs
    assert num_changed > 55
    envs.close()


def test_episodes_have_their_length_to_the_step_and_nothing_terminates_them():
    envs = make_envs(short("Breakout"), 3, seed=SEED, stagger=True)
    envs.reset()
    steps = played(envs, 200)
    assert not np.stack([step[2] for step in steps]).any()
    # the first end after 120 / 3 = 40, 80 and 120 steps, the next ones 120 steps later
    ends = [(step + 1, env) for step, one in enumerate(steps) for env in np.flatnonzero(one[3])]
    assert ends == [(40, 0), (80, 1), (120, 2), (160, 0), (200, 1)]
    assert find_env("Breakout").horizon == 1000
    envs.close()


def test_a_game_that_is_over_begins_anew_and_only_the_true_reward_tells():
    sheet = ATARI["breakout"]
    envs, bare = make_envs(find_env("Breakout"), 2, seed=SEED), open_emulator(sheet, 2, 1, is_grey=True)
    before = envs.reset()[0].copy()
    bare.reset()
    seeds = [reset_seed(SEED, env, 0) for env in (0, 1)]
    games, num_over, generator = [0, 0], 0, np.random.default_rng(0)
    idle = [idle_steps(seed, 0) for seed in seeds]
    for _ in range(600):
        actions = generator.integers(0, 4, 2)
        pressed = [NO_BUTTON if idle[env] else int(actions[env]) for env in (0, 1)]
        idle = [max(0, one - 1) for one in idle]
        _, points, is_over, _, _ = bare.step(np.array(pressed))
        obs, rewards, terminated, _, _ = envs.step(actions)
        assert (rewards == points - sheet.price * is_over).all()
        assert not terminated.any()
        assert (obs[..., :3] == before[..., 1:]).all()  # the stack goes on where a game begins
        for env in np.flatnonzero(is_over):
            games[env] += 1
            num_over += 1
            idle[env] = idle_steps(seeds[env], games[env])
        before = obs.copy()
    assert num_over >= 4
    envs.close()


def test_idle_steps_are_spread_over_what_they_may_be():
    counts = np.bincount([idle_steps(seed, game) for seed in range(200) for game in (0, 1)], minlength=MOST_IDLE + 1)
    # 400 draws of 8 values: 50 of each, with a standard deviation of 6.6
    assert len(counts) == MOST_IDLE + 1
    assert (abs(counts - 50) < 27).all()


def test_results_depend_on_the_seed_and_not_on_threads():
    def rollout(seed, num_threads):
        envs = make_envs(short("Breakout"), 3, seed=seed, num_threads=num_threads, stagger=True)
        envs.reset()
        steps = played(envs, 60)
        envs.close()
        return steps

    one = rollout(SEED, 1)
    assert is_same(one, rollout(SEED, 2))
    assert not is_same(one, rollout(SEED + 1, 1))


@pytest.mark.parametrize("name", ["Pong", "Seaquest"])  # one that forgets by itself, and one that remembers
def test_an_episode_is_a_function_of_its_number_and_of_nothing_before(name):
    spec = short(name)
    seconds = []
    for before in (1, 2):  # two different first episodes, of 60 and 120 steps
        envs = make_envs(spec, 2, seed=SEED, stagger=True)
        envs.reset()
        played(envs, 120, seed=before)
        seconds.append(played(envs, 60, seed=9))
        envs.close()
    first, second = ([(obs[1], rewards[1]) for obs, rewards, *_ in steps] for steps in seconds)  # that begins just now
    assert all((a[0] == b[0]).all() and a[1] == b[1] for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("sheet", ATARI.values(), ids=lambda sheet: sheet.name)
def test_what_a_reset_leaves_in_memory_is_known(sheet):
    game = ALEInterface()
    game.setFloat("repeat_action_probability", 0.0)
    game.loadROM(roms.get_rom_path(sheet.rom))
    buttons, generator = game.getMinimalActionSet(), np.random.default_rng(0)

    def after_reset():
        game.reset_game()
        start = game.getRAM().copy()
        for button in np.random.default_rng(1).integers(0, len(buttons), 40):
            game.act(buttons[button])
        return start.tobytes() + game.getRAM().tobytes()

    fresh, others = after_reset(), []
    for _ in range(8):  # whatever was in memory before, bit for bit
        for byte in range(128):
            game.setRAM(byte, int(generator.integers(256)))
        others.append(after_reset())
    assert any(other != fresh for other in others) == sheet.remembers


@pytest.mark.parametrize(("name", "num_steps"), [("Pong", 0), ("Pong", 50), ("Breakout", 260), ("Seaquest", 50)])
def test_a_snapshot_goes_on_byte_for_byte(name, num_steps):
    spec = dataclasses.replace(find_env(name), horizon=240 if name == "Breakout" else LIMIT)
    envs = make_envs(spec, 3, seed=SEED, stagger=True)
    envs.reset()
    last = played(envs, num_steps)
    if num_steps > 240:  # all are in another episode than their first, and games were over
        assert any(step[3].any() for step in last)
        assert min(step[1].min() for step in last) < 0
    snapshot = envs.snapshot()
    other = make_envs(spec, 3, seed=SEED + 1, num_threads=1)
    obs = other.restore(snapshot)
    assert (obs == snapshot["obs"]).all()
    assert is_same(played(envs, 130, seed=7), played(other, 130, seed=7))
    envs.close()
    other.close()


def test_a_snapshot_before_the_first_reset_and_one_of_another_game():
    envs = make_envs(find_env("Pong"), 2, seed=SEED)
    other = make_envs(find_env("Pong"), 2, seed=SEED + 1)
    other.restore(envs.snapshot())
    assert (envs.reset()[0] == other.reset()[0]).all()
    assert is_same(played(envs, 20), played(other, 20))
    with pytest.raises(CheckpointError, match=r"env 'Pong': 'obs' of the snapshot has shape \(2, 42, 42, 4\)"):
        make_envs(find_env("Pong"), 3, seed=SEED).restore(envs.snapshot())


def test_one_that_goes_elsewhere_is_named():
    envs = make_envs(find_env("Pong"), 2, seed=SEED)
    envs.reset()
    played(envs, 60)
    snapshot = envs.snapshot()
    snapshot["obs"][1, 30, 20, 3] ^= 1
    with pytest.warns(UserWarning, match=r"env 'Pong': .* led elsewhere in environments \[1\] of 2"):
        make_envs(find_env("Pong"), 2, seed=SEED).restore(snapshot)

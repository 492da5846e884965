"""MinAtar's games as endless ones."""

import subprocess
import sys

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.games.minatar_colors import CELL, COLORS
from rl_teacher.envs.games.sheets import MINATAR
from rl_teacher.envs.single import make_single

SEED = 5
NAMES = [sheet.name for sheet in MINATAR.values()]


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_gymnasiums_rules(name):
    check_env(make_single(find_env(f"MinAtar/{name}-v1"), "rgb_array"), skip_render_check=True)


@pytest.mark.parametrize(("name", "planes", "choices"), [
    ("Asterix", 4, 5), ("Breakout", 4, 3), ("Freeway", 7, 3), ("Seaquest", 10, 6), ("SpaceInvaders", 6, 4),
])  # fmt: skip
def test_cells_are_black_or_white_and_a_plane_for_each_kind_of_thing(name, planes, choices):
    envs = make_envs(find_env(f"MinAtar/{name}-v1"), 2, seed=SEED)
    obs, _ = envs.reset()
    assert obs.shape == (2, 10, 10, planes)
    assert envs.single_action_space.n == choices
    for _ in range(50):
        obs, *_ = envs.step(np.zeros(2, int))
        assert set(np.unique(obs)) == {0, 255}
    assert envs.single_observation_space.dtype == np.uint8


def test_a_lost_ball_costs_a_point_and_the_next_game_begins_at_once():
    envs = make_envs(find_env("MinAtar/Breakout-v1"), 1, seed=SEED)
    obs, _ = envs.reset()
    paddle, ball, _, bricks = (obs[0, ..., plane] > 0 for plane in range(4))
    assert (paddle.sum(), ball.sum(), bricks.sum()) == (1, 1, 30)
    assert paddle[9, 4]
    losses = []
    for step in range(1000):
        obs, rewards, terminated, truncated, _ = envs.step(np.zeros(1, int))
        assert not terminated.any()
        assert truncated.any() == (step == 999)
        # A ball falls from row 3 along a diagonal, hits the wall once or not, and meets a paddle that stands still only
        # by luck: that game is over when it is in row 9.
        if rewards[0] < 0:
            losses.append(step)
            assert rewards[0] == -1
            assert (obs[0, ..., 3] > 0).sum() == 30  # all bricks are back
            assert obs[0, 3, [0, 9], 1].max() == 255  # and the ball is where it starts
    assert len(losses) > 60


def test_points_and_prices_add_up_and_freeway_has_no_price():
    for name in NAMES:
        envs = make_envs(find_env(f"MinAtar/{name}-v1"), 2, seed=SEED)
        envs.reset()
        generator, rewards = np.random.default_rng(0), []
        for _ in range(1000):
            rewards.append(envs.step(generator.integers(0, envs.single_action_space.n, 2))[1])
        values = set(np.unique(rewards).tolist())
        assert values <= {-1.0, 0.0, 1.0, *([0.5] if name == "Seaquest" else []), *range(2, 11)}
        assert (-1.0 in values) == (name != "Freeway")


def test_an_episode_is_a_function_of_its_seed_and_the_actions():
    spec = find_env("MinAtar/Seaquest-v1")

    def rollout(env, seed):
        generator = np.random.default_rng(1)
        steps = [env.reset(seed=seed)[0].tobytes()]
        for _ in range(300):
            obs, reward, *_ = env.step(generator.integers(0, 6))
            steps.append(obs.tobytes() + np.float64(reward).tobytes())
        return steps

    used = make_single(spec)
    rollout(used, 8)
    first = rollout(used, 7)
    assert first == rollout(make_single(spec), 7)
    assert first != rollout(make_single(spec), 8)


def test_a_snapshot_goes_on_byte_for_byte():
    spec = find_env("MinAtar/SpaceInvaders-v1")
    envs, other = (make_envs(spec, 3, seed=seed, stagger=True) for seed in (SEED, SEED + 1))
    envs.reset()
    generator = np.random.default_rng(0)
    for _ in range(500):
        envs.step(generator.integers(0, 4, 3))
    assert (other.restore(envs.snapshot()) == envs.snapshot()["obs"]).all()
    for _ in range(600):
        actions = generator.integers(0, 4, 3)
        for one, another in zip(envs.step(actions)[:4], other.step(actions)[:4], strict=True):
            assert (one == another).all()


def test_importing_a_game_loads_no_drawing_library():
    code = (
        "import sys; from rl_teacher.envs.catalog import find_env, make_envs; "
        "make_envs(find_env('MinAtar/Breakout-v1'), 1, seed=1).reset(); "
        "assert not {'seaborn', 'pandas', 'matplotlib', 'jax', 'minatar'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_shows_every_thing_in_a_color_of_its_own(name):
    env = make_single(find_env(f"MinAtar/{name}-v1"), "rgb_array")
    assert make_single(find_env(f"MinAtar/{name}-v1")).render() is None
    obs, _ = env.reset(seed=SEED)
    generator = np.random.default_rng(0)
    for _ in range(60):
        picture = env.render()
        assert picture.shape == (320, 320, 3)
        assert picture.dtype == np.uint8
        middles = picture[CELL // 2 :: CELL, CELL // 2 :: CELL]
        is_dark = (middles == picture[0, 0]).all(-1)
        assert (is_dark == ~(obs > 0).any(-1)).all()  # what is nowhere is dark, and nothing else
        obs, *_ = env.step(generator.integers(0, env.action_space.n))


def test_the_eye_tells_colors_apart_by_their_brightness_where_they_meet():
    # what a player must tell apart at a glance, also in grey
    for one, other in [("gold", "enemy"), ("ball", "brick"), ("chicken", "car"), ("cannon", "alien"),
                       ("enemy_bullet", "friendly_bullet"), ("diver", "enemy_fish"), ("trail", "ball")]:  # fmt: skip
        luma = [np.dot((0.299, 0.587, 0.114), COLORS[name]) for name in (one, other)]
        assert abs(luma[0] - luma[1]) > 30, (one, other, luma)

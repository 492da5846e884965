"""Tasks through gymnasium.make: Gymnasium's own checker, time limits, and pictures."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from rl_teacher.envs.catalog import find_env, make_envs, register, task_ids

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def registered():
    """What importing rl_teacher.envs.register does."""
    register()


def test_gymnasium_finds_the_tasks_by_module_and_id_without_any_import_of_ours():
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('rl_teacher.envs.register:rl_teacher/ShortHopper-v1')\n"
        "print(env.reset(seed=1)[0].shape, env.spec.max_episode_steps)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "(11,) 300"


def test_the_id_that_gymnasium_needs_is_accepted_as_ours():
    spec = find_env("rl_teacher.envs.register:rl_teacher/ShortHopper-v1")
    assert (spec.is_task, spec.canonical_id) == (True, "ShortHopper-v1")


@pytest.mark.filterwarnings("ignore:.*Box observation space m(in|ax)imum value is -?infinity")
@pytest.mark.filterwarnings("ignore:.*we recommend using a symmetric and normalized space")
@pytest.mark.parametrize("task_id", task_ids())
def test_every_task_passes_gymnasiums_checker(task_id):
    env = gymnasium.make(f"rl_teacher/{task_id}")
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_the_limit_is_gymnasiums_and_nothing_terminates():
    env = gymnasium.make("rl_teacher/ShortReacher-v1")
    env.reset(seed=1)
    ends = [env.step(np.zeros(2, np.float32))[2:4] for _ in range(20)]
    assert ends == [(False, False)] * 19 + [(False, True)]


def test_a_single_environment_steps_like_the_batch():
    env = gymnasium.make("rl_teacher/ShortAnt-v1").unwrapped
    env.reset(seed=1)
    seed = int(np.random.Generator(np.random.PCG64(np.random.SeedSequence(1))).integers(2**63))
    envs = make_envs(find_env("ShortAnt-v1"), 1, seed=seed)
    envs.reset()
    for _ in range(5):
        observation, reward, *_ = env.step(np.full(8, 0.5, np.float32))
        observations, rewards, *_ = envs.step(np.full((1, 8), 0.5, np.float32))
        np.testing.assert_array_equal(observation, observations[0])
        assert reward == rewards[0]


def test_make_vec_gives_the_batch():
    envs = gymnasium.make_vec("rl_teacher.envs.register:rl_teacher/ShortReacher-v1", num_envs=3, max_episode_steps=7)
    assert type(envs.unwrapped).__name__ == "BatchedTask"
    first = envs.reset(seed=3)[0].copy()
    np.testing.assert_array_equal(envs.reset(seed=3)[0], first)
    assert [envs.step(np.zeros((3, 2)))[3].all() for _ in range(7)] == [False] * 6 + [True]


def test_without_a_render_mode_there_is_no_picture():
    env = gymnasium.make("rl_teacher/ShortReacher-v1").unwrapped
    env.reset(seed=1)
    assert env.render() is None


@pytest.mark.render
@pytest.mark.parametrize("task_id", [task_id for task_id in task_ids() if task_id.startswith("Short")])
def test_the_robot_is_in_the_middle_of_the_picture_wherever_it_went(task_id):
    from rl_teacher.envs.catalog import find_task
    from rl_teacher.envs.rendering import TaskRenderer

    envs = make_envs(find_env(task_id), 1, seed=1)
    envs.reset()
    here = envs.sim_state()[0].copy()
    task = find_task(task_id)
    with TaskRenderer(task, 96, 80) as renderer:
        picture = renderer.frame(here).astype(int).copy()
        assert picture.shape == (80, 96, 3)
        assert picture.std() > 5
        if task.camera.body is not None:
            there = here.copy()
            there[0] += 400.0  # far beyond the drawn floor; its tiles are 2/3, 4/3 or 8/3 m: a whole number of them
            moved = renderer.frame(there).astype(int)
            assert np.abs(moved - picture).mean() < 0.5


@pytest.mark.render
def test_render_mode_rgb_array_passes_gymnasiums_checker():
    env = gymnasium.make("rl_teacher/ShortHopper-v1", render_mode="rgb_array", width=64, height=48)
    env.reset(seed=1)
    assert env.render().shape == (48, 64, 3)
    env.close()

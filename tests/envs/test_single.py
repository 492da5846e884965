"""Tasks through gymnasium.make: Gymnasium's own checker, time limits, and pictures."""

from importlib.metadata import EntryPoint

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from rl_teacher.envs.catalog import find_env, make_envs, register, task_ids


@pytest.fixture(autouse=True)
def registered():
    """What Gymnasium does at import once the package is installed, by its entry point."""
    register()


def test_the_entry_point_in_pyproject_registers_every_task():
    import tomllib
    from pathlib import Path

    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    ((name, value),) = pyproject["project"]["entry-points"]["gymnasium.envs"].items()
    for task_id in task_ids():
        gymnasium.registry.pop(f"rl_teacher/{task_id}", None)
    with gymnasium.envs.registration.namespace(name):  # as Gymnasium loads it
        EntryPoint(name, value, "gymnasium.envs").load()()
    assert {f"rl_teacher/{task_id}" for task_id in task_ids()} <= set(gymnasium.registry)


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
    envs = gymnasium.make_vec("rl_teacher/ShortReacher-v1", num_envs=3)
    assert type(envs.unwrapped).__name__ == "BatchedTask"
    first = envs.reset(seed=3)[0].copy()
    np.testing.assert_array_equal(envs.reset(seed=3)[0], first)


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

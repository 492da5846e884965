"""Ids: every spelling of the table, and the four rules."""

import subprocess
import sys

import gymnasium
import pytest
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from rl_teacher.core.actions import DiscreteActions
from rl_teacher.envs.catalog import find_env, find_task, make_envs, register, spec_of, task_ids
from rl_teacher.errors import ConfigError, UnknownEnv
from rl_teacher.rollouts.action_space import action_spec

SPELLINGS = {
    "Reacher": ["Reacher"],
    "Hopper": ["Hopper"],
    "Walker": ["Walker", "Walker2d"],
    "HalfCheetah": ["Cheetah", "HalfCheetah"],
    "Swimmer": ["Swimmer"],
    "Ant": ["Ant"],
    "Humanoid": ["Humanoid"],
    "Pendulum": ["Pendulum", "InvertedPendulum"],
    "DoublePendulum": ["DoublePendulum", "InvertedDoublePendulum"],
}
LIMITS = {  # long, short, frames per second of a clip, seconds per step
    "Reacher": (50, 20, 10, 0.02),
    "Hopper": (1000, 300, 40, 0.008),
    "Walker": (1000, 300, 30, 0.008),
    "HalfCheetah": (1000, 300, 20, 0.05),
    "Swimmer": (1000, 300, 40, 0.04),
    "Ant": (1000, 300, 20, 0.05),
    "Humanoid": (1000, 300, 40, 0.015),
    "Pendulum": (25, 25, 10, 0.04),
    "DoublePendulum": (50, 50, 10, 0.05),
}
EVERY_SPELLING = [(spelling, name) for name, spellings in SPELLINGS.items() for spelling in spellings]


@pytest.mark.parametrize(("spelling", "name"), EVERY_SPELLING)
@pytest.mark.parametrize("version", ["", "-v0", "-v1", "-v2", "-v3"])
@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_every_spelling_of_the_table_is_a_task(spelling, name, version, case):
    long, short, fps, dt = LIMITS[name]
    spec = find_env(case(spelling + version))
    assert (spec.canonical_id, spec.horizon, spec.clip_fps) == (f"{name}-v1", long, fps)
    assert spec.dt == pytest.approx(dt)
    assert spec.is_task
    assert spec.is_fixed_horizon
    spec = find_env(case("Short" + spelling + version))
    assert (spec.canonical_id, spec.horizon, spec.env_id) == (
        f"Short{name}-v1",
        short,
        case("Short" + spelling + version),
    )


def test_task_ids_are_the_nine_and_their_short_forms():
    assert sorted(task_ids()) == sorted(f"{short}{name}-v1" for name in SPELLINGS for short in ("", "Short"))
    assert [find_env(task_id).canonical_id for task_id in task_ids()] == task_ids()


def test_rule_1_an_id_with_a_colon_or_slash_is_gymnasiums_as_it_stands():
    spec = find_env("gymnasium:Pendulum-v1")
    assert (spec.is_task, spec.canonical_id, spec.horizon) == (False, "gymnasium:Pendulum-v1", 200)
    assert "gymnasium:Pendulum-v1" in spec.description
    spec = find_env("rl_teacher/ShortHopper-v1")
    assert (spec.is_task, spec.canonical_id) == (True, "ShortHopper-v1")


def test_rule_2_a_leading_short_always_means_a_task():
    assert find_env("ShortHopper-v4").is_task
    with pytest.raises(UnknownEnv, match="ShortCartPole-v1"):
        find_env("ShortCartPole-v1")


def test_rule_3_a_name_of_the_table_is_a_task_only_up_to_version_3():
    assert find_env("Pendulum-v1").canonical_id == "Pendulum-v1"
    assert find_env("Pendulum-v1").is_task
    with pytest.raises(UnknownEnv, match="Pendulum-v4"):
        find_env("Pendulum-v4")


def test_rule_4_all_else_is_gymnasiums():
    spec = find_env("CartPole-v1")
    assert (spec.is_task, spec.horizon, spec.clip_fps, spec.is_fixed_horizon) == (False, 500, 50, False)
    assert find_env("CartPole").canonical_id == "CartPole-v1"


def test_gymnasiums_own_hopper_is_not_the_task():
    pytest.importorskip("imageio", reason="gymnasium[mujoco] is not installed")
    for env_id in ("Hopper-v4", "Hopper-v5"):
        spec = find_env(env_id)
        assert (spec.is_task, spec.canonical_id) == (False, env_id)
        assert "own reward and termination" in spec.description


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("Hoper-v1", "'Hopper-v1'"),
        ("hoper", "'Hopper-v1'"),
        ("ShortHoper-v1", "'ShortHopper-v1'"),
        ("CartPol-v1", "'CartPole-v1'"),
        ("cartpole-v1", "'CartPole-v1'"),
        ("gymnasium:Pendulm-v1", "'Pendulum-v1'"),
        ("rl_teacher/ShortHoper-v1", "'ShortHopper-v1'"),
    ],
)
def test_an_unknown_id_names_close_matches(typo, meant):
    with pytest.raises(UnknownEnv) as caught:
        find_env(typo)
    assert f"'{typo}'" in str(caught.value)
    assert meant in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nonsense_has_no_close_match():
    for nonsense in ("", "xyzzyxyzzy-v1", "a b c", "no/such/env"):
        with pytest.raises(UnknownEnv) as caught:
            find_env(nonsense)
        assert "Did you mean" not in str(caught.value)


def test_a_module_that_cannot_be_imported_is_named():
    with pytest.raises(UnknownEnv, match=r"no_such_module.*PYTHONPATH"):
        find_env("no_such_module:Mine-v0")


def test_the_task_behind_a_spec_has_its_camera():
    assert find_task("ShortHopper-v1").camera.body == "torso"
    with pytest.raises(UnknownEnv, match="ShortHopper-v1"):
        find_task("ShortHoper-v1")


def test_looking_up_a_task_imports_neither_mujoco_nor_gymnasium():
    code = (
        "import sys; from rl_teacher.envs.catalog import find_env, task_ids\n"
        "find_env('ShortHopper-v1'), task_ids()\n"
        "print(sorted({'mujoco', 'gymnasium', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("wrong", [{"num_envs": 0}, {"seed": -1}, {"seed": 2**64}, {"num_threads": -1}])
def test_numbers_out_of_range_are_refused_with_the_value(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"^{name}: got {value}, expected"):
        make_envs(find_env("Hopper"), **{"num_envs": 1, "seed": 1, **wrong})


@pytest.mark.parametrize("task_id", task_ids())
def test_every_task_can_be_built_by_its_id(task_id):
    envs = make_envs(find_env(task_id), 2, seed=1, num_threads=1)
    observations, _ = envs.reset()
    assert observations.shape == envs.observation_space.shape
    envs.close()


class Unregistered(gymnasium.Env):
    """An environment that no id can make."""

    observation_space = gymnasium.spaces.Box(-1, 1, (3,))
    action_space = gymnasium.spaces.Discrete(2)
    metadata = {"render_fps": 50}


@pytest.mark.parametrize(
    ("make", "env_id", "horizon", "fps"),
    [
        (lambda: gymnasium.make("CartPole-v1"), "CartPole-v1", 500, 50),
        (lambda: gymnasium.make("CartPole-v1", max_episode_steps=77), "CartPole-v1", 77, 50),
        (lambda: gymnasium.make_vec("CartPole-v1", 3), "CartPole-v1", 500, 50),
        (lambda: SyncVectorEnv([lambda: TimeLimit(Unregistered(), 12)] * 2), "Unregistered", 12, 50),
        (lambda: TimeLimit(Unregistered(), 12), "Unregistered", 12, 50),
        (Unregistered, "Unregistered", None, 50),
    ],
)
def test_an_environment_that_exists_is_described_without_an_id(make, env_id, horizon, fps):
    env = make()
    spec = spec_of(env)
    assert (spec.env_id, spec.horizon, spec.clip_fps, spec.is_fixed_horizon) == (env_id, horizon, fps, False)
    assert spec_of(env, "mine").env_id == "mine"
    single = getattr(env, "single_action_space", env.action_space)
    observed = getattr(env, "single_observation_space", env.observation_space)
    assert action_spec(env_id, observed, single) == DiscreteActions(2)
    env.close()


@pytest.mark.parametrize("make", [gymnasium.make, lambda env_id: gymnasium.make_vec(env_id, 2)])
def test_a_task_that_exists_is_recognized(make):
    register()
    spec = spec_of(make("rl_teacher/ShortHopper-v1"))
    assert spec.is_task
    assert spec == find_env("rl_teacher/ShortHopper-v1")

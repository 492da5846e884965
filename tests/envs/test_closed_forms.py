"""Rewards and observations against independent arithmetic: the closed forms, on MjData stepped by hand."""

import mujoco
import numpy as np
import pytest

from rl_teacher.envs.catalog import find_env, find_task, make_envs
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.envs.tasks.task import MODELS

SIZES = {"Reacher": 11, "Hopper": 11, "Walker": 17, "HalfCheetah": 17, "Swimmer": 8, "Ant": 27, "Humanoid": 292}
SIZES |= {"Pendulum": 4, "DoublePendulum": 11}
ACTIONS = {"Reacher": (2, 1), "Hopper": (3, 1), "Walker": (6, 1), "HalfCheetah": (6, 1), "Swimmer": (2, 1)}
ACTIONS |= {"Ant": (8, 1), "Humanoid": (17, 0.4), "Pendulum": (1, 3), "DoublePendulum": (1, 1)}


def forwarded(model, sim_state):
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = sim_state[: model.nq], sim_state[model.nq :]
    mujoco.mj_forward(model, data)
    return data


def center_of_mass_x(model, data):
    return (model.body_mass * data.xipos[:, 0]).sum() / model.body_mass.sum()


def steps(env_id, num_steps=40):
    """(model, MjData of env 0 before the step, the same after it, reward) per step; MjData stepped by mj_step."""
    envs = make_envs(find_env(env_id), 2, seed=5, num_threads=1)
    task = find_task(env_id)
    model = load_model(task.model_file)
    envs.reset()
    data = forwarded(model, envs.sim_state()[0])
    rng = np.random.default_rng(1)
    for _ in range(num_steps):
        action = rng.uniform(envs.action_space.low, envs.action_space.high)
        before = mujoco.MjData(model)
        mujoco.mj_copyData(before, model, data)
        data.ctrl[:] = action[0]
        mujoco.mj_step(model, data, nstep=task.frame_skip)
        _, rewards, *_ = envs.step(action)
        yield model, before, data, rewards[0]


@pytest.mark.parametrize("name", SIZES)
def test_sizes_and_bounds_are_those_of_the_table(name):
    envs = make_envs(find_env(name), 1, seed=0)
    size, bound = ACTIONS[name]
    assert envs.single_observation_space.shape == (SIZES[name],)
    assert envs.single_action_space.shape == (size,)
    np.testing.assert_array_equal(envs.single_action_space.high, np.float32(bound))
    np.testing.assert_array_equal(envs.single_action_space.low, -np.float32(bound))


@pytest.mark.parametrize("name", SIZES)
def test_the_data_sheet_agrees_with_the_model(name):
    task = find_task(name)
    model = load_model(task.model_file)
    assert model.opt.timestep == task.timestep
    np.testing.assert_array_equal(model.actuator_ctrlrange[:, 1], [entry.high for entry in task.action])
    np.testing.assert_array_equal(model.actuator_ctrlrange[:, 0], [entry.low for entry in task.action])
    assert model.actuator_ctrllimited.all()  # so MuJoCo clamps by itself
    torques = [f"x {gear:g} N" for gear in model.actuator_gear[:, 0]]
    assert all(entry.unit.startswith(torque) for entry, torque in zip(task.action, torques, strict=True))


def test_walkers_feet_have_the_friction_of_2017():
    model = load_model("walker2d.xml")
    assert model.geom("foot_geom").friction[0] == 0.9
    assert model.geom("foot_left_geom").friction[0] == 1.9


def test_the_models_are_those_of_gymnasium():
    import gymnasium

    theirs = MODELS.__class__(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"
    for model in MODELS.glob("*.xml"):
        assert model.read_bytes() == (theirs / model.name).read_bytes(), model.name


def test_reacher_is_rewarded_for_the_distance_before_the_step():
    for index, (_, before, _, reward) in enumerate(steps("Reacher-v1")):
        q0, q1, *target = before.qpos
        tip = 0.1 * np.cos(q0) + 0.11 * np.cos(q0 + q1), 0.1 * np.sin(q0) + 0.11 * np.sin(q0 + q1)
        distance = np.hypot(tip[0] - target[0], tip[1] - target[1])
        # in the first step the state is forwarded; later, positions are those of the last substep: up to 7e-4 apart
        assert reward == pytest.approx(-distance, abs=1e-12 if index == 0 else 2e-3)


@pytest.mark.parametrize(("name", "bonus"), [("Hopper", 0), ("Walker", 1)])
def test_hopper_and_walker_are_rewarded_for_speed_and_height(name, bonus):
    for _, before, after, reward in steps(name):
        assert reward == pytest.approx((after.qpos[0] - before.qpos[0]) / 0.008 + after.qpos[1] - bonus, abs=1e-12)


@pytest.mark.parametrize(("name", "dt"), [("HalfCheetah", 0.05), ("Swimmer", 0.04)])
def test_half_cheetah_and_swimmer_are_rewarded_for_speed(name, dt):
    for _, before, after, reward in steps(name):
        assert reward == pytest.approx((after.qpos[0] - before.qpos[0]) / dt, abs=1e-12)


def test_ant_is_rewarded_for_speed_of_the_torso_and_height():
    for _, before, after, reward in steps("Ant"):
        velocity = (after.body("torso").xpos[0] - before.body("torso").xpos[0]) / 0.05
        assert reward == pytest.approx(velocity + after.qpos[2] - 1.2, abs=1e-12)


def test_humanoid_is_rewarded_for_speed_of_its_center_of_mass_and_height():
    for model, before, after, reward in steps("Humanoid"):
        velocity = (center_of_mass_x(model, after) - center_of_mass_x(model, before)) / 0.015
        assert reward == pytest.approx(1.25 * velocity + 5 * (after.qpos[2] - 1), abs=1e-10)


def test_pendulum_is_rewarded_for_being_upright():
    for _, _, after, reward in steps("Pendulum", 20):
        assert reward == pytest.approx(1 - after.qpos[1] ** 2, abs=1e-12)


def test_double_pendulum_is_rewarded_for_a_high_and_slow_tip():
    for model, _, after, reward in steps("DoublePendulum"):
        x, y = after.site_xpos[0, 0], after.site_xpos[0, 2]
        speed1, speed2 = after.qvel[1:3]
        expected = 10 * y - 0.01 * x**2 - (y - 2) ** 2 - 1e-3 * speed1**2 - 5e-3 * speed2**2
        assert reward == pytest.approx(expected, abs=1e-12)
        # the tip in closed form, after mj_forward: two poles of 0.6 m
        now = forwarded(model, np.concatenate([after.qpos, after.qvel]))
        q0, q1, q2 = now.qpos
        assert now.site_xpos[0, 2] == pytest.approx(0.6 * np.cos(q1) + 0.6 * np.cos(q1 + q2), abs=1e-12)
        assert now.site_xpos[0, 0] == pytest.approx(q0 + 0.6 * np.sin(q1) + 0.6 * np.sin(q1 + q2), abs=1e-12)


def test_reacher_observes_the_vector_from_target_to_tip_after_a_reset():
    envs = make_envs(find_env("Reacher"), 200, seed=2)
    observations, _ = envs.reset()
    q0, q1, x, y = envs.sim_state()[:, :4].T
    np.testing.assert_allclose(observations[:, 8], 0.1 * np.cos(q0) + 0.11 * np.cos(q0 + q1) - x, atol=1e-7)
    np.testing.assert_allclose(observations[:, 9], 0.1 * np.sin(q0) + 0.11 * np.sin(q0 + q1) - y, atol=1e-7)
    assert (observations[:, 10] == 0).all()
    distance = np.hypot(x, y)
    assert distance.max() < 0.2
    assert (distance > 0.14).mean() == pytest.approx(0.51, abs=0.15)  # uniform in the disk: 1 - 0.7^2 = 0.51
    assert (envs.sim_state()[:, 6:] == 0).all()  # the target stands still


@pytest.mark.parametrize(
    ("name", "position_noise", "velocity_noise", "is_normal"),
    [
        ("Hopper", 0.005, 0.005, False),
        ("Walker", 0.005, 0.005, False),
        ("HalfCheetah", 0.1, 0.1, True),
        ("Swimmer", 0.1, 0.1, False),
        ("Ant", 0.1, 0.1, True),
        ("Humanoid", 0.01, 0.01, False),
        ("Pendulum", 0.01, 0.01, False),
        ("DoublePendulum", 0.1, 0.1, True),
    ],
)
def test_starts_have_the_noise_of_the_table(name, position_noise, velocity_noise, is_normal):
    model = load_model(find_task(name).model_file)
    envs = make_envs(find_env(name), 400, seed=4)
    envs.reset()
    positions = (envs.sim_state()[:, : model.nq] - model.qpos0) / position_noise
    velocities = envs.sim_state()[:, model.nq :] / velocity_noise
    assert np.abs(positions).max() <= 1 + 1e-9
    assert positions.std() == pytest.approx(1 / np.sqrt(3), abs=0.05)  # uniform in [-1, 1]: 0.577
    assert velocities.std() == pytest.approx(1.0 if is_normal else 1 / np.sqrt(3), abs=0.07)
    assert (np.abs(velocities).max() > 1.5) == is_normal

"""BatchedTask: resets, limits, threads, snapshots, and what happens to values that are not finite."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv

from rl_teacher.envs.catalog import find_env, make_envs, task_ids
from rl_teacher.errors import CheckpointError, NotFinite

SHORT_IDS = [task_id for task_id in task_ids() if task_id.startswith("Short")]


def random_actions(envs, num_steps, seed=0):
    rng = np.random.default_rng(seed)
    low, high = envs.action_space.low, envs.action_space.high
    return [rng.uniform(low, high).astype(np.float32) for _ in range(num_steps)]


def record(envs, actions):
    """Bytes of everything that the steps return, and of the simulators' states."""
    out = []
    for action in actions:
        observations, rewards, terminations, truncations, infos = envs.step(action)
        arrays = [observations, rewards, terminations, truncations, envs.sim_state(), *infos.values()]
        out.append(b"".join(array.tobytes() for array in arrays))
    return out


@pytest.mark.parametrize("env_id", SHORT_IDS)
def test_spaces_shapes_and_dtypes_keep_the_vector_contract(env_id):
    envs = make_envs(find_env(env_id), 3, seed=1, num_threads=1, stagger=True)
    assert isinstance(envs, VectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observations, infos = envs.reset(seed=4)
    assert infos == {}
    assert observations.dtype == np.float32
    assert envs.observation_space.contains(observations)
    for action in random_actions(envs, 30):
        assert envs.action_space.contains(action)
        observations, rewards, terminations, truncations, infos = envs.step(action)
        assert envs.observation_space.contains(observations)
        assert (rewards.shape, terminations.shape, truncations.shape) == ((3,), (3,), (3,))
        assert (terminations.dtype, truncations.dtype) == (np.bool_, np.bool_)
        assert ("final_obs" in infos) == truncations.any()
    assert envs.sim_state().dtype == np.float64


@pytest.mark.parametrize("env_id", ["ShortReacher-v1", "ShortPendulum-v1", "Reacher-v1", "ShortHopper-v1"])
def test_every_episode_is_truncated_at_exactly_the_limit_and_never_terminated(env_id):
    spec = find_env(env_id)
    envs = make_envs(spec, 2, seed=1, num_threads=1)
    envs.reset()
    for step, action in enumerate(random_actions(envs, 2 * spec.horizon + 1), start=1):
        _, _, terminations, truncations, _ = envs.step(action)
        assert not terminations.any()
        assert truncations.all() == (step % spec.horizon == 0)
        assert truncations.any() == truncations.all()


def test_a_fallen_hopper_goes_on_to_the_limit():
    envs = make_envs(find_env("ShortHopper-v1"), 1, seed=1, num_threads=1)
    envs.reset()
    heights = []
    for _ in range(299):
        observations, _, terminations, truncations, _ = envs.step(np.ones((1, 3)))
        assert not terminations.any()
        assert not truncations.any()
        heights.append(observations[0, 0])
    assert min(heights) < 0.3  # Gymnasium's own Hopper terminates below 0.7


def test_final_obs_is_before_the_reset_and_obs_after_it():
    envs = make_envs(find_env("ShortReacher-v1"), 2, seed=1, num_threads=1)
    twin = make_envs(find_env("Reacher-v1"), 2, seed=1, num_threads=1)  # the same, but it goes on to step 50
    envs.reset()
    twin.reset()
    for action in random_actions(envs, 20):
        observations, rewards, _, truncations, infos = envs.step(action)
        twin_observations, twin_rewards, *_ = twin.step(action)
        np.testing.assert_array_equal(rewards, twin_rewards)
    assert truncations.all()
    np.testing.assert_array_equal(infos["final_obs"], twin_observations)
    np.testing.assert_array_equal(infos["_final_obs"], [True, True])
    assert (observations != infos["final_obs"]).any(axis=1).all()
    assert np.abs(observations[:, 6:8]).max() <= 0.005  # at rest again


@pytest.mark.parametrize(("num_envs", "first"), [(4, [5, 10, 15, 20]), (3, [7, 14, 20]), (30, None)])
def test_stagger_truncates_first_episodes_evenly_and_later_ones_at_the_limit(num_envs, first):
    # ceil(20 * (i + 1) / 3) = ceil(6.7), ceil(13.3), 20
    envs = make_envs(find_env("ShortReacher-v1"), num_envs, seed=1, num_threads=1, stagger=True)
    for _ in range(2):  # after every reset of all
        envs.reset()
        ends = [[] for _ in range(num_envs)]
        for step in range(1, 61):
            *_, terminations, truncations, _ = envs.step(np.zeros((num_envs, 2)))
            assert not terminations.any()
            for env in np.flatnonzero(truncations):
                ends[env].append(step)
        expected = first or [-(-20 * (env + 1) // num_envs) for env in range(num_envs)]
        assert [end[0] for end in ends] == expected
        assert all(np.diff(end).tolist() == [20] * (len(end) - 1) for end in ends)


@pytest.mark.parametrize("env_id", SHORT_IDS)
def test_same_seed_gives_the_same_bytes_for_1_and_2_threads(env_id):
    results = []
    for num_threads in (1, 2):
        envs = make_envs(find_env(env_id), 5, seed=9, num_threads=num_threads, stagger=True)
        observations, _ = envs.reset()
        results.append([observations.tobytes(), *record(envs, random_actions(envs, 80))])
    assert results[0] == results[1]


def test_other_seeds_and_other_environments_start_elsewhere():
    envs = make_envs(find_env("Hopper"), 4, seed=1)
    starts = [envs.reset()[0].copy(), envs.reset()[0].copy(), envs.reset(seed=2)[0].copy()]
    rows = np.concatenate(starts)
    assert len(np.unique(rows, axis=0)) == 12
    np.testing.assert_array_equal(envs.reset(seed=1)[0], starts[0])  # the first episode of seed 1 again
    np.testing.assert_array_equal(envs.reset()[0], starts[1])


def test_an_environment_does_not_depend_on_how_many_others_there_are():
    few, many = (make_envs(find_env("ShortReacher"), n, seed=3) for n in (2, 5))
    few.reset()
    many.reset()
    for action in random_actions(many, 45):
        ours, rewards, *_ = few.step(action[:2])
        theirs, their_rewards, *_ = many.step(action)
        np.testing.assert_array_equal(ours, theirs[:2])
        np.testing.assert_array_equal(rewards, their_rewards[:2])


@pytest.mark.parametrize("env_id", SHORT_IDS)
def test_resets_of_single_rows_disturb_no_other_row(env_id):
    # env 2 of 3 resets at the limit in both; envs 0 and 1 of the staggered batch restart earlier
    staggered = make_envs(find_env(env_id), 3, seed=3, num_threads=1, stagger=True)
    together = make_envs(find_env(env_id), 3, seed=3, num_threads=1)
    staggered.reset()
    together.reset()
    num_steps = min(120, find_env(env_id).horizon)
    for action in random_actions(staggered, num_steps):
        ours, rewards, *_ = staggered.step(action)
        theirs, their_rewards, *_ = together.step(action)
        np.testing.assert_array_equal(ours[2], theirs[2])
        assert rewards[2] == their_rewards[2]
    assert (staggered.sim_state()[0] != together.sim_state()[0]).any()


@pytest.mark.parametrize("env_id", SHORT_IDS)
def test_a_restored_snapshot_continues_bit_for_bit(env_id):
    envs = make_envs(find_env(env_id), 4, seed=5, num_threads=2, stagger=True)
    envs.reset()
    record(envs, random_actions(envs, 13))
    snapshot = envs.snapshot()
    observations = envs.step(random_actions(envs, 1, seed=8)[0])[0].copy()
    expected = record(envs, random_actions(envs, 90, seed=1))

    other = make_envs(find_env(env_id), 4, seed=77, num_threads=1)
    at_snapshot = other.restore(snapshot)
    np.testing.assert_array_equal(at_snapshot, snapshot["obs"])
    np.testing.assert_array_equal(other.step(random_actions(envs, 1, seed=8)[0])[0], observations)
    assert record(other, random_actions(envs, 90, seed=1)) == expected


def test_a_snapshot_is_arrays_and_not_changed_by_later_steps():
    envs = make_envs(find_env("ShortAnt"), 2, seed=5)
    envs.reset()
    snapshot = envs.snapshot()
    before = {name: array.tobytes() for name, array in snapshot.items()}
    record(envs, random_actions(envs, 3))
    assert {name: array.tobytes() for name, array in snapshot.items()} == before
    assert all(isinstance(array, np.ndarray) and array.dtype != object for array in snapshot.values())


def test_a_snapshot_of_something_else_is_refused():
    snapshot = make_envs(find_env("Hopper"), 4, seed=5).snapshot()
    with pytest.raises(CheckpointError, match=r"'Hopper'.*\(4, .*expected \(5, "):
        make_envs(find_env("Hopper"), 5, seed=5).restore(snapshot)
    with pytest.raises(CheckpointError, match="no array 'memory'"):
        make_envs(find_env("Hopper"), 4, seed=5).restore({"state": snapshot["state"], "warning": snapshot["warning"]})


def test_actions_out_of_bounds_are_clamped():
    wild, tame = (make_envs(find_env("ShortHumanoid"), 2, seed=5, num_threads=1) for _ in range(2))
    wild.reset()
    tame.reset()
    for action in random_actions(wild, 10):
        ours, rewards, *_ = wild.step(10 * action)
        theirs, their_rewards, *_ = tame.step(np.clip(10 * action, -0.4, 0.4))
        np.testing.assert_allclose(ours, theirs, atol=1e-5)  # 0.4 as float32 is not 0.4
        np.testing.assert_allclose(rewards, their_rewards, atol=1e-5)


def test_sim_state_is_qpos_and_qvel_now_and_read_only():
    envs = make_envs(find_env("Hopper"), 2, seed=5)
    observations, _ = envs.reset()
    assert envs.sim_state().shape == (2, 12)
    np.testing.assert_array_equal(envs.sim_state()[:, 1:6].astype(np.float32), observations[:, :5])
    observations, *_ = envs.step(np.ones((2, 3)))
    np.testing.assert_array_equal(envs.sim_state()[:, 1:6].astype(np.float32), observations[:, :5])
    with pytest.raises(ValueError, match="read-only"):
        envs.sim_state()[:] = 0


def test_a_nan_action_is_refused_by_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    envs = make_envs(find_env("ShortHopper"), 3, seed=5)
    envs.reset()
    envs.step(np.zeros((3, 3)))
    action = np.zeros((3, 3))
    action[1, 2] = np.nan
    # the second step of 3 environments: 6 steps in all
    with pytest.raises(NotFinite, match=r"env 'ShortHopper', env 1 of 3, step 6: action\[2\].* is nan\. .*--resume"):
        envs.step(action)
    assert not list(tmp_path.iterdir())  # no MUJOCO_LOG.TXT


@pytest.mark.parametrize("bad", [np.nan, 1e20])
def test_an_unstable_simulation_is_refused_with_mujocos_words(bad, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    envs = make_envs(find_env("ShortHalfCheetah"), 2, seed=5)
    envs.reset()
    snapshot = envs.snapshot()
    snapshot["state"][1, 10:19] = bad  # a row: time, 9 of qpos, 9 of qvel, ...
    envs.restore(snapshot)
    with pytest.raises(NotFinite, match=r"'ShortHalfCheetah', env 1 of 2, step 2: MuJoCo reset.*huge value in QVEL"):
        envs.step(np.zeros((2, 6)))
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def test_misuse_is_refused_with_the_values():
    envs = make_envs(find_env("Hopper"), 2, seed=5)
    with pytest.raises(gymnasium.error.ResetNeeded, match="'Hopper'"):
        envs.step(np.zeros((2, 3)))
    envs.reset()
    with pytest.raises(ValueError, match=r"'Hopper'.*\(3,\).*\(2, 3\)"):
        envs.step(np.zeros(3))

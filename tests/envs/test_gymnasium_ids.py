"""Any Gymnasium id: spaces, resets in the same step, replay of snapshots, and what is refused."""

import sys
from types import ModuleType

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.gymnasium.envs import GymnasiumEnvs
from rl_teacher.errors import CheckpointError, ConfigError, NotFinite, UnknownEnv, UnsupportedSpace


class Counter(gymnasium.Env):
    """Observes how many steps were taken, as (2, 2) float64; terminates when `ends_after` were."""

    observation_space = Box(-np.inf, np.inf, (2, 2), np.float64)
    action_space = Discrete(3, start=5)

    def __init__(self, ends_after=4, bad_step=None, noise=False):
        self.ends_after, self.bad_step, self.noise = ends_after, bad_step, noise
        self.num_steps = 0
        self.actions = []

    def observation(self):
        value = np.nan if self.num_steps == self.bad_step else float(self.num_steps)
        if self.noise:
            value += np.random.default_rng().random()  # not from its seed
        return np.full((2, 2), value)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.num_steps = 0
        return self.observation(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.actions.append(int(action))
        self.num_steps += 1
        return self.observation(), float(action), self.num_steps == self.ends_after, False, {"secret": 1}


class Pixels(Counter):
    observation_space = Box(0, 255, (4, 4, 3), np.uint8)

    def observation(self):
        return np.full((4, 4, 3), self.num_steps, np.uint8)


class ManyActions(Counter):
    action_space = MultiDiscrete([2, 3])


@pytest.fixture
def registered(monkeypatch):
    """A module `my_envs` that registers the environments above, as a user's would."""
    ids = {"Counter-v0": Counter, "Pixels-v0": Pixels, "ManyActions-v0": ManyActions}
    monkeypatch.setitem(sys.modules, "my_envs", ModuleType("my_envs"))
    for env_id, made_by in ids.items():
        gymnasium.register(env_id, entry_point=made_by, max_episode_steps=10)
    yield
    for env_id in ids:
        del gymnasium.registry[env_id]


def record(envs, num_steps, seed=0):
    rng = np.random.default_rng(seed)
    space = envs.single_action_space
    out = []
    for _ in range(num_steps):
        if isinstance(space, Discrete):
            action = space.start + rng.integers(space.n, size=envs.num_envs)
        else:
            action = rng.uniform(envs.action_space.low, envs.action_space.high).astype(np.float32)
        observations, rewards, terminations, truncations, infos = envs.step(action)
        arrays = [observations, rewards, terminations, truncations, envs.sim_state(), *infos.values()]
        out.append(b"".join(array.tobytes() for array in arrays))
    return out


@pytest.mark.parametrize("env_id", ["CartPole-v1", "gymnasium:Pendulum-v1", "Acrobot-v1"])
def test_spaces_shapes_and_dtypes_keep_the_vector_contract(env_id):
    envs = make_envs(find_env(env_id), 3, seed=1)
    assert isinstance(envs, VectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observations, infos = envs.reset(seed=2)
    assert infos == {}
    assert observations.dtype == np.float32
    envs.action_space.seed(0)
    for _ in range(100):
        assert envs.observation_space.contains(observations)
        observations, rewards, terminations, truncations, infos = envs.step(envs.action_space.sample())
        assert (rewards.shape, terminations.dtype, truncations.dtype) == ((3,), np.bool_, np.bool_)
        assert ("final_obs" in infos) == (terminations | truncations).any()
    assert envs.sim_state().shape == (3, 0)
    envs.close()


@pytest.mark.parametrize(
    ("env_id", "num_steps"),
    [("CartPole-v1", 57), ("gymnasium:Pendulum-v1", 90), ("LunarLander-v3", 130), ("Hopper-v5", 40)],
)
def test_a_restored_snapshot_continues_bit_for_bit(env_id, num_steps):
    if env_id == "LunarLander-v3":
        pytest.importorskip("Box2D", reason="gymnasium[box2d] is not installed")
    if env_id == "Hopper-v5":
        pytest.importorskip("imageio", reason="gymnasium[mujoco] is not installed")
    envs = make_envs(find_env(env_id), 3, seed=5, stagger=True)
    envs.reset()
    record(envs, num_steps)
    snapshot = envs.snapshot()
    assert all(array.dtype != object for array in snapshot.values())
    expected = record(envs, 250, seed=1)
    other = make_envs(find_env(env_id), 3, seed=77)
    np.testing.assert_array_equal(other.restore(snapshot), snapshot["obs"])
    assert record(other, 250, seed=1) == expected
    np.testing.assert_array_equal(envs.restore(snapshot), snapshot["obs"])  # also into itself, far ahead
    assert record(envs, 250, seed=1) == expected


def test_a_snapshot_from_before_the_first_reset_can_be_restored():
    envs = make_envs(find_env("CartPole-v1"), 2, seed=5)
    snapshot = envs.snapshot()
    start = envs.reset()[0].copy()
    record(envs, 5)
    envs.restore(snapshot)
    np.testing.assert_array_equal(envs.reset()[0], start)


def test_same_seed_same_episodes_and_reset_goes_on_to_the_next():
    envs = make_envs(find_env("CartPole-v1"), 4, seed=1)
    starts = [envs.reset()[0].copy(), envs.reset()[0].copy(), envs.reset(seed=2)[0].copy()]
    assert len(np.unique(np.concatenate(starts), axis=0)) == 12
    np.testing.assert_array_equal(envs.reset(seed=1)[0], starts[0])
    np.testing.assert_array_equal(make_envs(find_env("CartPole-v1"), 4, seed=1).reset()[0], starts[0])


def test_terminations_restart_in_the_same_step_with_the_last_observation_kept(registered):
    envs = make_envs(find_env("my_envs:Counter-v0"), 2, seed=1)
    observations, _ = envs.reset()
    assert observations.shape == (2, 2, 2)
    assert envs.single_observation_space == Box(-np.inf, np.inf, (2, 2), np.float32)
    for step in range(1, 9):
        observations, rewards, terminations, truncations, infos = envs.step(np.array([5, 7]))
        np.testing.assert_array_equal(rewards, [5, 7])  # this space counts from 5
        assert not truncations.any()
        assert terminations.all() == (step % 4 == 0)
        assert observations[0, 0, 0] == step % 4
        if step % 4 == 0:
            assert infos["final_obs"].dtype == np.float32
            assert (infos["final_obs"] == 4).all()
        else:
            assert infos == {}


def test_stagger_truncates_first_episodes_early(registered):
    # ceil(10 * (i + 1) / 5) = 2, 4, 6, 8, 10; but this env terminates after 4: also where both coincide
    envs = make_envs(find_env("my_envs:Counter-v0"), 5, seed=1, stagger=True)
    envs.reset()
    ends = {}
    for step in range(1, 5):
        _, _, terminations, truncations, _ = envs.step(np.full(5, 5))
        ends[step] = (np.flatnonzero(terminations).tolist(), np.flatnonzero(truncations).tolist())
    assert ends == {1: ([], []), 2: ([], [0]), 3: ([], []), 4: ([1, 2, 3, 4], [])}


def test_pixels_stay_bytes(registered):
    envs = make_envs(find_env("my_envs:Pixels-v0"), 2, seed=1)
    observations, _ = envs.reset()
    assert (observations.shape, observations.dtype) == ((2, 4, 4, 3), np.uint8)
    assert envs.step(np.full(2, 5))[0].max() == 1


def test_spaces_that_cannot_be_learned_from_are_named(registered):
    with pytest.raises(UnsupportedSpace, match=r"'my_envs:ManyActions-v0'.*MultiDiscrete\(\[2 3\]\)"):
        make_envs(find_env("my_envs:ManyActions-v0"), 2, seed=1)
    with pytest.raises(UnsupportedSpace, match=r"'FrozenLake-v1'.*Discrete\(16\).*FlattenObservation"):
        make_envs(find_env("FrozenLake-v1"), 2, seed=1)
    with pytest.raises(UnsupportedSpace, match=r"'Blackjack-v1'.*Tuple"):
        make_envs(find_env("Blackjack-v1"), 2, seed=1)


def test_a_nan_observation_is_refused_by_place(registered):
    gymnasium.register("Bad-v0", entry_point=lambda: Counter(bad_step=3), max_episode_steps=10)
    envs = GymnasiumEnvs("Bad-v0", 2, seed=1)
    envs.reset()
    envs.step(np.full(2, 5))
    envs.step(np.full(2, 5))
    # the third step of 2 environments: 6 steps in all
    with pytest.raises(NotFinite, match=r"env 'Bad-v0', env 0 of 2, step 6: observation\[0, 0\] is nan"):
        envs.step(np.full(2, 5))
    del gymnasium.registry["Bad-v0"]


def test_an_environment_that_is_not_deterministic_warns_and_goes_on(registered):
    gymnasium.register("Noisy-v0", entry_point=lambda: Counter(noise=True), max_episode_steps=10)
    envs = GymnasiumEnvs("Noisy-v0", 2, seed=1)
    envs.reset()
    envs.step(np.full(2, 5))
    snapshot = envs.snapshot()
    other = GymnasiumEnvs("Noisy-v0", 2, seed=1)
    with pytest.warns(UserWarning, match=r"'Noisy-v0' is not deterministic.*\[0, 1\] of 2"):
        observations = other.restore(snapshot)
    assert (np.floor(observations) == 1).all()
    other.step(np.full(2, 5))
    del gymnasium.registry["Noisy-v0"]


def test_misuse_is_refused_with_the_values():
    envs = make_envs(find_env("CartPole-v1"), 2, seed=1)
    with pytest.raises(gymnasium.error.ResetNeeded, match="CartPole-v1"):
        envs.step(np.zeros(2, int))
    envs.reset()
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        envs.step(np.zeros(3, int))
    with pytest.raises(CheckpointError, match=r"'CartPole-v1'.*\(2, 4\).*\(3, 4\)"):
        make_envs(find_env("CartPole-v1"), 3, seed=1).restore(envs.snapshot())


def test_a_missing_package_is_named(registered, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio", None)  # as if it were not installed

    def made():
        import imageio  # noqa: F401

    gymnasium.register("Needy-v0", entry_point=made)
    with pytest.raises(ConfigError, match=r"'Needy-v0' needs a package.*imageio.*gymnasium\[mujoco\]"):
        GymnasiumEnvs("Needy-v0", 1, seed=1)
    del gymnasium.registry["Needy-v0"]


@pytest.mark.parametrize(
    ("env_id", "instead"),
    [
        ("./pub_envs:Base-v0", "pub_envs:Base-v0"),
        ("../folder/my-envs.py:Base-v0", "my_envs:Base-v0"),
        ("/abs/pub_envs:Base-v0", "pub_envs:Base-v0"),
        ("..:Base-v0", "my_envs:Base-v0"),
        (":Base-v0", "my_envs:Base-v0"),
        ("a..b:Base-v0", "a__b:Base-v0"),
    ],
)
def test_a_path_in_place_of_a_module_says_how_to_write_it(env_id, instead):
    with pytest.raises(UnknownEnv, match="is no module name") as error:
        find_env(env_id)
    assert f"'{instead}'" in str(error.value)

"""RLlib on a learned reward. It pins a Gymnasium of its own, so `make test-plug` runs this in an environment apart."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.env.single_agent_episode import SingleAgentEpisode

from rl_teacher.errors import ConfigError
from rl_teacher.integrations import saved
from rl_teacher.integrations.rllib import PreferenceReward
from rl_teacher.integrations.rllib_env import ROW, BlindEnv, MakeBlind
from rl_teacher.rewards.portable import load_reward
from tests.programs import example

CANARY = 31_337.25


class Canary(gymnasium.Env):
    """Walks on a line for 20 steps; its reward and its infos hold a number that appears nowhere else."""

    metadata = {"render_modes": [], "render_fps": 10}

    def __init__(self, env_config: Any = None) -> None:
        self.observation_space = spaces.Box(-10, 10, (2,), np.float32)
        self.action_space = spaces.Box(-3, 3, (1,), np.float32)

    def _seen(self) -> tuple[np.ndarray, dict[str, Any]]:
        self._tells = CANARY + self._place
        return np.array([self._place, self._time / 20], np.float32), {"tells": self._tells}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._place, self._time = float(self.np_random.uniform(-1, 1)), 0
        return self._seen()

    def step(self, action: np.ndarray) -> Any:
        assert self.action_space.contains(np.asarray(action, np.float32))
        self._place, self._time = float(np.clip(self._place + 0.1 * action[0], -9, 9)), self._time + 1
        obs, info = self._seen()
        return obs, self._tells, False, self._time >= 20, info


def quiet(line: str) -> None:
    """Say nothing."""


def taught(
    tmp_path: Path, make: Any = Canary, *, labels: int = 12, steps: int = 2000, **others: Any
) -> PreferenceReward:
    settings = {"num_envs": 2, "teacher": "oracle", "seed": 1, "log": quiet, **others}
    return PreferenceReward(
        "x", make, labels=labels, steps=steps, runs_dir=str(tmp_path / "runs"), tb_dir=str(tmp_path / "tb"), **settings
    )


class Spy(ConnectorV2):
    """Keeps what comes after the learned rewards in the learner's pipeline."""

    seen: list[Any] = []

    def __call__(self, *, batch: Any, episodes: Any, **others: Any) -> Any:
        self.seen += copy.deepcopy(episodes)
        return batch


class WithSpy:
    def __init__(self, connector: Any) -> None:
        self.connector = connector

    def __call__(self, *spaces: Any) -> Any:
        return [self.connector(*spaces), Spy(*spaces[:2])]

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def ppo(reward: PreferenceReward, **runners: Any) -> Any:
    Spy.seen = []
    config = PPOConfig().environment(reward.env).debugging(seed=1, log_level="ERROR")
    config.env_runners(**{"num_env_runners": 0, "num_envs_per_env_runner": 2, "rollout_fragment_length": 55, **runners})
    config.learners(num_learners=0, learner_connector=WithSpy(reward.connector))
    config.training(train_batch_size=110, minibatch_size=55, num_epochs=1)
    return config.build_algo()


def holds_canary(value: Any) -> bool:
    return any(
        bool((np.abs(np.asarray(leaf, np.float64)) > CANARY / 2).any()) for leaf in leaves(value)
    )  # of lists and dicts too


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in leaves(one)]
    if isinstance(value, list | tuple):
        return [leaf for one in value for leaf in leaves(one)]
    return [value] if isinstance(value, float | np.ndarray | np.floating) and np.size(value) else []


def test_the_learner_sees_the_learned_reward_and_nothing_else(tmp_path: Path) -> None:
    with taught(tmp_path, fixed_length=True, steps=5000) as reward:
        algorithm = ppo(reward)
        algorithm.train()
        Spy.seen.clear()
        results = [algorithm.train()]  # with a turn: all of the batch has the newest reward
        assert len(Spy.seen) > 3
        for episode in Spy.seen:
            state = episode.get_state()
            assert not holds_canary([state["observations"], state["actions"], state["rewards"]])
            assert not any(episode.infos.data)
            pay = reward.training.paid_by
            assert pay is not None
            # RLlib's actions are within +-1 before they are scaled to the environment's bounds of 3.
            obs = episode.get_observations(slice(0, -2))
            action = 3 * np.clip(episode.get_actions(slice(0, -1)), -1, 1)
            expected = pay.factor * pay.reward(obs, action)
            np.testing.assert_allclose(episode.get_rewards(slice(0, -1)), expected, rtol=1e-3, atol=1e-4)
            assert episode.get_rewards(-1) == 0
        assert reward.returns["true_return"] > CANARY
        learned = results[-1]["learners"]["preferences"]
        assert learned["true_return"] == pytest.approx(reward.returns["true_return"], rel=1e-4)
        assert learned["predicted_return"] == pytest.approx(reward.returns["predicted_return"], rel=1e-3, abs=1e-3)
        results[-1]["learners"].pop("preferences")
        assert not holds_canary(results[-1])
        reward.training.learner.fit = lambda *_: None  # type: ignore[method-assign]  # closing changes nothing
        algorithm.stop()
    finished = load_reward(tmp_path / "runs" / "x" / "reward")
    np.testing.assert_array_equal(finished(obs, action), pay.reward(obs, action))


def test_steps_are_recorded_as_the_environments_made_them(tmp_path: Path) -> None:
    with taught(tmp_path, steps=10**6) as reward:
        algorithm = ppo(reward)
        for _ in range(2):
            algorithm.train()
        rounds = reward.training.recent(10**6)
        algorithm.stop()
    for env in range(2):
        steps = [round(20 * float(one.obs[env, 1])) for one in rounds]
        assert steps[:45] == [*range(20), *range(20), *range(5)]  # also from one batch into the next
        for one in rounds:
            place = np.clip(one.obs[env, 0] + 0.1 * one.env_action[env, 0], -9, 9)
            np.testing.assert_allclose(one.next_obs[env, 0], place, atol=1e-5)
            np.testing.assert_allclose(one.true_reward[env], CANARY + place, rtol=1e-5)
        assert [bool(one.truncated[env]) for one in rounds] == [step == 19 for step in steps]  # time limits are no ends
        assert not any(one.terminated[env] for one in rounds)


def test_the_budget_is_met_exactly_and_a_resumed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "SECONDS_BETWEEN", 0.0)
    with taught(tmp_path, labels=24, steps=400) as reward:
        algorithm = ppo(reward)
        algorithm.train()
        algorithm.stop()
        reward.training.close = lambda: None  # type: ignore[method-assign]  # stopped before its end
        reward.training._reporter.close()
        reward.training._lock.close()
        labels, steps = reward.training.learner.dataset.num_labels, reward.training.steps
    assert labels < 24
    with taught(tmp_path, labels=24, steps=400, resume=True) as reward:
        assert (reward.training.steps, reward.training.learner.dataset.num_labels) == (steps, labels)
        algorithm = ppo(reward)
        while reward.training.steps < 400:
            algorithm.train()
        algorithm.stop()
    assert json.loads((tmp_path / "runs" / "x" / "summary.json").read_text())["labels"] == 24


def test_steps_that_come_again_are_refused(tmp_path: Path) -> None:
    with taught(tmp_path, steps=10**6) as reward:
        chunk = reward.take(episode(7), 0)
        reward.observe([chunk])
        with pytest.raises(ConfigError, match="came a second time"):
            reward.observe([chunk])


def episode(steps: int, env: Any = None) -> SingleAgentEpisode:
    """An episode as an env runner makes it."""
    env = env or MakeBlind(Canary, "Canary", ())({})
    found = SingleAgentEpisode()
    obs, info = env.reset(seed=1)
    found.add_env_reset(obs, info)
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
        found.add_env_step(obs, env.action_space.sample(), reward, info, terminated=terminated, truncated=truncated)
    return found


def test_a_reset_in_the_middle_of_an_episode_ends_nothing(tmp_path: Path) -> None:
    with taught(tmp_path, num_envs=1, steps=10**6) as reward:
        env = MakeBlind(Canary, "Canary", ())({})
        reward.observe([reward.take(episode(7, env), 0), reward.take(episode(20, env), 0)])
        truncated = [bool(one.truncated[0]) for one in reward.training.recent(100)]
    assert truncated == [False] * 6 + [True] + [False] * 19 + [True]


def test_more_environments_than_announced_are_refused(tmp_path: Path) -> None:
    with taught(tmp_path, num_envs=1, steps=10**6) as reward:
        chunks = [reward.take(episode(5), 0) for _ in range(2)]
        with pytest.raises(ConfigError, match="more than num_envs=1"):
            reward.observe(chunks)


def test_an_environment_that_comes_anew_takes_the_place_of_one_that_went(tmp_path: Path) -> None:
    with taught(tmp_path, num_envs=1, steps=10**6) as reward:
        reward.observe([reward.take(episode(5), 0)])
        reward.observe([reward.take(episode(5), 0)])
        assert [bool(one.truncated[0]) for one in reward.training.recent(100)] == [False] * 4 + [True] + [False] * 5


def test_fewer_environments_than_announced_are_named(tmp_path: Path) -> None:
    with taught(tmp_path, num_envs=3, steps=100) as reward:
        env = MakeBlind(Canary, "Canary", ())({})
        chunks = [reward.take(episode(20, env), 0) for _ in range(3)]
        with pytest.raises(ConfigError, match="steps of 1 environments came, expected num_envs=3"):
            reward.observe(chunks)


def test_another_environment_is_refused(tmp_path: Path) -> None:
    with taught(tmp_path, num_envs=1, steps=10**6) as reward:
        other = episode(5, Canary())
        with pytest.raises(ConfigError, match=r"environment\(taught.env\)"):
            reward.take(other, 0)


def test_the_blind_environment_shows_no_reward() -> None:
    env = BlindEnv(Canary(), "Canary", ("tells",))
    env.reset(seed=1)
    _, reward, _, _, info = env.step(np.zeros(1, np.float32))
    assert reward == 0
    assert info.keys() == {ROW, "tells"}


def test_a_learner_in_another_process_is_refused(tmp_path: Path) -> None:
    with taught(tmp_path, steps=10**6) as reward:
        elsewhere = pickle.loads(pickle.dumps(reward.connector))
    with pytest.raises(ConfigError, match="num_learners=0"):
        elsewhere(None, None)


def test_the_example_learns_to_balance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    returns = example("rllib_ppo").train("x", steps=10_000, labels=30).returns
    summary = json.loads((tmp_path / "rl-teacher" / "runs" / "x" / "summary.json").read_text())
    assert summary["labels"] == 30
    assert returns["true_return"] > 40  # a random agent stands for 22 steps

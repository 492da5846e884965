"""TorchRL on a learned reward."""

import itertools
import json
import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.envs import EnvBase, GymEnv, GymWrapper, RewardSum, SerialEnv, StepCounter, TransformedEnv
from torchrl.envs.transforms import ObservationNorm
from torchrl.envs.utils import check_env_specs, step_mdp

from rl_teacher.errors import CheckpointError, ConfigError, UnsupportedSpace
from rl_teacher.integrations import saved
from rl_teacher.integrations.torchrl import PreferenceReward
from rl_teacher.rewards.portable import load_reward
from tests.programs import example

CANARY = 31_337.25


def quiet(line: str) -> None:
    """Say nothing."""


def taught(tmp_path: Path, env: EnvBase, *, labels: int = 12, steps: int = 1000, **others: Any) -> PreferenceReward:
    settings = {"teacher": "oracle", "seed": 1, "log": quiet, **others}
    return PreferenceReward(
        "x", env, labels=labels, steps=steps, runs_dir=str(tmp_path / "runs"), tb_dir=str(tmp_path / "tb"), **settings
    )


def summary(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "runs" / "x" / "summary.json").read_text())
    return found


class Canary(gymnasium.Env):
    """Walks on a line for 20 steps; its reward and its infos hold a number that appears nowhere else."""

    metadata = {"render_modes": [], "render_fps": 10}

    def __init__(self, limit: int = 20) -> None:
        self.observation_space = spaces.Box(-10, 10, (2,), np.float32)
        self.action_space = spaces.Box(-2, 2, (1,), np.float32)
        self._limit = limit

    def _seen(self) -> tuple[np.ndarray, dict[str, Any]]:
        self._tells = CANARY + self._place
        return np.float32([self._place, self._time / self._limit]), {"tells": np.float32([self._tells])}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._place, self._time = float(self.np_random.uniform(-1, 1)), 0
        return self._seen()

    def step(self, action: np.ndarray) -> Any:
        self._place, self._time = float(np.clip(self._place + 0.1 * action[0], -9, 9)), self._time + 1
        obs, info = self._seen()
        return obs, self._tells, False, self._time >= self._limit, info


def canary_env() -> GymWrapper:
    return GymWrapper(Canary()).auto_register_info_dict()


def walk(env: EnvBase, steps: int) -> Any:
    return env.rollout(steps, break_when_any_done=False)


@pytest.fixture(scope="module")
def cart(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with taught(tmp_path_factory.mktemp("cart"), SerialEnv(2, lambda: GymEnv("CartPole-v1")), steps=10**6) as reward:
        yield reward


def test_the_specs_are_those_of_what_is_collected(cart: PreferenceReward) -> None:
    check_env_specs(cart.env)


def test_nothing_that_is_collected_tells_the_true_reward(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), fixed_length=True) as reward:
        assert "tells" in reward.env.base_env.observation_spec
        assert "tells" not in reward.env.observation_spec
        seen = list(Collector(reward.env, None, frames_per_batch=100, total_frames=300))
        for data in seen:
            reward.update(data)
            for value in data.values(True, True):
                if isinstance(value, torch.Tensor) and value.is_floating_point():
                    assert not (value > CANARY / 2).any()
    assert reward.returns["true_return"] > CANARY


def test_only_keys_that_were_asked_for_stay(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), keep_keys=["tells"]) as reward:
        assert "tells" in walk(reward.env, 2)["next"]


def test_what_is_collected_is_paid_as_the_finished_reward_pays(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), fixed_length=True, steps=10**6) as reward:
        data = walk(reward.env, 50)
        reward.training.learner.fit = lambda *_: None  # type: ignore[method-assign]  # closing changes nothing
    loaded = load_reward(tmp_path / "runs" / "x" / "reward")
    expected = loaded(data["observation"].numpy(), data["action"].numpy())
    np.testing.assert_allclose(data["next", "reward"].squeeze(-1).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_choices_are_paid_as_the_finished_reward_pays(cart: PreferenceReward) -> None:
    data = walk(cart.env, 60)
    pay = cart.training.paid_by
    assert pay is not None
    expected = pay.factor * pay.reward(
        data["observation"].numpy(), data["action"].argmax(-1).numpy(),
        next_obs=data["next", "observation"].numpy(), terminated=data["next", "terminated"].squeeze(-1).numpy(),
    )  # fmt: skip
    np.testing.assert_allclose(data["next", "reward"].squeeze(-1).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_drawn_steps_have_the_newest_reward(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), labels=40, steps=300) as reward:
        reward.update()  # so that turns are taken nowhere else
        buffer = TensorDictReplayBuffer(
            storage=LazyTensorStorage(200), transform=reward.relabel, batch_size=64, pin_memory=False
        )
        buffer.extend(walk(reward.env, 100))
        old = reward.training.paid_by
        reward.update()
        new = reward.training.paid_by
        assert new is not None
        assert new is not old
        drawn = buffer.sample()
        expected = new.factor * new.reward(drawn["observation"].numpy(), drawn["action"].numpy())
        paid = drawn["next", "reward"].squeeze(-1).numpy()
        if not new.shows_ends:
            np.testing.assert_allclose(paid, expected, rtol=1e-5, atol=1e-5)
        assert old is not None
        before = old(
            drawn["observation"].numpy(), reward.training.actions.from_env(drawn["action"].numpy()),
            drawn["next", "observation"].numpy(), drawn["next", "terminated"].squeeze(-1).numpy(),
        )  # fmt: skip
        assert np.abs(paid - before).max() > 1e-4


def test_an_update_gives_the_batch_one_reward(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), labels=40, steps=300) as reward:
        reward.update()
        first = walk(reward.env, 100)
        old = first["next", "reward"].clone()
        data = reward.update(first)
        again = reward.relabel(first.clone())
    assert not torch.equal(data["next", "reward"], old)
    torch.testing.assert_close(data["next", "reward"], again["next", "reward"])


def test_a_time_limit_is_no_end(tmp_path: Path) -> None:
    with taught(tmp_path, TransformedEnv(GymEnv("CartPole-v1"), StepCounter(5)), clip_length=0.06) as reward:
        assert reward.training.spec.horizon == 5
        walk(reward.env, 12)
        rounds = reward.training.recent(12)
    assert [bool(one.truncated[0]) for one in rounds] == [False, False, False, False, True] * 2 + [False, False]
    assert not any(one.terminated[0] for one in rounds)


def test_a_reset_from_outside_ends_no_episode(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), steps=10**6) as reward:
        walk(reward.env, 7)
        walk(reward.env, 3)
        rounds = reward.training.recent(10)
        assert [bool(one.truncated[0]) for one in rounds] == [False] * 6 + [True] + [False] * 3
        # Each step goes on from where the one before led, but after the reset.
        for before, after in itertools.pairwise(rounds):
            assert np.array_equal(before.next_obs, after.obs) != bool(before.truncated[0])


def test_only_environments_that_ended_begin_anew(tmp_path: Path) -> None:
    with taught(tmp_path, SerialEnv(3, lambda: GymEnv("CartPole-v1")), steps=10**6) as reward:
        data = walk(reward.env, 80)
        rounds = reward.training.recent(80)
    np.testing.assert_array_equal(np.stack([one.obs for one in rounds], 1), data["observation"].numpy())
    np.testing.assert_array_equal(np.stack([one.terminated for one in rounds], 1), data["next", "terminated"][..., 0])
    np.testing.assert_array_equal(np.stack([one.true_reward for one in rounds], 1), np.ones((3, 80)))


def test_the_budget_is_met_exactly_and_a_resumed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "SECONDS_BETWEEN", 0.0)
    with taught(tmp_path, canary_env(), labels=24, steps=400) as reward:
        for data in Collector(reward.env, None, frames_per_batch=90, total_frames=180):
            reward.update(data)
        reward.training.close = lambda: None  # type: ignore[method-assign]  # stopped before its end
        reward.training._reporter.close()
        reward.training._lock.close()
        labels = reward.training.learner.dataset.num_labels
    assert labels < 24
    with taught(tmp_path, canary_env(), labels=24, steps=400, resume=True) as reward:
        assert reward.training.steps == 180
        assert reward.training.learner.dataset.num_labels == labels
        for data in Collector(reward.env, None, frames_per_batch=90, total_frames=180):
            reward.update(data)
    assert summary(tmp_path)["labels"] == 24


def test_without_update_turns_are_taken_while_collecting(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), labels=40, steps=400) as reward:
        walk(reward.env, 300)
        assert reward.training.iteration > 1
        assert reward.training.learner.dataset.num_labels > 10


def test_transforms_around_it_change_nothing_of_what_is_taught(tmp_path: Path) -> None:
    with taught(tmp_path, canary_env(), steps=400) as reward:
        reward.update()
        around = TransformedEnv(reward.env, ObservationNorm(loc=5.0, scale=3.0, in_keys=["observation"]))
        around = TransformedEnv(around, RewardSum(), auto_unwrap=True)
        data = walk(around, 30)
        rounds = reward.training.recent(30)
        np.testing.assert_allclose(np.stack([one.obs[0] for one in rounds]) * 3 + 5, data["observation"], rtol=1e-5)
        assert "episode_reward" in data["next"]
        with pytest.raises(ConfigError, match="writes over 'observation'"):
            reward.relabel(data)


def refused(env: EnvBase, tmp_path: Path) -> str:
    with pytest.raises((ConfigError, UnsupportedSpace)) as found:
        taught(tmp_path, env)
    return str(found.value)


def test_sums_of_the_true_reward_are_refused(tmp_path: Path) -> None:
    assert "TransformedEnv(taught.env, RewardSum())" in refused(TransformedEnv(canary_env(), RewardSum()), tmp_path)


def test_an_observation_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no observation 'state', expected one of"):
        taught(tmp_path, canary_env(), observation="state")


def test_it_cannot_be_sent_to_other_processes(cart: PreferenceReward) -> None:
    with pytest.raises(CheckpointError, match="cannot be pickled"):
        pickle.dumps(cart.env.transform)


def test_n_step_sums_are_refused(cart: PreferenceReward) -> None:
    data = walk(cart.env, 4)
    data["next", "steps_to_next_obs"] = torch.ones(2, 4, 1)
    with pytest.raises(ConfigError, match="sums over several steps"):
        cart.relabel(data)


def test_steps_by_hand_are_paid_too(cart: PreferenceReward) -> None:
    stepped = cart.env.rand_step(cart.env.reset())
    assert stepped["next", "reward"].shape == (2, 1)
    assert cart.env.step(cart.env.rand_action(step_mdp(stepped)))["next", "reward"].dtype == torch.float32


def test_the_example_learns_to_balance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.manual_seed(0)
    returns = example("torchrl_loop").train("x", steps=10_000, labels=30).returns
    found = json.loads((tmp_path / "rl-teacher" / "runs" / "x" / "summary.json").read_text())
    assert found["labels"] == 30
    assert returns["true_return"] > 35  # a random agent stands for 22 steps

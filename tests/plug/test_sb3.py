"""Stable-Baselines3 on a learned reward: blind, exact in its budget, right in its buffers, and resumable."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.wrappers import TimeLimit
from sb3_contrib import TQC, TRPO, MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3, HerReplayBuffer
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import NStepReplayBuffer, RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from rl_teacher import load_reward
from rl_teacher.errors import CheckpointError, ConfigError, RunExists
from rl_teacher.integrations.sb3 import PreferenceReward
from rl_teacher.integrations.sb3_buffers import PreferenceHerReplayBuffer, rescore_rollout, stored_rewards
from rl_teacher.teachers.scripted import SegmentView
from tests.plug.goal_env import CANARY, Reach, Telltale, holds_canary

Make = Callable[..., PreferenceReward]


@pytest.fixture
def taught(tmp_path: Path) -> Make:
    """Makes a reward of 12 labels in a folder of its own."""

    def make(venv: VecEnv, *, name: str = "x", steps: int = 600, labels: int = 12, **others: Any) -> PreferenceReward:
        folders = {"runs_dir": str(tmp_path / "runs"), "tb_dir": str(tmp_path / "tb")}
        return PreferenceReward(name, venv, labels=labels, steps=steps, log=lambda line: None, **folders, **others)

    return make


def telltale(is_discrete: bool, num_envs: int = 2) -> VecEnv:
    return make_vec_env(lambda: TimeLimit(Telltale(is_discrete), 20), num_envs, seed=1)


ON_POLICY = [
    ("PPO", partial(PPO, "MlpPolicy", n_steps=50, batch_size=50, n_epochs=1), False),
    ("A2C", partial(A2C, "MlpPolicy", n_steps=20), True),
    ("TRPO", partial(TRPO, "MlpPolicy", n_steps=50, batch_size=50, n_critic_updates=1), False),
    ("RecurrentPPO", partial(RecurrentPPO, "MlpLstmPolicy", n_steps=50, batch_size=50, n_epochs=1), True),
    ("MaskablePPO", partial(MaskablePPO, "MlpPolicy", n_steps=50, batch_size=50, n_epochs=1), True),
]
SLOW_START = {"learning_starts": 100, "train_freq": 20, "gradient_steps": 2, "batch_size": 32, "buffer_size": 1000}
OFF_POLICY = [
    ("SAC", partial(SAC, "MlpPolicy", **SLOW_START), False),
    ("TD3", partial(TD3, "MlpPolicy", **SLOW_START), False),
    ("TQC", partial(TQC, "MlpPolicy", **SLOW_START), False),
    ("DQN", partial(DQN, "MlpPolicy", **SLOW_START), True),
    (
        "SAC of several steps",
        partial(SAC, "MlpPolicy", replay_buffer_class=NStepReplayBuffer, **SLOW_START),
        False,
    ),
]
ALL = ON_POLICY + OFF_POLICY


class Logged(KVWriter):
    """Keeps what a logger wrote."""

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}

    def write(self, key_values: dict[str, Any], key_excluded: Any, step: int = 0) -> None:
        for name, value in key_values.items():
            self.values.setdefault(name, []).append(value)

    def close(self) -> None:
        """Nothing is open."""


class Watch(BaseCallback):
    """Looks at all that an algorithm has in its hands after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.num_steps = 0

    def _on_step(self) -> bool:
        self.num_steps += 1
        for name in ("rewards", "infos"):
            assert not holds_canary(self.locals[name]), name
        return True

    def _on_rollout_end(self) -> None:
        for buffer in (getattr(self.model, name, None) for name in ("rollout_buffer", "replay_buffer")):
            if buffer is not None:
                held = {k: v for k, v in vars(buffer).items() if isinstance(v, np.ndarray | dict | list)}
                for name, values in held.items():
                    assert not holds_canary(values), name
        assert not holds_canary(list(self.model.ep_info_buffer))


@pytest.mark.parametrize(("make", "is_discrete"), [a[1:] for a in ALL], ids=[a[0] for a in ALL])
def test_nothing_tells_an_agent_of_the_true_reward(
    taught: Make, make: Callable[..., BaseAlgorithm], is_discrete: bool
) -> None:
    watch, logged = Watch(), Logged()
    with taught(telltale(is_discrete)) as one:
        model = make(env=one.venv, seed=1, policy_kwargs={"net_arch": [8]})
        model.set_logger(Logger(None, [logged]))
        model.learn(600, callback=[one.callback, watch], log_interval=1)
        before = one.training.learner.dataset.num_answered
    assert watch.num_steps >= 300
    assert {name for name, values in logged.values.items() if holds_canary(values)} <= {"preferences/true_return"}
    assert not np.isnan(logged.values["preferences/true_return"][-1])
    assert logged.values["rollout/ep_rew_mean"]  # predicted
    assert before == one.training.learner.dataset.num_labels == 12


@pytest.mark.parametrize(("make", "is_discrete"), [a[1:] for a in OFF_POLICY], ids=[a[0] for a in OFF_POLICY])
def test_a_replay_buffer_holds_the_newest_reward(
    taught: Make, make: Callable[..., BaseAlgorithm], is_discrete: bool
) -> None:
    with taught(telltale(is_discrete)) as one:
        model = make(env=one.venv, seed=1, policy_kwargs={"net_arch": [8]})
        first = one.training.paid_by
        model.learn(600, callback=one.callback)
        buffer: Any = model.replay_buffer  # type: ignore[attr-defined]
        stored = buffer.rewards[: buffer.pos]
        newest = stored_rewards(buffer, (np.arange(buffer.pos),), one.training, one.venv.flatten)
        assert one.training.paid_by is not first
        np.testing.assert_allclose(stored, newest, atol=1e-5)
        assert stored.std() > 0


def test_a_rollout_has_the_advantages_of_the_newest_reward() -> None:
    rng = np.random.default_rng(0)
    space, action = gymnasium.spaces.Box(-1, 1, (1,)), gymnasium.spaces.Discrete(2)
    buffers = [RolloutBuffer(6, space, action, "cpu", gae_lambda=0.9, gamma=0.8, n_envs=3) for _ in range(2)]
    old, new, values = rng.normal(size=(3, 6, 3)).astype(np.float32)
    starts = rng.random((6, 3)) < 0.3
    last_values, dones = torch.tensor(rng.normal(size=(3, 1))), np.array([True, False, False])
    for buffer, rewards in zip(buffers, (old, new), strict=True):
        for t in range(6):
            row = (np.zeros((3, 1)), np.zeros((3, 1)), rewards[t], starts[t])
            buffer.add(*row, torch.tensor(values[t]), torch.zeros(3))
        buffer.compute_returns_and_advantage(last_values, dones)
    rescore_rollout(buffers[0], new - old, dones.astype(np.float32))
    for name in ("rewards", "advantages", "returns"):
        np.testing.assert_allclose(getattr(buffers[0], name), getattr(buffers[1], name), atol=1e-5)


class Compare(BaseCallback):
    """The rollout buffer after each turn against advantages computed anew."""

    def __init__(self, one: PreferenceReward) -> None:
        super().__init__()
        self.one, self.num_new, self.paid_by = one, 0, one.training.paid_by

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer = self.model.rollout_buffer  # type: ignore[attr-defined]
        is_new, self.paid_by = self.one.training.paid_by is not self.paid_by, self.one.training.paid_by
        self.num_new += is_new
        kept = buffer.advantages.copy()
        buffer.compute_returns_and_advantage(self.locals["values"], self.locals["dones"])
        np.testing.assert_allclose(buffer.advantages, kept, atol=2e-4)


def test_a_rollout_of_ppo_is_scored_by_the_newest_reward(taught: Make) -> None:
    with taught(telltale(False), labels=20) as one:
        compare = Compare(one)
        PPO("MlpPolicy", one.venv, n_steps=50, batch_size=50, n_epochs=1, seed=1).learn(
            600, callback=[one.callback, compare]
        )
        assert compare.num_new >= 1


def test_hindsight_replay_uses_the_learned_reward(taught: Make) -> None:
    venv = make_vec_env(lambda: TimeLimit(Reach(), 20), 2, seed=1)
    with taught(venv, steps=400) as one:
        kind: Any = {"replay_buffer_class": PreferenceHerReplayBuffer, "policy_kwargs": {"net_arch": [8]}}
        model = SAC("MultiInputPolicy", one.venv, seed=1, **SLOW_START, **kind)
        model.learn(400, callback=[one.callback, Watch()])
        buffer: Any = model.replay_buffer
        sample = buffer.sample(64)
        assert not holds_canary(sample.rewards.numpy())
        invented = {name: values.numpy() for name, values in sample.observations.items()}
        after = {name: values.numpy() for name, values in sample.next_observations.items()}
        action = one.training.actions.clamp(sample.actions.numpy())
        flatten = one.venv.flatten
        no = np.zeros(64, bool)
        expected = one.training.score(flatten(invented), action, flatten(after), no)
        np.testing.assert_allclose(sample.rewards.numpy()[:, 0], expected, atol=1e-5)


def test_hindsight_replay_that_asks_the_environment_is_refused(taught: Make) -> None:
    venv = make_vec_env(lambda: TimeLimit(Reach(), 20), 1, seed=1)
    with taught(venv) as one:
        kind: Any = {"replay_buffer_class": HerReplayBuffer, "policy_kwargs": {"net_arch": [8]}}
        model = SAC("MultiInputPolicy", one.venv, **SLOW_START, **kind)
        with pytest.raises(ConfigError, match="PreferenceHerReplayBuffer"):
            model.learn(200, callback=one.callback)


def test_normalization_goes_around_and_not_inside(taught: Make) -> None:
    with pytest.raises(ConfigError, match=r"VecNormalize\(taught.venv\)"):
        taught(VecNormalize(telltale(False)))
    with taught(telltale(False)) as one:
        env = VecNormalize(one.venv)
        model = SAC("MlpPolicy", env, seed=1, policy_kwargs={"net_arch": [8]}, **SLOW_START)
        model.learn(300, callback=[one.callback, Watch()])
        assert not holds_canary(env.get_original_reward())


@pytest.mark.parametrize("given", [gymnasium.make("CartPole-v1"), "CartPole-v1"])
def test_what_is_no_vector_environment_is_refused(taught: Make, given: Any) -> None:
    with pytest.raises(ConfigError, match="expected a VecEnv of Stable-Baselines3"):
        taught(given)


def test_a_forgotten_callback_is_noticed(taught: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rl_teacher.integrations.sb3.WITHOUT_CALLBACK", 100)
    with taught(telltale(False)) as one, pytest.raises(ConfigError, match=r"callback=taught\.callback"):
        PPO("MlpPolicy", one.venv, n_steps=100, batch_size=50).learn(400)


def test_a_model_in_other_environments_is_refused(taught: Make) -> None:
    with taught(telltale(False)) as one, pytest.raises(ConfigError, match=r"PPO\(policy, taught.venv\)"):
        PPO("MlpPolicy", telltale(False), n_steps=100, batch_size=50).learn(200, callback=one.callback)


def test_the_budget_is_met_where_steps_are_no_multiple_of_anything(taught: Make) -> None:
    with taught(telltale(False), steps=613, labels=17) as one:
        SAC("MlpPolicy", one.venv, learning_starts=500, train_freq=7, buffer_size=1000).learn(
            613, callback=one.callback
        )
    assert one.training.learner.dataset.num_labels == 17


def prefer_right(left: SegmentView, right: SegmentView) -> str:
    gap = float(left.observations[:, 0].mean() - right.observations[:, 0].mean())
    return "left" if gap > 0 else "right"


def test_a_function_is_a_teacher(taught: Make) -> None:
    with taught(telltale(False), teacher=prefer_right) as one:
        PPO("MlpPolicy", one.venv, n_steps=50, batch_size=50, seed=1).learn(600, callback=one.callback)
    labels = [json.loads(line) for line in (one.training.folder / "labels.jsonl").read_text().splitlines()]
    assert {label["labeler"] for label in labels} == {"scripted:tests.plug.test_sb3.prefer_right"}


@pytest.mark.parametrize("is_saved", [True, False], ids=["saved last", "killed later"])
def test_a_stopped_training_goes_on(
    taught: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_saved: bool
) -> None:
    monkeypatch.setattr("rl_teacher.training.checkpointing.CHECKPOINT_SECONDS", float("inf"))
    one = taught(telltale(False), steps=1200)
    model = PPO("MlpPolicy", one.venv, n_steps=50, batch_size=50, seed=1)
    model.learn(600, callback=one.callback)
    model.save(tmp_path / "agent")
    if is_saved:  # else the newest checkpoint is that before training
        one.training._save(at_once=True)
    answered, folder = one.training.learner.dataset.num_labels, one.training.folder
    assert answered > 6
    one.training._reporter.close()
    one.training._lock.close()  # as if the process had been killed: nothing else is done in order
    with pytest.raises(RunExists):
        taught(telltale(False), steps=1200)
    with taught(telltale(False), steps=1200, resume=True) as two:
        assert two.training.steps == (600 if is_saved else 0)
        assert two.training.learner.dataset.num_labels == answered < 12  # none is lost
        if is_saved:
            rows = np.linspace(-1, 1, 12).reshape(6, 2).astype(np.float32)
            probe = (rows, np.zeros((6, 1), np.float32), rows, np.zeros(6, bool))
            np.testing.assert_array_equal(two.training.score(*probe), one.training.score(*probe))
        again = PPO.load(tmp_path / "agent", env=two.venv)
        again.learn(600 if is_saved else 1200, callback=two.callback, reset_num_timesteps=False)
    assert two.training.learner.dataset.num_labels == 12
    lines = (folder / "labels.jsonl").read_text().splitlines()
    assert len({json.loads(line)["comparison"] for line in lines}) == len(lines) == 12


def test_an_error_in_the_loop_leaves_the_budget_for_later(taught: Make) -> None:
    with pytest.raises(ZeroDivisionError), taught(telltale(False)) as one:
        _ = 1 / 0
    assert one.training.learner.dataset.num_answered == 6  # those before training
    with taught(telltale(False), resume=True) as two:
        assert two.training.has_begun
    assert two.training.learner.dataset.num_answered == 12


def test_the_same_seed_teaches_the_same(taught: Make) -> None:
    written = []
    for name in ("a", "b"):
        with taught(telltale(False), name=name) as one:
            PPO("MlpPolicy", one.venv, n_steps=50, batch_size=50, seed=1).learn(600, callback=one.callback)
        written.append((one.training.folder / "labels.jsonl").read_bytes())
        written.append(load_reward(one.training.folder / "reward").version.encode())
    assert written[:2] == written[2:]


def test_a_finished_reward_is_the_one_that_paid_last(taught: Make) -> None:
    with taught(make_vec_env("Pendulum-v1", 2, seed=1), steps=600) as one:  # bounds of 2, not 1
        PPO("MlpPolicy", one.venv, n_steps=50, batch_size=50, seed=1).learn(600, callback=one.callback)
        one.venv.reset()
        obs = one.venv._obs
        action = np.array([[1.9], [-0.4]], np.float32)
        after, reward, _, _ = one.venv.step(action)
    loaded, pay = load_reward(one.training.folder / "reward"), one.training.paid_by
    assert pay is not None
    worth = loaded(obs, action, next_obs=after, terminated=np.zeros(2, bool))
    np.testing.assert_allclose(worth * pay.factor, reward, atol=1e-5)


def test_models_save_and_rewards_in_training_do_not(taught: Make, tmp_path: Path) -> None:
    with taught(telltale(False)) as one:
        model = PPO("MlpPolicy", one.venv, n_steps=50, batch_size=50)
        model.learn(100, callback=one.callback)
        model.save(tmp_path / "agent")
        for what in (one.training, one.venv, one.callback):
            with pytest.raises(CheckpointError, match="load_reward"):
                what.__getstate__()


def test_action_masks_pass_through(taught: Make) -> None:
    with taught(telltale(True)) as one:
        assert get_action_masks(one.venv).shape == (2, 3)


def test_the_canary_would_be_found() -> None:
    assert holds_canary({"a": [np.array([0.0, -3 * CANARY])]})
    assert not holds_canary({"a": [np.array([0.0, 17.0])], "b": "text", "c": True})

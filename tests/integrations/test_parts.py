"""What integrations share: settings, observations as arrays, and the size of what is paid."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.actions import DiscreteActions
from rl_teacher.core.arrays import Rollout
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError, NotFinite, UnsupportedSpace
from rl_teacher.integrations.gymnasium import PreferenceReward
from rl_teacher.integrations.observations import Flattener
from rl_teacher.integrations.pay import Pay, Turn
from rl_teacher.integrations.settings import settings, turn_steps, with_length
from rl_teacher.rewards.baselines import ConstantReward
from rl_teacher.rewards.export import FrameSpec, to_portable

SPEC = find_env("CartPole-v1")


def test_settings_are_those_of_a_run() -> None:
    config, _ = settings("x", SPEC, "somebody's", labels=40, steps=1000, teacher="mistake", seed=7)
    assert (config.agent, config.teacher, config.n_labels, config.num_timesteps) == ("somebody's", "mistake", 40, 1000)
    assert (config.predictor, config.seed, config.pretrain_labels) == ("synth", 7, 20)
    assert config.clip_length == 64 / 50  # at most 64 steps where episodes can end, of 50 a second
    people, _ = settings("x", SPEC, "somebody's", labels=40, steps=1000, teacher="people")
    assert people.predictor == "human"


def test_a_function_is_known_by_its_name() -> None:
    config, _ = settings("x", SPEC, "a", labels=4, steps=100, teacher=lambda left, right: "tie")
    assert config.teacher == f"{__name__}.test_a_function_is_known_by_its_name.<locals>.<lambda>"


def test_unknown_settings_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="'label_budget' is no setting"):
        settings("x", SPEC, "a", labels=4, steps=100, teacher="oracle", label_budget=4)
    with pytest.raises(ConfigError, match="--teacher"):
        settings("x", SPEC, "a", labels=4, steps=100, teacher="orakel")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"labels": 5.5}, "labels: got 5.5, expected int"),
        ({"labels": True}, "labels: got True, expected int"),
        ({"steps": "100"}, "steps: got '100', expected int"),
        ({"name": 7}, "name: got 7, expected str"),
        ({"teacher": None}, "teacher: got None, expected a name"),
        ({"reward": "ensemble"}, "reward: got 'ensemble', expected RewardModelConfig"),
        ({"human": None}, "human: got None, expected HumanConfig"),
        ({"clip_length": "1"}, "clip_length: got '1', expected float or None"),
        ({"resume": 1}, "resume: got 1, expected bool"),
    ],
)
def test_what_is_no_value_of_a_setting_is_refused_by_its_name(wrong: dict[str, Any], said: str) -> None:
    given = {"name": "x", "labels": 4, "steps": 100, "teacher": "oracle"} | wrong
    with pytest.raises(ConfigError) as refused:
        settings(given.pop("name"), SPEC, "a", **given)
    assert said in str(refused.value)


def test_whole_numbers_may_be_written_as_floats() -> None:
    config, _ = settings("x", SPEC, "a", labels=4, steps=2e5, teacher="oracle", clip_length=1)  # type: ignore[arg-type]
    assert config.num_timesteps == 200_000


def test_a_training_has_fifty_turns_of_at_most_4096_steps() -> None:
    assert [turn_steps(steps) for steps in (10, 1000, 200_000, 5_000_000)] == [1, 20, 4000, 4096]


def test_length_of_episodes_is_what_the_user_says() -> None:
    assert with_length(SPEC, None) is SPEC
    assert with_length(SPEC, True).is_fixed_horizon


def test_a_box_stays_as_it_is_and_is_copied() -> None:
    space, seen = spaces.Box(0, 255, (2, 2), np.uint8), np.ones((5, 2, 2), np.uint8)
    flatten = Flattener("x", space)
    assert flatten.space is space
    found = flatten(seen)
    assert found is not seen
    np.testing.assert_array_equal(found, seen)


@pytest.mark.parametrize(
    ("space", "seen", "expected"),
    [
        (spaces.Discrete(3, start=2), np.array([2, 4]), [[1, 0, 0], [0, 0, 1]]),
        (spaces.MultiBinary(2), np.array([[0, 1], [1, 1]], np.int8), [[0, 1], [1, 1]]),
        (spaces.MultiDiscrete([2, 3]), np.array([[1, 0], [0, 2]]), [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]),
    ],
)
def test_choices_become_one_hot(space: spaces.Space[Any], seen: np.ndarray, expected: list[list[int]]) -> None:
    flatten = Flattener("x", space)
    np.testing.assert_array_equal(flatten(seen), expected)
    np.testing.assert_array_equal(flatten.one(seen[0]), expected[0])
    assert flatten.space.contains(flatten.one(seen[0]))
    np.testing.assert_array_equal(flatten(seen[None], num_axes=2), [expected])


def test_what_has_no_numbers_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedSpace, match="a Dict with a Text"):
        Flattener("x", spaces.Dict(a=spaces.Text(3)))
    with pytest.raises(UnsupportedSpace, match="observations are Sequence"):
        Flattener("x", spaces.Sequence(spaces.Discrete(2)))


def rollout_of(num_steps: int) -> Rollout:
    shape = (num_steps, 1)
    zeros, no = np.zeros((*shape, 2), np.float32), np.zeros(shape, bool)
    return Rollout(
        obs=zeros, action=zeros, last_obs=zeros[-1], final_obs=zeros, terminated=no, truncated=no,
        counted=~no, reward_action=zeros, env_action=zeros, true_reward=np.zeros(shape, np.float32),
        sim_state=np.zeros((*shape, 0)), episode=np.zeros(shape, np.int64), episode_step=np.zeros(shape, np.int64),
    )  # fmt: skip


def test_what_is_paid_has_mean_square_1_where_episodes_can_end() -> None:
    frames = FrameSpec("x", (2,), DiscreteActions(2), ("a", "b", "c", "d"))
    reward = to_portable(ConstantReward.build(RewardModelConfig()), frames, labels=1)
    assert reward is not None
    pay = Pay(reward, 0.25, shows_ends=True)
    rollout = rollout_of(5)
    assert pay(rollout.obs, rollout.reward_action, rollout.obs, rollout.terminated).tolist() == [[0.25]] * 5
    assert pay.sized(rollout).factor == 1.0  # whatever the factor was, the constant reward of 1 is paid as 1
    assert Pay(reward, 1.0, shows_ends=False).sized(rollout).factor == 1.0
    assert Turn(pay, pay.sized(rollout)).is_new
    assert not Turn(pay, pay).is_new


@pytest.mark.parametrize(("obs", "reward"), [(np.nan, 0.0), (0.0, np.inf), (1e20, 0.0)])
def test_what_nothing_can_learn_from_is_refused_where_it_enters(obs: float, reward: float, tmp_path: Path) -> None:
    class Odd(gymnasium.Wrapper[Any, Any, Any, Any]):
        """Strange in its 400th step."""

        num_steps = 0

        def step(self, action: Any) -> Any:
            self.num_steps += 1
            seen, paid, *rest = self.env.step(action)
            is_odd = self.num_steps == 400
            return (seen + obs if is_odd else seen, paid + reward if is_odd else paid, *rest)

    folders = {"runs_dir": str(tmp_path), "tb_dir": str(tmp_path / "tb")}
    with pytest.raises(NotFinite, match="env 'CartPole-v1', env 0 of 1, step"):
        PreferenceReward(Odd(gymnasium.make("CartPole-v1")), "x", labels=8, steps=500, log=lambda line: None, **folders)

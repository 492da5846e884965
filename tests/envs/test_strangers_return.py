"""Environments of strangers: whatever one returns, the run trains, or ends with one clear line."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box

from rl_teacher.envs.catalog import find_env, make_envs
from tests.envs.stranger import (
    ID,
    Refusal,
    Stranger,
    Unspeakable,
    at_step,
    refused,
    registered,
    teach,
    trained,
)


class WithoutSeed(Stranger):
    def reset(self) -> Any:  # type: ignore[override]
        return super().reset()


OLD: dict[str, tuple[Any, str]] = {
    "only the observation": ({"reset": lambda env: env.observation()}, r"reset\(\) returned an array of float32"),
    "a list of numbers": ({"reset": lambda env: [0.0, 0.0, 0.0]}, r"reset\(\) returned 3 values, expected 2"),
    "nothing": ({"reset": lambda env: None}, r"reset\(\) returned None \(NoneType\), expected 2 values"),
    "done": (
        {"step": lambda env: (env.observation(), 1.0, False, {})},
        r"step \d+: step\(\) returned 4 values, expected 5",
    ),
    "nothing of a step": ({"step": lambda env: None}, r"step\(\) returned None"),
    "a dict of a step": ({"step": lambda env: dict.fromkeys("abcde", 1)}, r"step\(\) returned \{.*\(dict\)"),
    "a word of five letters": ({"step": lambda env: "abcde"}, r"step\(\) returned 'abcde' \(str\)"),
}


@pytest.mark.parametrize("kind", OLD)
def test_the_api_before_gymnasium_is_told_what_is_asked_for(tmp_path: Path, capsys: Refusal, kind: str) -> None:
    does, expected = OLD[kind]
    with registered(**does):
        assert teach(tmp_path) == 2
    said = refused(capsys)
    assert re.search(expected, said), said
    assert "Gymnasium asks for" in said


def test_a_reset_without_seed_is_told_what_is_asked_for(tmp_path: Path, capsys: Refusal) -> None:
    with registered(lambda: WithoutSeed()):  # Gymnasium 1.2 takes the property `metadata` of a class for the metadata
        assert teach(tmp_path) == 2
    said = refused(capsys)
    assert "unexpected keyword argument 'seed'" in said
    assert "reset(*, seed=None, options=None) that returns (observation, info)" in said


ODD_OBSERVATIONS = {
    "shape": (np.zeros(4, np.float32), r"has shape \(4,\), its space has \(3,\)"),
    "axes": (np.zeros((1, 3), np.float32), r"has shape \(1, 3\)"),
    "none": (None, r"is None \(NoneType\), expected numbers"),
    "dict": ({"x": 1.0}, r"is \{'x': 1\.0\} \(dict\), expected numbers"),
    "ragged": ([[1.0], [2.0, 3.0], [4.0]], "which is no array"),
    "words": (np.array(["a", "b", "c"]), "expected numbers"),
    "complex": (np.full(3, 1j), "expected numbers"),
    "unspeakable": (Unspeakable(), "is a Unspeakable, which is no array"),
    "one number": (1.0, r"has shape \(\)"),
    "nothing": ([], r"has shape \(0,\)"),
}


@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("kind", ODD_OBSERVATIONS)
def test_an_observation_that_does_not_fit_its_space_is_named(
    tmp_path: Path, capsys: Refusal, kind: str, number: int
) -> None:
    odd, expected = ODD_OBSERVATIONS[kind]
    if kind == "complex" and number:
        pytest.skip("an array of the right shape is taken unseen in a step; numpy warns of the part that it drops")
    with registered(observation=at_step(number, odd, np.zeros(3, np.float32))):
        assert teach(tmp_path) == 2
    said = refused(capsys)
    assert said.startswith(f"EnvFault: env '{ID}', env ")
    assert re.search(f"the observation .*{expected}", said), said


TAKEN = {
    "list": [0.5, 1, 2],
    "tuple": (0.5, 1, 2),
    "float16": np.array([0.5, 1, 2], np.float16),
    "float64": np.array([0.5, 1, 2]),
    "bool": np.array([True, False, True]),
    "int64": np.array([1, 2, 3]),
    "objects": np.array([0.5, 1, 2], object),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_an_observation_of_another_type_is_taken_as_the_numbers_it_is(kind: str) -> None:
    with registered(observation=TAKEN[kind]):
        envs = make_envs(find_env(ID), 2, seed=1)
        assert envs.reset()[0].dtype == np.float32
        seen = envs.step(np.zeros((2, 2), np.float32))[0]
        np.testing.assert_array_equal(seen, np.tile(np.array(TAKEN[kind], np.float32), (2, 1)))


@pytest.mark.parametrize(
    ("odd", "is_taken"),
    [
        (np.array([0, 128, 255]), True), (np.array([1.0, 2.0, 255.0]), True), (np.array([0.5, 0, 0]), False),
        (np.array([0, 0, 256]), False), (np.array([-1, 0, 0]), False), (np.array([np.nan, 0, 0]), False),
    ],
)  # fmt: skip
def test_a_space_of_bytes_takes_nothing_else(tmp_path: Path, capsys: Refusal, odd: Any, is_taken: bool) -> None:
    # 0.5 as a byte is 0, 256 is 0 and -1 is 255: an agent would learn from what never happened
    bytes_of_three = Box(0, 255, (3,), np.uint8)
    usual = np.zeros(3, np.uint8)
    with registered(observation_space=bytes_of_three, observation=at_step(3, odd, usual)):
        assert teach(tmp_path) == (0 if is_taken else 2)
    if not is_taken:
        assert "beyond whole numbers 0 to 255, its space is of uint8" in refused(capsys)


REWARDS = {
    "none": (None, "EnvFault", "the reward is None"),
    "word": ("1.0", "EnvFault", r"the reward is '1\.0' \(str\)"),
    "two": (np.ones(2), "EnvFault", r"the reward is an array of float64 and shape \(2,\)"),
    "empty": ([], "EnvFault", r"the reward is \[\]"),
    "dict": ({"a": 1}, "EnvFault", "the reward is"),
    "complex": (1j, "EnvFault", "the reward is 1j"),
    "unspeakable": (Unspeakable(), "EnvFault", "the reward is a Unspeakable"),
    "nan": (float("nan"), "NotFinite", r"env 0 of 2, step \d+: reward is nan"),
    "1e300": (1e300, "NotFinite", r"reward is 1e\+300, whose square float32 cannot add up"),
    "10**400": (10**400, "NotFinite", "reward is inf"),
}


@pytest.mark.parametrize("kind", REWARDS)
def test_a_reward_that_is_no_number_is_named(tmp_path: Path, capsys: Refusal, kind: str) -> None:
    odd, error, expected = REWARDS[kind]
    with registered(reward=at_step(4, odd, 1.0)):
        assert teach(tmp_path) == 2
    said = refused(capsys)
    assert said.startswith(f"{error}: ")
    assert re.search(expected, said), said
    with registered():
        assert teach(tmp_path, "--resume") == 0


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (np.array([2.5]), 2.5), (np.array([[2.5]], np.float32), 2.5), ([2.5], 2.5), (np.array(2), 2.0), (True, 1.0),
        (np.float16(0.5), 0.5), (np.uint8(200), 200.0),
    ],
)  # fmt: skip
def test_a_reward_that_holds_one_number_is_that_number(given: Any, taken: float) -> None:
    with registered(reward=given):
        envs = make_envs(find_env(ID), 2, seed=1)
        envs.reset()
        assert envs.step(np.zeros((2, 2), np.float32))[1].tolist() == [taken, taken]


@pytest.mark.parametrize("flag", ["terminated", "truncated"])
@pytest.mark.parametrize("odd", [None, "yes", 2, -1, 0.5, float("nan"), np.array([True, False]), {}, Unspeakable()])
def test_a_flag_that_is_neither_true_nor_false_is_named(tmp_path: Path, capsys: Refusal, flag: str, odd: Any) -> None:
    with registered(**{flag: at_step(2, odd, False)}):
        assert teach(tmp_path, "-p", "rl") == 2
    assert re.search(rf"EnvFault: .*step \d: {flag} is .*, expected True or False", refused(capsys))


@pytest.mark.parametrize("yes", [1, 1.0, np.bool_(True), np.array([True]), np.array(1), [True], np.uint8(1)])
def test_a_flag_may_be_one_or_an_array_of_one(yes: Any) -> None:
    with registered(terminated=at_step(2, yes, False)):
        envs = make_envs(find_env(ID), 2, seed=1)
        envs.reset()
        ends = [envs.step(np.zeros((2, 2), np.float32))[2].tolist() for _ in range(4)]
        assert ends == [[False, False], [True, True]] * 2


INFOS: dict[str, Any] = {
    "none": None,
    "list": [1, 2],
    "none or int": lambda env: {"n": None if env.num_steps % 2 else 3},
    "arrays that grow": lambda env: {"seen": np.zeros(env.num_steps)},
    "kinds that change": lambda env: {"x": [1, "a", {}][env.num_steps % 3], str(env.num_steps): 1},
    "unspeakable": Unspeakable(),
    "names of our own": lambda env: {"final_obs": 1, "_final_obs": "x", "final_info": None, "episode": {}},
}


@pytest.mark.parametrize("kind", INFOS)
@pytest.mark.parametrize("predictor", ["rl", "synth"])
def test_infos_are_nobodys_business(tmp_path: Path, kind: str, predictor: str) -> None:
    found = INFOS[kind]
    with registered(info=found, reset=lambda env: (env.observation(), found(env) if callable(found) else found)):
        assert teach(tmp_path, "-p", predictor) == 0
    trained(tmp_path)

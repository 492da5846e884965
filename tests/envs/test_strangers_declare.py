"""Environments of strangers: whatever one declares or lacks, the run trains, or ends with one clear line."""

import json
import re
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.wrappers import TimeLimit

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.errors import EnvFault, UnknownEnv
from tests.envs.stranger import (
    ID,
    Refusal,
    Stranger,
    Unspeakable,
    raises,
    refused,
    registered,
    teach,
    trained,
)

METADATA = {
    "half": ({"render_fps": 0.5}, 30, "render_fps 0.5"),
    "zero": ({"render_fps": 0}, 30, "render_fps 0 "),
    "negative": ({"render_fps": -3}, 30, "render_fps -3"),
    "word": ({"render_fps": "30"}, 30, "render_fps '30'"),
    "nan": ({"render_fps": float("nan")}, 30, "render_fps nan"),
    "inf": ({"render_fps": float("inf")}, 30, "render_fps inf"),
    "true": ({"render_fps": True}, 30, "render_fps True"),
    "billion": ({"render_fps": 10**9}, 30, "render_fps 1000000000"),
    "array": ({"render_fps": np.array([20, 30])}, 30, "render_fps an array"),
    "no fps": ({"render_fps": None}, 30, ""),
    "empty": ({}, 30, ""),
    "none": (None, 30, ""),
    "list": (["rgb_array"], 30, "metadata is no dict"),
    "raises": (raises(RuntimeError("x")), 30, "metadata is no dict"),
    "fraction": ({"render_fps": 29.97}, 29, ""),
    "numpy": ({"render_fps": np.int64(12)}, 12, ""),
}


@pytest.mark.parametrize("kind", METADATA)
def test_odd_metadata_gives_a_rate_that_is_said(tmp_path: Path, capsys: Refusal, kind: str) -> None:
    metadata, fps, said = METADATA[kind]
    with registered(metadata=metadata):
        assert find_env(ID).clip_fps == fps
        assert teach(tmp_path) == 0
    output = capsys.readouterr().out
    assert said in output
    assert (f"clips have {fps} steps per second" in output) == bool(said)


@pytest.mark.parametrize("metadata", [None, ["rgb_array"], "rgb_array"])
def test_metadata_of_a_class_that_gymnasium_refuses_is_named(tmp_path: Path, capsys: Refusal, metadata: Any) -> None:
    with registered(type("Odd", (Stranger,), {"metadata": metadata})):
        assert teach(tmp_path) == 2
    assert "Gymnasium asks for a dict `metadata` with render_fps" in refused(capsys)


STEP_SECONDS = {
    "plain": (0.02, 0.02),
    "numpy": (np.float32(0.25), 0.25),
    "whole": (1, 1.0),
    "missing": (None, None),
    "zero": (0.0, None),
    "negative": (-0.02, None),
    "tiny": (1e-9, None),
    "nan": (float("nan"), None),
    "inf": (float("inf"), None),
    "true": (True, None),
    "word": ("0.02", None),
    "array": (np.array([0.01, 0.02]), None),
    "method": (lambda: 0.02, None),
    "raises": (raises(RuntimeError("x")), None),
}


@pytest.mark.parametrize("kind", STEP_SECONDS)
def test_the_time_of_a_step_is_taken_where_it_can_be_one(kind: str) -> None:
    said, dt = STEP_SECONDS[kind]
    timed = type("Timed", (Stranger,), {"dt": said})
    with registered(lambda: timed()):  # Gymnasium 1.2 takes the property `metadata` of a class for the metadata
        assert find_env(ID).dt == dt


class Slower(gymnasium.Wrapper):
    """Says only once it is there how fast it is."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.metadata = {**env.metadata, "render_fps": 10}


def test_the_rate_is_that_of_the_made_environment(tmp_path: Path, capsys: Refusal) -> None:
    with registered(lambda: Slower(Stranger())):
        assert find_env(ID).clip_fps == 10
        assert teach(tmp_path, "-c", "1.5") == 0
    config = json.loads((tmp_path / "runs" / "x" / "config.json").read_text())
    assert config["clip_length"] == 1.5
    with np.load(next((tmp_path / "runs" / "x" / "segments").iterdir())) as arrays:
        assert arrays["obs"].shape[1] == 15


def test_spaces_that_are_missing_or_none_are_named(tmp_path: Path, capsys: Refusal) -> None:
    without = type("Without", (gymnasium.Env,), {"reset": Stranger.reset, "step": Stranger.step})
    with registered(without):
        assert teach(tmp_path) == 2
    assert "its observation_space raised AttributeError" in refused(capsys)
    odd = {"None": None, "tuple": (2,), "Unspeakable": Unspeakable()}
    for kind, space in odd.items():
        for name in ("observation_space", "action_space"):
            with registered(**{name: space}):
                assert teach(tmp_path) == 2
            assert re.search(rf"EnvFault: .*its {name} is .*{kind}.*, which is no space", refused(capsys))
    with registered(action_space=raises(RuntimeError("later"))):
        assert teach(tmp_path) == 2
    assert "its action_space raised RuntimeError: later" in refused(capsys)


def test_spaces_that_take_many_lines_to_print_are_refused_in_one(tmp_path: Path, capsys: Refusal) -> None:
    wide = Box(np.arange(400.0).reshape(20, 20), np.full((20, 20), 1e3), dtype=np.float64)
    for spaces in ({"observation_space": Dict({"a": wide, "b": wide})}, {"action_space": wide}):
        with registered(**spaces):
            assert teach(tmp_path) == 2
        assert refused(capsys).startswith("UnsupportedSpace: ")


def test_copies_that_differ_are_named(tmp_path: Path, capsys: Refusal) -> None:
    made: list[int] = []

    def bounds(env: Stranger) -> Box:
        return Box(-env.number, env.number, (2,), np.float32)  # type: ignore[attr-defined]

    def shapes(env: Stranger) -> Box:
        return Box(-1, 1, (env.number,), np.float32)  # type: ignore[attr-defined]

    for does in ({"action_space": bounds}, {"observation_space": shapes}):

        def entry(does: dict[str, Any] = does) -> Stranger:
            made.append(1)
            env = Stranger(**does)
            env.number = len(made)  # type: ignore[attr-defined]
            return env

        with registered(entry):
            assert teach(tmp_path) == 2
        said = refused(capsys)
        assert re.search(rf"EnvFault: .*env 1 of 2: its {next(iter(does))} is Box.* in one copy and Box", said), said


def test_bounds_that_change_at_a_reset_are_named(tmp_path: Path, capsys: Refusal) -> None:
    def bounds(env: Stranger) -> Box:
        return Box(-1, 1 + (env.num_resets > 2), (2,), np.float32)

    with registered(action_space=bounds):
        assert teach(tmp_path) == 2
    assert re.search(r"env \d of 2, step \d+: its action_space was .*1\.0.* and is now .*2\.0", refused(capsys))


def test_ids_of_packages_that_nobody_imported_say_which(tmp_path: Path, capsys: Refusal) -> None:
    assert teach(tmp_path, env_id="MiniGrid-Empty-5x5-v0") == 2
    expected = "registered by minigrid, which is not installed: pip install 'minigrid'. Use -e minigrid:MiniGrid-Empty"
    assert expected in refused(capsys)
    assert teach(tmp_path, env_id="minigrid:MiniGrid-Empty-5x5-v0") == 2
    assert "cannot import 'minigrid'" in refused(capsys)
    assert teach(tmp_path, env_id="MyOwn/Thing-v0") == 2
    assert "Nothing has registered 'MyOwn/'" in refused(capsys)
    with pytest.raises(UnknownEnv, match="-e module:MyOwn/Thing-v0"):
        find_env("MyOwn/Thing-v0")


ACTIONS: dict[str, Any] = {
    "asymmetric": Box(np.array([0.1, -0.3, 1 / 3], np.float32), np.array([0.7, 0.9, 2 / 3], np.float32)),
    "tiny": Box(np.float32(1e-30), np.float32(3e-30), (3,)),
    "float16": Box(np.float16(-0.1), np.float16(0.3), (3,), np.float16),
    "float64": Box(0.1, 0.7, (3,), np.float64),
    "int8": Box(-128, 127, (3,), np.int8),
    "int32": Box(-10, 10, (3,), np.int32),
    "int64": Box(-(2**40), 2**40 + 1, (3,), np.int64),
    "uint8": Box(3, 7, (3,), np.uint8),
    "integers without bounds": Box(-np.inf, np.inf, (3,), np.int64),
    "no bounds": Box(-np.inf, np.inf, (3,), np.float32),
    "one-sided": Box(np.array([0, -np.inf, 5], np.float32), np.array([np.inf, 1, np.inf], np.float32)),
    "no choice": Box(0.3, 0.3, (3,), np.float32),
    "the widest": Box(np.finfo(np.float32).min, np.finfo(np.float32).max, (3,), np.float32),
    "wider than float32": Box(-1e300, 1e300, (3,), np.float64),
    "bool": Box(0, 1, (3,), np.bool_),
    "start": Discrete(3, start=-3),
    "one": Discrete(1),
}


@pytest.mark.parametrize("kind", ACTIONS)
def test_every_action_is_in_its_space(tmp_path: Path, kind: str) -> None:
    # the environment itself asserts that its space contains what it is given, with its dtype; rewards stay finite
    given: list[Any] = []

    def step(env: Stranger) -> Any:
        given.append(env.given[-1])
        env.does["reward"] = 1.0
        return env.usual_step()

    with registered(action_space=ACTIONS[kind], step=step):
        assert teach(tmp_path, "--reward.model", "gp") == 0
    trained(tmp_path)
    assert {np.asarray(one).dtype for one in given} == {ACTIONS[kind].dtype}
    space = ACTIONS[kind]
    if isinstance(space, Discrete):
        assert {int(one) for one in given} == set(range(int(space.start), int(space.start + space.n)))
    elif kind != "no choice":
        assert len({np.asarray(one).tobytes() for one in given}) > 4


def test_an_agent_that_diverged_is_not_blamed_on_the_environment() -> None:
    def refuse(env: Stranger) -> float:
        assert np.isfinite(env.given[-1]).all()
        return 0.0

    with registered(reward=refuse):
        envs = make_envs(find_env(ID), 2, seed=1)
        envs.reset()
        envs.step(np.zeros((2, 2), np.float32))
        with pytest.raises(EnvFault, match="the agent diverged, so scale observations and rewards down"):
            envs.step(np.full((2, 2), np.nan, np.float32))


def test_an_endless_environment_is_evaluated_in_bounds_and_that_is_said(tmp_path: Path, capsys: Refusal) -> None:
    with registered(truncated=False, reward=1.0):
        assert teach(tmp_path, "-p", "rl") == 0
    output = capsys.readouterr().out
    assert "Episodes did not end: the first 1,000 steps of each were counted." in output
    assert not [line for line in output.splitlines() if " 0 s left" in line and "200/200 steps" not in line]
    assert trained(tmp_path)["final_true_return_deterministic"] == 1000


def test_a_limit_of_a_wrapper_ends_the_evaluation(tmp_path: Path, capsys: Refusal) -> None:
    with registered(lambda: TimeLimit(Stranger(truncated=False, reward=1.0), 40)):
        assert teach(tmp_path, "-p", "rl") == 0
    assert "did not end" not in capsys.readouterr().out
    assert trained(tmp_path)["final_true_return_deterministic"] == 40


@pytest.mark.parametrize("predictor", ["rl", "synth"])
@pytest.mark.parametrize(
    "shape",
    [(96, 96, 3), (84, 84), (4, 84, 84), (210, 160, 3), (40_000,), (0,)],
    ids=str,
)
def test_what_is_too_large_is_refused_by_its_shape_before_anything_is_stepped(
    tmp_path: Path, capsys: Refusal, predictor: str, shape: tuple[int, ...]
) -> None:
    space = Box(0, 255, shape, np.int16)  # of bytes they would be pictures
    with registered(observation_space=space, observation=np.zeros(shape, np.int16), step=raises(AssertionError())):
        assert teach(tmp_path, "-p", predictor, "--ppo.num-envs", "64") == 2
    said = refused(capsys)
    assert said.startswith(f"UnsupportedSpace: env '{ID}': observations have shape {shape}, ")
    assert (f"{np.prod(shape):,} numbers" if np.prod(shape) else "no number at all") in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("shape", [(128,), (10, 10, 4), ()], ids=str)
def test_what_is_small_is_learned_from_whatever_its_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    space = Box(0, 255, shape, np.uint8)
    with registered(observation_space=space, observation=lambda env: np.full(shape, env.num_steps, np.uint8)):
        assert teach(tmp_path, "--reward.model", "gp") == 0
    trained(tmp_path)

"""Environments of strangers: whatever one raises, returns or lacks, the run trains, or ends with one clear line."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.wrappers import TimeLimit

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.errors import EnvFault, UnknownEnv
from tests.envs.stranger import ID, SMALL, Stranger, registered, teach

Refusal = pytest.CaptureFixture[str]


class Unspeakable:
    """Fails whatever it is asked."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __str__ = __float__ = __bool__ = __len__ = __array__ = __repr__


class Panic(BaseException):
    """As pyo3's, which is no Exception."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def raises(error: BaseException) -> Any:
    def fail(env: Stranger) -> None:
        raise error

    return fail


def at_step(number: int, odd: Any, usual: Any) -> Any:
    """`odd` at the step of this number, and at the others what is usual."""

    def told(env: Stranger) -> Any:
        found = odd if env.num_steps == number else usual
        return found(env) if callable(found) else found

    return told


def refused(capsys: Refusal) -> str:
    """The one line on stderr, without its end."""
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    assert len(said) < 1200, said
    return said.rstrip("\n")


def trained(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "runs" / "x" / "summary.json").read_text())
    assert summary["timesteps"] == 200
    return summary


# -- what it raises --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [RuntimeError("the\nwheel  fell off"), SystemExit(3), AssertionError(), Panic(), KeyError("x" * 5000)],
    ids=("RuntimeError", "SystemExit", "AssertionError", "Panic", "KeyError"),
)
@pytest.mark.parametrize("where", ["reset", "step"])
def test_what_it_raises_in_an_episode_is_named_and_a_mended_one_goes_on(
    tmp_path: Path, capsys: Refusal, where: str, error: BaseException
) -> None:
    usual = Stranger.usual_step if where == "step" else lambda env: (env.observation(), {})
    broken = {
        "step": lambda env: (raises(error) if env.num_resets == 2 and env.num_steps == 5 else usual)(env),
        "reset": lambda env: (raises(error) if env.num_resets == 3 else usual)(env),
    }[where]
    with registered(**{where: broken}):
        assert teach(tmp_path) == 2
    said = refused(capsys)
    assert said.startswith(f"EnvFault: env '{ID}', env ")
    assert re.search(rf"env \d of 2, step \d+: {where}\(\) raised {type(error).__name__}", said)
    assert f"({__file__}, line " in said
    assert f"Gymnasium asks for {where}(" in said
    assert "Nothing was lost" in said
    assert "the wheel fell off" in said or not isinstance(error, RuntimeError)
    with registered():
        assert teach(tmp_path, "--resume") == 0
    trained(tmp_path)


@pytest.mark.parametrize("error", [RuntimeError("no\nlicense"), SystemExit("bye"), Panic()], ids=repr)
def test_one_that_cannot_be_made_is_refused_and_works_once_it_is_mended(
    tmp_path: Path, capsys: Refusal, error: BaseException
) -> None:
    def broken() -> Stranger:
        raise error

    with registered(broken):
        assert teach(tmp_path) == 2
    assert f"EnvFault: env '{ID}': making it raised {type(error).__name__}" in refused(capsys)
    assert not (tmp_path / "runs").exists()
    with registered():
        assert teach(tmp_path, "--resume") == 0  # as the line says


def test_a_constructor_that_wants_more_is_told_where_to_put_it(tmp_path: Path, capsys: Refusal) -> None:
    def of(track: str) -> Stranger:
        return Stranger()

    with registered(of):
        assert teach(tmp_path) == 2
    said = refused(capsys)
    assert "missing 1 required positional argument: 'track'" in said
    assert "give them as `kwargs` where you register it" in said


def test_one_that_fails_as_it_is_closed_loses_nothing(tmp_path: Path) -> None:
    for error in (OSError("socket"), SystemExit(1)):
        with registered(close=raises(error)):
            assert teach(tmp_path / type(error).__name__) == 0
        trained(tmp_path / type(error).__name__)


def test_one_that_breaks_in_the_evaluation_keeps_what_was_learned(tmp_path: Path, capsys: Refusal) -> None:
    made = []

    def entry() -> Stranger:
        made.append(1)  # one is looked at, 2 train, 2 are for the time before training, then 32 are evaluated
        return Stranger(step=raises(RuntimeError("late"))) if len(made) > 10 else Stranger()

    with registered(entry):
        assert teach(tmp_path) == 2
    assert re.search(r"env \d of 32, step 32: step\(\) raised RuntimeError: late", refused(capsys))
    labels = (tmp_path / "runs" / "x" / "labels.jsonl").read_bytes()
    with registered():
        assert teach(tmp_path, "--resume") == 0
    assert (tmp_path / "runs" / "x" / "labels.jsonl").read_bytes() == labels
    trained(tmp_path)


MODULES = {
    "syntax": ("def broken(:\n", "importing 'their_envs', which should register it, raised SyntaxError"),
    "exit": ("import sys\nsys.exit('no license')\n", "raised SystemExit: no license"),
    "raises": ("import no_such_thing_at_all\n", "No module named 'no_such_thing_at_all'"),
    "base": ("class Panic(BaseException): pass\nraise Panic('x')\n", "raised Panic: x"),
    "lines": ("raise ImportError('one\\ntwo\\n\\nthree')\n", "one two three"),
    "nothing": ("x = 1\n", "no environment named 'their_envs:Theirs-v0'"),
}


@pytest.mark.parametrize("kind", MODULES)
def test_a_module_that_cannot_be_imported_gets_one_line(
    tmp_path: Path, capsys: Refusal, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    code, expected = MODULES[kind]
    (tmp_path / "their_envs.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_envs", raising=False)
    assert teach(tmp_path, env_id="their_envs:Theirs-v0") == 2
    said = refused(capsys)
    assert said.startswith("UnknownEnv: ")
    assert expected in said
    sys.modules.pop("their_envs", None)


@pytest.mark.parametrize("entry", ["no_such_module_at_all:Env", "tests.envs.stranger:NoSuchClass", "json:dumps"])
def test_an_entry_point_that_leads_nowhere_gets_one_line(tmp_path: Path, capsys: Refusal, entry: str) -> None:
    with registered(entry):
        assert teach(tmp_path) == 2
    assert refused(capsys).startswith(("EnvFault: ", "ConfigError: "))


# -- what it returns -------------------------------------------------------------------------------------------------


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
    with registered(WithoutSeed):
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


# -- what it lacks or says of itself ---------------------------------------------------------------------------------

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
        assert arrays["left_obs"].shape[1] == 15


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
    assert teach(tmp_path, env_id="ALE/Pong-v5") == 2
    assert "registered by ale_py, which is not installed: pip install 'ale-py'. Use -e ale_py:ALE/Pong-v5" in refused(
        capsys
    )
    assert teach(tmp_path, env_id="ale_py:ALE/Pong-v5") == 2
    assert "cannot import 'ale_py'" in refused(capsys)
    assert teach(tmp_path, env_id="MyOwn/Thing-v0") == 2
    assert "Nothing has registered 'MyOwn/'" in refused(capsys)
    with pytest.raises(UnknownEnv, match="-e module:MyOwn/Thing-v0"):
        find_env("MyOwn/Thing-v0")


# -- actions ---------------------------------------------------------------------------------------------------------

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


# -- endless, and pictures ---------------------------------------------------------------------------------------------


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
def test_pictures_are_refused_by_their_shape_before_anything_is_stepped(
    tmp_path: Path, capsys: Refusal, predictor: str, shape: tuple[int, ...]
) -> None:
    space = Box(0, 255, shape, np.uint8)
    with registered(observation_space=space, observation=np.zeros(shape, np.uint8), step=raises(AssertionError())):
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


def test_a_car_that_sees_pictures_is_refused_by_the_command() -> None:
    pytest.importorskip("Box2D", reason="gymnasium[box2d] is not installed")
    words = [sys.executable, "-m", "rl_teacher", "teach", "-p", "synth", "-e", "CarRacing-v3", "-n", "x", *SMALL]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "shape (96, 96, 3), 27,648 numbers, which looks like a picture" in done.stderr

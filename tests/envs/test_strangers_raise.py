"""Environments of strangers: whatever one raises, the run ends with one clear line, and a mended one goes on."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import pytest

import rl_teacher
from tests.envs.stranger import ID, Panic, Refusal, Stranger, raises, refused, registered, teach, trained


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
    assert f"({raises.__code__.co_filename}, line " in said
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


@pytest.mark.parametrize("package", [gymnasium, rl_teacher], ids=lambda package: package.__name__)
@pytest.mark.parametrize("more", ["_robotics", "-envs", "2"])
def test_a_package_whose_name_begins_like_ours_has_lines_of_its_own(
    tmp_path: Path, capsys: Refusal, package: ModuleType, more: str
) -> None:
    beside = f"{Path(str(package.__file__)).parent}{more}/envs.py"  # where pip puts it
    found: dict[str, Any] = {}
    exec(compile("def fail(env):\n    raise RuntimeError('x')", beside, "exec"), found)
    with registered(step=found["fail"]):
        assert teach(tmp_path) == 2
    assert f"RuntimeError: x ({beside}, line 2)" in refused(capsys)


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

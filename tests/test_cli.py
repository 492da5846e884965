"""The command line: one clear line and exit code 2 for whatever is wrong."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rl_teacher.cli import main
from rl_teacher.device import MODULES_OF_PEOPLE

ROOT = Path(__file__).parent.parent


def teach(tmp_path: Path, *words: str) -> list[str]:
    return ["teach", "--runs-dir", str(tmp_path / "runs"), "--tb-dir", str(tmp_path / "tb"), *words]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["-e", "Hoper-v1", "-p", "rl", "-n", "x"], "UnknownEnv", "Hopper-v1"),
        (["-e", "Hopper-v1", "-p", "lr", "-n", "x"], "UnknownChoice", "got 'lr'. Choose one of rl"),
        (["-e", "Hopper-v1", "-p", "rl", "-n", "x", "-a", "pp"], "UnknownChoice", "'ppo'"),
        (["-e", "Hopper-v1", "-p", "synth", "-n", "x", "--teacher", "orcale"], "UnknownChoice", "'oracle'"),
        (["-e", "Hopper-v1", "-p", "synth", "-n", "x", "-l", "-3"], "ConfigError", "-3"),
        (["-e", "Hopper-v1", "-p", "synth", "-n", "x", "-l", "3", "-L", "4"], "ConfigError", "at most the 3 labels"),
        (["-e", "Hopper-v1", "-p", "rl", "-n", "x", "-t", "0"], "ConfigError", "at least 1"),
        (
            ["-e", "ShortReacher-v1", "-p", "synth", "-n", "x", "-c", "3"],
            "SegmentTooLong",
            "is 30 steps, an episode has 20",
        ),
        (["-e", "Hopper-v1", "-p", "rl", "-n", "../x"], "BadRunName", "../x"),
        (["-e", "Hopper-v1", "-p", "rl", "-n", "!!!"], "BadRunName", "nothing is left"),
        (["-e", "Hopper-v1", "-p", "rl"], "ConfigError", "-n/--name"),
        (["-e", "CartPole-v1", "-p", "rl", "-n", "x", "-a", "sac"], "UnsupportedSpace", "Use -a ppo"),
        (["-e", "Hopper-v1", "-p", "rl", "-n", "x", "--sac.updates-per-step", "0"], "ConfigError", "above 0"),
        (["-e", "Hopper-v1", "-p", "synth", "-n", "x", "--teacher", "nowhere.py:f"], "UserCodeFault", "nowhere.py"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], error: str, message: str
) -> None:
    assert main(teach(tmp_path, *words)) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"{error}: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not list(tmp_path.glob("runs/*/config.json")), "nothing is left behind"


def test_an_unwritable_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    words = ["teach", "-e", "Hopper-v1", "-p", "rl", "-n", "x", "--runs-dir", str(tmp_path / "file" / "runs")]
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("FolderUnwritable: ")


def test_an_unknown_command_is_refused_with_a_close_match(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taech"]) == 2
    assert "Did you mean 'teach'?" in capsys.readouterr().err


@pytest.mark.parametrize("script", [["rl_teacher/teach.py"], ["rl_teacher"], ["-m", "rl_teacher", "teach"]])
def test_the_spellings_of_2017_reach_the_same_program(script: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *script, "-p", "rl", "-e", "Hoper-v1", "-n", "x"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("UnknownEnv: no environment named 'Hoper-v1'")


def test_help_does_not_load_the_numeric_libraries() -> None:
    heavy = "{'jax', 'mujoco', 'django', 'gymnasium'}"
    code = f"import sys, rl_teacher.cli as c; c.main(['--help']); sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize("module", ["django", "httpx", "argon2"])
@pytest.mark.parametrize("command", ["serve", "login-url", "token", "export", "import", "manage", "fit NAME"])
def test_what_people_need_is_named_in_one_line_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, module: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert main(command.split()) == 2
    assert capsys.readouterr().err == (
        f"MissingExtra: rl-teacher {command}: needs the feedback server, and {module} is not installed. "
        "Do: pip install 'rl-teacher[people]'.\n"
    )
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_the_extra_for_people_is_what_is_looked_for() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["people"]
    wanted = {re.split(r"[<>=\[ ]", line)[0].lower() for line in extra} - {"httptools", "uvloop"}  # faster, not needed
    packages = importlib.metadata.packages_distributions()
    assert {packages[module][0].lower() for module in MODULES_OF_PEOPLE} == wanted


@pytest.mark.parametrize("words", [["--help"], ["runs"], ["taech"]])
def test_output_that_finds_no_room_is_one_line(tmp_path: Path, words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rl_teacher", *words], stdout=full, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    if words != ["taech"]:
        assert done.stderr.startswith("FolderUnwritable: the output cannot be written (No space left on device).")


def test_output_that_nobody_wants_ends_quietly(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m rl_teacher --help >&-", shell=True, capture_output=True, env=os.environ, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_that_lacks_letters_gets_the_line_all_the_same(tmp_path: Path) -> None:
    words = ["teach", "-p", "rl", "-e", "Höpper-v1", "-n", "x"]
    done = subprocess.run(
        [sys.executable, "-m", "rl_teacher", *words],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"UnknownEnv: no environment named 'H\\xf6pper-v1'")

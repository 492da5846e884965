"""Code of the user's, named by a flag: loaded, checked for what it must offer, and every fault told in one line."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import pytest

from rl_teacher.cli import main
from rl_teacher.config.user_code import build_from, load_class, load_function
from rl_teacher.errors import UserCodeFault


@runtime_checkable
class Counter(Protocol):
    """What is asked of the user's class here."""

    total: int

    def add(self, number: int) -> int:
        """One method."""
        ...

    def __call__(self) -> int:
        """Another."""
        ...


MUTE = "class Mute(BaseException):\n    def __repr__(self): raise self\n    __str__ = __repr__\n"
"""What is raised, and whose message cannot be had."""
GOOD = """
class Mine:
    def __init__(self, start):
        self.total = start

    @classmethod
    def build(cls, *, start, **others):
        return cls(start)

    def add(self, number):
        self.total += number
        return self.total

    def __call__(self):
        return self.total
"""


def write(folder: Path, body: str, name: str = "Mine") -> str:
    """The words of a flag that name a class in a file with this text."""
    (folder / "mine.py").write_text(body)
    return f"{folder / 'mine.py'}:{name}"


def test_a_class_that_has_all_is_built_with_what_is_given(tmp_path: Path) -> None:
    made = build_from("--counter", write(tmp_path, GOOD), Counter, start=3, unused=None)
    assert made.add(4) == made() == 7


def test_a_function_and_its_file_are_found(tmp_path: Path) -> None:
    function, path = load_function("--f", write(tmp_path, "def double(x): return 2 * x", "double"))
    assert (function(4), path) == (8, tmp_path / "mine.py")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (GOOD.replace("class Mine", "class Mime"), r"mine.py has no class 'Mine'. Did you mean 'Mime'\? Define it at"),
        ("def Mine(): ...", r"mine.py \(line 1\): got a function, expected a class"),
        (GOOD.replace("add", "plus"), r"class Mine \(line 2\): has no add. Define add, __call__ \(Counter in"),
        (GOOD.replace("def __call__", "def call"), r"class Mine \(line 2\): has no __call__"),
        (GOOD.replace("    @classmethod\n", ""), r"expected a class method build\(\*, start, other\)"),
        (GOOD.replace("build", "make"), r"got None, expected a class method build\(\*, start, other\)"),
        (GOOD.replace(", **others", ""), r"build\(\): got an unexpected keyword argument 'other', expected a class"),
        (GOOD.replace("*, start", "begin"), r"build\(\): missing a required argument: 'begin', expected a class"),
        (GOOD.replace("return cls(start)", "return 1 / 0"), r"build\(\): ZeroDivisionError: .* \(line 8\). Fix it"),
        (GOOD.replace("self.total = start", "self.all = start"), r"what it made has no total \(Counter in"),
        (GOOD.replace("return cls(start)", "return None"), r"what it made has no total"),
        ("import nonesuch", r"cannot be run: ModuleNotFoundError: No module named 'nonesuch' \(line 1\)"),
        ("class Mine(:", r"cannot be run: SyntaxError: .* \(line 1\)"),
        ("raise ValueError('one\\ntwo')", r"cannot be run: ValueError: one two \(line 1\)"),
        ("import sys\nsys.exit(0)", r"cannot be run: SystemExit: 0 \(line 2\)"),
        (f"{MUTE}raise Mute()", r"cannot be run: Mute \(line 4\)"),
        (GOOD.replace("return cls(start)", "raise SystemExit"), r"build\(\): SystemExit \(line 8\). Fix it"),
        (
            GOOD.replace("return cls(start)", "raise BaseException('x' * 999)"),
            r"BaseException: x{300}\.\.\. \(line 8\)",
        ),
        (f"{MUTE}{GOOD}".replace("return cls(start)", "return Mute()"), r"what it made has no total"),
    ],
)
def test_what_is_wrong_is_told_with_flag_file_and_line(tmp_path: Path, body: str, message: str) -> None:
    spec = write(tmp_path, body)
    with pytest.raises(UserCodeFault, match=message) as caught:
        build_from("--counter", spec, Counter, start=1, other=2)
    assert str(caught.value).startswith(f"--counter '{spec}': {tmp_path / 'mine.py'}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("spec", "message"), [("a.py:", "e.g. examples/own_agent.py:"), ("nowhere.py:A", "no file /")])
def test_a_spec_that_names_nothing_is_told(spec: str, message: str) -> None:
    with pytest.raises(UserCodeFault, match=message):
        load_class("--counter", spec, Counter, ())


@pytest.mark.parametrize("flag", ["--agent", "--reward.model", "--teacher"])
def test_a_run_does_not_begin_with_code_that_lacks_something(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-p", "synth", "-l", "20", "-e", "Pendulum-v1", "-n", "x", "--runs-dir", str(tmp_path / "runs")]
    spec = write(tmp_path, "class Other: ...", "Other" if flag != "--teacher" else "other")
    assert main(["teach", *words, flag, spec]) == 2
    error = capsys.readouterr().err
    assert error.startswith("UserCodeFault: ")
    assert flag in error
    assert error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("where", ["top level", "build"])
def test_ctrl_c_inside_your_code_is_no_fault_of_it(tmp_path: Path, where: str) -> None:
    stop = "raise KeyboardInterrupt"
    spec = write(tmp_path, stop if where == "top level" else GOOD.replace("return cls(start)", stop))
    with pytest.raises(KeyboardInterrupt):
        build_from("--counter", spec, Counter, start=1)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_run_as_any_editor_leaves_it(tmp_path: Path, newline: str, start: bytes) -> None:
    spec = write(tmp_path, "")
    (tmp_path / "mine.py").write_bytes(start + GOOD.replace("\n", newline).encode())
    assert build_from("--mine", spec, Counter, start=3).add(4) == 7


@pytest.mark.parametrize("name", ["x" * 300, "~nobody-of-this-name/x", "loop", "mine.py/x"])
def test_a_path_that_no_disk_takes_is_no_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UserCodeFault, match="there is no file"):
        load_function("--mine", f"{tmp_path if name[0] != '~' else ''}{'/' if name[0] != '~' else ''}{name}:f")


@pytest.mark.parametrize("data", [GOOD.encode("utf-16"), b"\x00", "x = 'é'".encode("latin-1")])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mine.py").write_bytes(data)
    with pytest.raises(UserCodeFault, match="cannot be run: ") as error:
        load_function("--mine", f"{tmp_path / 'mine.py'}:f")
    assert "\n" not in str(error.value)

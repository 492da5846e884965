"""Code of yours, named by a flag as path/to/file.py:name: loaded, and checked for what it must offer."""

import difflib
import hashlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from rl_teacher.errors import UserCodeFault
from rl_teacher.oneline import raised, written

EXAMPLES = {
    "function": "examples/own_teacher.py:prefer_spinning", "class": "examples/own_agent.py:LinearAgent",
    "Act": "examples/circus/spin.py:ACT",
}  # fmt: skip
T = TypeVar("T")


def is_user_code(word: str) -> bool:
    """Whether a setting names code of yours, and not one of the choices that there are."""
    return ":" in word


def load_function(flag: str, spec: str) -> tuple[Callable[..., object], Path]:
    """The function that `spec`, path/to/file.py:function, names, and its file.

    Args:
        flag: how the user gave it, for messages.
        spec: file and function.

    Raises:
        UserCodeFault: no such file or function, or the file cannot be run.
    """
    found, path = _load(flag, spec, "function")
    return found, path


def load_instance(flag: str, spec: str, cls: type[T]) -> tuple[T, Path]:
    """The object that `spec`, path/to/file.py:NAME, names, and its file.

    Args:
        flag: how the user gave it, for messages.
        spec: file and name.
        cls: what it must be one of.

    Raises:
        UserCodeFault: no such file or name, the file cannot be run, or it is something else.
    """
    found, path = _load(flag, spec, cls.__name__)
    if not isinstance(found, cls):
        raise UserCodeFault(f"{flag} {spec!r}: {path}: got {written(found)}, expected a {cls.__name__}.")
    return found, path


def load_class(flag: str, spec: str, protocol: type, keywords: Sequence[str]) -> tuple[type[Any], Path]:
    """The class that `spec`, path/to/file.py:Class, names, and its file.

    Args:
        flag: how the user gave it, for messages.
        spec: file and class.
        protocol: whose methods it must have.
        keywords: those with which its class method `build` is going to be called.

    Raises:
        UserCodeFault: no such file or class, the file cannot be run, or the class lacks a method.
    """
    found, path = _load(flag, spec, "class")
    if not isinstance(found, type):
        raise UserCodeFault(
            f"{flag} {spec!r}: {path}{_line_of(found)}: got a {type(found).__name__}, expected a class."
        )
    where = f"{flag} {spec!r}: {path}, class {found.__name__}{_line_of(found)}"
    names = [name for name, value in vars(protocol).items() if inspect.isfunction(value) and _is_asked(name)]
    missing = [name for name in names if not any(callable(vars(base).get(name)) for base in found.__mro__)]
    if missing:
        raise UserCodeFault(f"{where}: has no {_listed(missing)}. Define {_listed(names)} ({_page(protocol)}).")
    build = getattr(found, "build", None)
    shape = f"a class method build(*, {', '.join(keywords)})"
    if not inspect.ismethod(build):
        raise UserCodeFault(f"{where}: got {written(build)}, expected {shape} that makes one ({_page(protocol)}).")
    try:
        inspect.signature(build).bind(**dict.fromkeys(keywords))
    except TypeError as error:
        raise UserCodeFault(f"{where}: build(): {error}, expected {shape} ({_page(protocol)}).") from error
    return found, path


def build_from(flag: str, spec: str, protocol: type, **given: object) -> Any:
    """One of the class that `spec` names, made by its `build` with what is given.

    Raises:
        UserCodeFault: it cannot be loaded, `build` failed, or what it made is not what `protocol` says.
    """
    found, path = load_class(flag, spec, protocol, tuple(given))
    where = f"{flag} {spec!r}: {path}, {found.__name__}.build()"
    try:
        made = found.build(**given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() too, and what extensions in Rust raise
        raise UserCodeFault(f"{where}: {describe(error, path)}. Fix it, then run the command again.") from error
    missing = [name for name in vars(protocol).get("__annotations__", {}) if not hasattr(made, name)]
    if missing:
        raise UserCodeFault(f"{where}: what it made has no {_listed(missing)} ({_page(protocol)}).")
    if not isinstance(made, protocol):
        raise UserCodeFault(f"{where}: got {written(made)}, expected one that has what {_page(protocol)} says.")
    return made


def describe(error: BaseException, path: Path) -> str:
    """Type, message and the deepest line inside `path`, or the deepest of all."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} (line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename) == path]
    return raised(error, f"line {(own or frames)[-1].lineno}")


def _load(flag: str, spec: str, kind: str) -> tuple[Any, Path]:
    file_name, _, name = spec.rpartition(":")
    if not file_name or not name.isidentifier():
        raise UserCodeFault(f"{flag}: got {spec!r}, expected path/to/file.py:{kind}, e.g. {EXAMPLES[kind]}.")
    path = Path(os.path.realpath(os.path.expanduser(file_name)))  # pathlib's raise for names that no disk takes
    if not os.path.isfile(path):
        raise UserCodeFault(f"{flag} {spec!r}: there is no file {path}. Give the path of a Python file.")
    of_file = vars(_load_module(flag, spec, path))
    found = {name: value for name, value in of_file.items() if kind not in ("function", "class") or callable(value)}
    if name not in found:
        close = difflib.get_close_matches(name, found, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UserCodeFault(f"{flag} {spec!r}: {path} has no {kind} {name!r}.{hint} Define it at top level.")
    return found[name], path


def _load_module(flag: str, spec: str, path: Path) -> ModuleType:
    """Run the file as a module whose name no import statement can spell, so that it shadows nothing."""
    name = f"<rl-teacher script {hashlib.sha256(str(path).encode()).hexdigest()[:16]}>"
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise UserCodeFault(f"{flag} {spec!r}: {path} is no Python file. Its name should end in .py.")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module  # dataclasses look their module up while the file runs, and pickle later
    try:
        module_spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        text = f"{flag} {spec!r}: {path} cannot be run: {describe(error, path)}. Fix it, then run the command again."
        raise UserCodeFault(text) from error
    return module


def _is_asked(name: str) -> bool:
    return name == "__call__" or not name.startswith("_")


def _line_of(found: object) -> str:
    try:
        return f" (line {inspect.getsourcelines(found)[1]})"  # type: ignore[arg-type]  # whatever it is
    except (OSError, TypeError):
        return ""


def _page(protocol: type) -> str:
    return f"{protocol.__name__} in rl_teacher/protocols.py"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)

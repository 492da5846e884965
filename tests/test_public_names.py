"""`import rl_teacher`: what is public is there, loaded when it is used and not before, and its examples are true."""

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rl_teacher

HEAVY = {
    "jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "django", "uvicorn", "httpx", "mujoco", "gymnasium", "av",
    "matplotlib", "rl_teacher.cli",
}  # fmt: skip
MODULES = [f"rl_teacher.{module}" for module in rl_teacher._PUBLIC]


def imported_for_type_checkers() -> Iterator[tuple[str, str]]:
    """(module, name) of all imports under `if TYPE_CHECKING`."""
    for node in ast.parse(Path(rl_teacher.__file__).read_text()).body:
        if isinstance(node, ast.If):
            for line in node.body:
                assert isinstance(line, ast.ImportFrom)
                assert line.module is not None
                yield from ((line.module.removeprefix("rl_teacher."), alias.name) for alias in line.names)


def test_type_checkers_see_the_names_that_python_finds() -> None:
    found = sorted((module, name) for module, names in rl_teacher._PUBLIC.items() for name in names)
    assert sorted(imported_for_type_checkers()) == found
    assert sorted(name for _, name in found) == sorted(rl_teacher.__all__)


@pytest.mark.parametrize("name", rl_teacher.__all__)
def test_a_public_name_is_that_of_its_module_and_says_what_it_is(name: str) -> None:
    value = getattr(rl_teacher, name)
    (module,) = [module for module, names in rl_teacher._PUBLIC.items() if name in names]
    assert value is getattr(importlib.import_module(f"rl_teacher.{module}"), name)
    assert name in dir(rl_teacher)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert (inspect.getdoc(value) or "").splitlines()[0].endswith((".", ":")), name


def test_a_name_that_is_not_there_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'rl_teacher' has no attribute 'trian'"):
        _ = rl_teacher.trian  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'trian'"):
        from rl_teacher import trian  # type: ignore[attr-defined]  # noqa: F401


def test_the_loop_stays_a_module() -> None:
    assert inspect.ismodule(importlib.import_module("rl_teacher.teach"))
    assert "teach" not in rl_teacher.__all__, "it would be the module or the function, whichever was imported last"


def loaded_after(statement: str) -> set[str]:
    """Modules that a fresh Python has loaded after it."""
    code = f"{statement}; import sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_loads_nothing_large() -> None:
    assert not loaded_after("import rl_teacher") & HEAVY


def test_settings_and_environments_are_found_without_jax() -> None:
    loaded = loaded_after("from rl_teacher import RunConfig, find_env, preset; find_env('Hopper'); preset('paper')")
    assert "rl_teacher.config.run" in loaded
    assert not loaded & {"jax", "jaxlib", "equinox", "optax", "django", "matplotlib"}


@pytest.mark.parametrize("name", ["rl_teacher", *MODULES])
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0, "see what doctest printed"


def test_what_a_user_writes_against_has_an_example() -> None:
    wanted = {
        "RunConfig", "preset", "find_env", "make_envs", "SegmentView", "Preference", "RewardInput", "RunningStats",
        "PreferenceLearner", "train",
    }  # fmt: skip
    missing = {name for name in wanted if ">>> " not in (inspect.getdoc(getattr(rl_teacher, name)) or "")}
    assert not missing

"""docs/python.md: what the docstrings of public names say, and nothing else."""

import ast
import doctest
import re
from pathlib import Path

import pytest

import rl_teacher
from scripts import docstring_markdown
from scripts.docstring_markdown import as_markdown
from scripts.python_page import GROUPS, SETTINGS, _signature, page

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "python.md").read_text()
NAMES = re.findall(r"^### `(\w+)`$", TEXT, re.MULTILINE)


def test_the_page_is_current() -> None:
    assert page() == TEXT, "run `make docs`"


def test_every_public_name_is_described_once() -> None:
    ours = TEXT[: TEXT.index("\n## Stable-Baselines3\n")]
    assert sorted(re.findall(r"^### `(\w+)`$", ours, re.MULTILINE)) == sorted(rl_teacher.__all__)
    assert sorted(module for modules in GROUPS.values() for module in modules) == sorted(rl_teacher._PUBLIC)


def test_every_integration_is_described() -> None:
    theirs = TEXT[TEXT.index("\n## Stable-Baselines3\n") :]
    found = set(re.findall(r"^### `(\w+)`\n\nFrom `rl_teacher\.integrations\.(\w+)`", theirs, re.MULTILINE))
    plug = (ROOT / "docs" / "plug.md").read_text()
    used = re.findall(r"from rl_teacher\.integrations\.(\w+) import (\w+)", plug)
    assert {(name, module) for module, name in used} <= found
    assert {module for _, module in found} == {"sb3", "sb3_buffers", "gymnasium", "torchrl", "rllib"}


def test_the_fields_of_settings_are_on_the_page_of_settings() -> None:
    for name, section in SETTINGS.items():
        assert f"[{section.lstrip('-')}](config.md#{section})" in TEXT, name
    assert "| `rationality` |" not in TEXT


def test_every_name_and_every_method_says_something() -> None:
    for name, text in zip(NAMES, re.split(r"^### .*\n", TEXT, flags=re.MULTILINE)[1:], strict=True):
        after = re.findall(rf"^```py\n{name}\b.*?^```\n*(.{{0,3}})", text, re.DOTALL | re.MULTILINE)
        assert not {"", "```"} & set(after), name
        assert len(text.split()) > 2, name


def test_the_examples_of_the_converter_are_true() -> None:
    failed, tried = doctest.testmod(docstring_markdown)
    assert (failed, tried) == (0, 1)


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("One.\n\nReturns:\n    Two\n    words.", "One.\n\n**Returns**: Two words."),
        ("Raises:\n    KeyError: it is not\n        there.\n    OSError: full.",
         "**Raises**\n\n* `KeyError`: it is not there.\n* `OSError`: full."),
        ("See docs/agents.md#an-agent-of-your-own.", "See [agents.md](agents.md#an-agent-of-your-own)."),
        ("So:\n\n    a = 1\n        b\n\n    c", "So:\n\n```py\na = 1\n    b\n\nc\n```"),
    ],
)  # fmt: skip
def test_a_docstring_becomes_markdown(docstring: str, expected: str) -> None:
    assert as_markdown(docstring) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(a, b: int = 1, *c, d=2, e: str, **g) -> None: ...", "f(a, b: int = 1, *c, d=2, e: str, **g) -> None"),
        ("def f(self, *, a: int) -> 'F': ...", "f(*, a: int) -> F"),
        ("def f(): ...", "f()"),
    ],
)
def test_a_signature_is_written_as_it_is_called(source: str, expected: str) -> None:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert _signature(node, "f") == expected

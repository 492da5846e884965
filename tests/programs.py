"""Programs and commands that users see: the examples, and those of the pages."""

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def example(name: str) -> ModuleType:
    """A module of the examples, which are no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def programs(page: str) -> list[str]:
    """The Python of a page, block by block."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def commands(text: str) -> list[str]:
    """Every line of the sh blocks of a page, comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def teach_words(command: str) -> list[str] | None:
    """The flags of a command that teaches; None for any other command."""
    words = shlex.split(command)
    for start in (["python", "rl_teacher/teach.py"], ["rl-teacher", "teach"]):
        if words[: len(start)] == start:
            return words[len(start) :]
    return None


def act_words(command: str) -> list[str] | None:
    """The act of a command that teaches one, and its flags; None for any other command."""
    words = shlex.split(command)
    return words[2:] if words[:2] == ["rl-teacher", "circus"] and len(words) > 2 else None

"""Folders of their own for labelings."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves helpers beside a conftest unreachable

from rl_teacher.commands.label.command import main

Label = Callable[..., int]


@pytest.fixture
def label(tmp_path: Path) -> Label:
    """Runs `rl-teacher label` with a program that answers."""

    def run(dataset: object, *words: str, teacher: str = "oracle") -> int:
        folders = ["--runs-dir", str(tmp_path / "runs"), "--tb-dir", str(tmp_path / "tb")]
        return main([str(dataset), "--teacher", teacher, *words, *folders])

    return run

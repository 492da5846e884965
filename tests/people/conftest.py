"""Runs that people teach, each in a home of its own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves helpers beside a conftest unreachable

from session_rig import Rig
from teaching import Teaching


@pytest.fixture
def teaching(tmp_path: Path) -> Iterator[Callable[..., Teaching]]:
    """Makes a run from the words of its command."""
    made: list[Teaching] = []

    def make(*words: str) -> Teaching:
        made.append(Teaching(tmp_path, *words))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.server.is_away = False
    for one in made.sessions:
        one.close(is_done=False)

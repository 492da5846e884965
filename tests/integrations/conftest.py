"""Settings of a reward that is learned in a second, in folders of the test."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def small(tmp_path: Path) -> dict[str, Any]:
    return {
        "labels": 12, "steps": 100_000, "clip_length": 1.0, "seed": 1, "log": lambda line: None,
        "runs_dir": str(tmp_path), "tb_dir": str(tmp_path / "tb"),
    }  # fmt: skip

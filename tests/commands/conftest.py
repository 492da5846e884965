"""Make run folders by hand, for tests."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Points = Sequence[tuple[int, float | None]]


@pytest.fixture
def make_run() -> Callable[..., Path]:
    """Make a folder with config.json, the true return at some steps, and a summary if the run is to be finished."""

    def make(
        folder: Path, config: Mapping[str, object], points: Points = (), summary: Mapping[str, object] | None = None
    ) -> Path:
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))
        lines = [json.dumps({"step": step, "agent/true_reward_per_episode": value}) for step, value in points]
        (folder / "metrics.jsonl").write_text("".join(line + "\n" for line in lines))
        if summary is not None:
            (folder / "summary.json").write_text(json.dumps(summary))
        return folder

    return make

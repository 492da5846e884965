"""What a released version wrote goes on with this one: runs, the server's database, exports."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.cli import main

DATA = Path(__file__).parent / "data"
VERSIONS = sorted(path.name for path in DATA.iterdir())


@pytest.fixture(params=VERSIONS)
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a version wrote."""
    return shutil.copytree(DATA / request.param, tmp_path / "released")


def command(released: Path, name: str, *more: str) -> list[str]:
    """The words that a run was started with, here and with --resume."""
    words: list[str] = json.loads((released / "commands.json").read_text())[name]
    where = ["--runs-dir", str(released / "runs"), "--tb-dir", str(released / "tb")]
    return ["teach", *words, *where, "--resume", *more]


def test_a_run_goes_on_to_its_end_with_every_label(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = released / "runs" / "synth"
    labels, metrics = ((run / name).read_text() for name in ("labels.jsonl", "metrics.jsonl"))
    assert main(command(released, "synth")) == 0, capsys.readouterr().err
    found = re.search(r"Resuming at ([\d,]+) steps with (\d+) labels", capsys.readouterr().out)
    assert found
    at = int(found[1].replace(",", ""))
    assert at > 0
    assert int(found[2]) == len(labels.splitlines())
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["timesteps"], summary["labels"]) == (30_000, 12)
    assert (run / "labels.jsonl").read_text().startswith(labels)
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert [step for step in steps if step <= at] == [json.loads(line)["step"] for line in metrics.splitlines()]

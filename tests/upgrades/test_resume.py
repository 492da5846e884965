"""What a released version wrote goes on with this one: runs, the server's database, exports."""

import json
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.labelers import HttpLabeler
from rl_teacher.cli import main
from rl_teacher.data.folder import COMPARISONS
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import start_or_attach
from rl_teacher.records import Comparison

pytestmark = pytest.mark.long

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
    segments = {path: path.read_bytes() for path in (run / "segments").iterdir()}
    assert main(command(released, "synth")) == 0, capsys.readouterr().err
    found = re.search(r"Resuming at ([\d,]+) steps with (\d+) labels", capsys.readouterr().out)
    assert found
    at = int(found[1].replace(",", ""))
    assert at > 0
    assert int(found[2]) == len(labels.splitlines())
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["timesteps"], summary["labels"]) == (8000, 12)
    assert (run / "labels.jsonl").read_text().startswith(labels)
    assert all(path.read_bytes() == data for path, data in segments.items())
    assert main(["data", "export", str(run), "--to", str(released / "d"), "--with-true-reward"]) == 0
    assert "12 comparisons" in capsys.readouterr().out
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert [step for step in steps if step <= at] == [json.loads(line)["step"] for line in metrics.splitlines()]


def test_the_comparisons_of_a_run_are_exported_with_the_segments_that_its_lines_name(released: Path) -> None:
    run = released / "runs" / "synth"
    assert main(["data", "export", str(run), "--to", str(released / "d"), "--with-true-reward"]) == 0
    rows = pq.read_table(released / "d" / COMPARISONS).to_pylist()
    asked = lines(run / "comparisons.jsonl")
    assert [row["id"] for row in rows] == [line["id"] for line in asked]
    for row, line in zip(rows, asked, strict=True):
        if "file" in line:  # else each segment says itself which it is
            with np.load(run / "segments" / line["file"]) as arrays:
                for side in ("left", "right"):
                    assert row[f"{side}_id"] == line[side]
                    for name in ("obs", "true_reward"):
                        np.testing.assert_array_equal(row[f"{side}_{name}"], arrays[f"{side}_{name}"][line["row"]])


def rl_teacher(*words: object) -> str:
    """What a command prints, in a process of its own."""
    command = [sys.executable, "-m", "rl_teacher", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_a_run_of_people_finds_its_experiment_and_goes_on(released: Path) -> None:
    run = released / "runs" / "people"
    before = lines(run / "labels.jsonl")
    said = rl_teacher(*command(released, "people", "--human.data-dir", str(released / "feedback"), "--no-human.stay"))
    assert re.search(r"Resuming at [\d,]+ steps with 4 labels", said)
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["timesteps"], summary["labels"]) == (8000, 4)
    assert lines(run / "labels.jsonl")[: len(before)] == before


def test_a_database_is_served_with_every_answer_and_takes_new_ones(released: Path) -> None:
    data = released / "feedback"
    answers = lines(released / "export" / "labels.jsonl")
    with (
        start_or_attach(data, port=0, log=lambda line: None) as server,
        FeedbackClient(server.url, server.token, "people") as client,
        HttpLabeler(rl_teacher("login-url", "--data-dir", data).split()[0], client) as labeler,
    ):
        before = list(client.all_labels())
        assert [event.comparison for event in before] == [line["comparison"] for line in answers]
        assert len(before) == 4
        assert b'id="pair"' in labeler.fetch("/e/people/label")
        (left, _), (right, _) = list(client.clips())[:2]
        asked = Comparison(str(uuid.uuid4()), left, right, 0)
        assert client.create_comparisons([asked]) == {asked.id: "created"}
        labeler.answer(timeout_s=10.0)
        *still, new = client.all_labels()
        assert still == before
        assert new.comparison == asked.id


def test_an_export_is_imported_and_exports_the_same_answers(released: Path, tmp_path: Path) -> None:
    old, new = released / "export", tmp_path / "again"
    assert "4 label events" in rl_teacher("import", old, "--data-dir", tmp_path / "data")
    rl_teacher("export", "people", "--data-dir", tmp_path / "data", "--to", new)
    assert lines(new / "labels.jsonl") == lines(old / "labels.jsonl")
    assert lines(new / "comparisons.jsonl") == lines(old / "comparisons.jsonl")
    clips = [path.name for path in sorted((old / "clips").iterdir())]
    assert clips == [path.name for path in sorted((new / "clips").iterdir())]
    assert clips

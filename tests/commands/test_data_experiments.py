"""An experiment as a source: what a server exported, and the server itself, give the same bytes and the same reward."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rl_teacher.cli import main
from rl_teacher.core.actions import BoxActions
from rl_teacher.data.about import EnvFacts
from rl_teacher.data.experiment_source import ClipFacts, Event, Experiment, experiment_source
from rl_teacher.data.folder import COMPARISONS
from rl_teacher.data.rows import Answer
from rl_teacher.people.uploader import packed
from rl_teacher.records import Preference
from rl_teacher.rewards.portable_actions import BoxSpace
from tests.segments import segment_of

OLD = Path(__file__).parents[1] / "upgrades" / "data" / "0.1.0"
"""What a version wrote that people have: an export, and the run that it is of."""


def run(*words: object) -> int:
    return main([str(word) for word in words])


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_export_holds_what_was_asked_and_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "export", OLD / "export", "--to", tmp_path / "d", "--with-clips") == 0
    assert "4 comparisons of 3 steps in ShortReacher-v1" in capsys.readouterr().out
    events = [json.loads(line) for line in (OLD / "export" / "labels.jsonl").read_text().splitlines()]
    rows = pq.read_table(tmp_path / "d" / COMPARISONS).to_pylist()
    for row, event in zip(rows, events, strict=True):
        assert (row["id"], row["left_id"], row["right_id"]) == (event["comparison"], event["a"], event["b"])
        assert (row["target"], row["rt_ms"], row["labeler"]) == (event["target"], 1500, "labeler-1")
        with np.load(OLD / "export" / "arrays" / f"{event['a']}.npz") as arrays:
            assert np.array_equal(np.float32(row["left_obs"]), arrays["obs"])
            assert np.array_equal(np.float32(row["left_action"]), arrays["actions"])  # bounds of 1: the same units
        mp4 = OLD / "export" / "clips" / f"{event['b']}.mp4"
        assert (tmp_path / "d" / row["right_clip"]).read_bytes() == mp4.read_bytes()


def test_the_export_and_the_run_that_it_is_of_say_the_same(tmp_path: Path) -> None:
    for name, source in (("export", OLD / "export"), ("run", OLD / "runs" / "people")):
        assert run("data", "export", source, "--to", tmp_path / name, "--with-true-reward") == 0
    found = {name: pq.read_table(tmp_path / name / COMPARISONS) for name in ("export", "run")}
    rows = {name: {row["id"]: row for row in table.to_pylist()} for name, table in found.items()}
    assert rows["export"].keys() <= rows["run"].keys()
    known_here_only = {"rt_ms", "strength", "answered_at", "step"}
    for one, row in rows["export"].items():
        assert {k: v for k, v in row.items() if k not in known_here_only} == {
            k: v for k, v in rows["run"][one].items() if k not in known_here_only
        }


@pytest.mark.slow
def test_server_export_run_and_files_make_the_same_reward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through a real server in a process of its own."""
    import subprocess
    import sys

    monkeypatch.setenv("HOME", str(tmp_path))
    data_dir = tmp_path / "server"
    subprocess.run(
        [sys.executable, "-m", "rl_teacher", "import", OLD / "export", "--data-dir", data_dir],
        check=True, capture_output=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    of_server = ("people", "--data-dir", data_dir)
    assert run("data", "export", *of_server, "--to", tmp_path / "a", "--with-clips", "--with-true-reward") == 0
    words = ("--with-clips", "--with-true-reward")
    assert run("data", "export", OLD / "export", "--to", tmp_path / "b", *words) == 0
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert run("fit", *of_server, "-o", tmp_path / "of-server") == 0
    sources = {"of-export": OLD / "export", "of-run": OLD / "runs" / "people", "of-files": tmp_path / "a"}
    for name, source in sources.items():
        assert run("fit", "--data", source, "-o", tmp_path / name) == 0
    rewards = {name: (tmp_path / name / "reward.npz").read_bytes() for name in ("of-server", *sources)}
    assert len(set(rewards.values())) == 1, {name: len(data) for name, data in rewards.items()}
    assert run("fit", "nobody", "--data-dir", data_dir, "-o", tmp_path / "x") == 2
    assert "ServerRefused" in capsys.readouterr().err


def changed(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


A_CLIP = json.loads((OLD / "export" / "labels.jsonl").read_text().splitlines()[1])["a"]
DAMAGE = {
    "no json": ("manifest.json", lambda data: data[:-30], "DataDamaged", "manifest.json: cannot be read"),
    "newer": ("manifest.json", lambda data: data.replace(b'"schema": 1', b'"schema": 9'), "DataRefused", "schema '9'"),
    "a torn line": ("labels.jsonl", lambda data: data.replace(b'"kind"', b"kind", 1), "FileDamaged", "labels.jsonl"),
    "a line without": ("labels.jsonl", lambda data: data.replace(b'"a"', b'"x"'), "DataDamaged", "entry 1"),
    "an odd answer": (
        "labels.jsonl", lambda data: data.replace(b'"preferred": "b"', b'"preferred": "c"'), "DataDamaged", "entry 1",
    ),
    "no clips": ("clips.jsonl", lambda data: b"", "DataDamaged", "knows no clip"),
    "cut arrays": (f"arrays/{A_CLIP}.npz", lambda data: data[:100], "DataDamaged", f"arrays of clip {A_CLIP}"),
    "no answers": ("labels.jsonl", lambda data: b"", "DataMismatch", "no answer that can be trained on"),
    "a way out": (
        "labels.jsonl", lambda data: data.replace(A_CLIP.encode(), b"../../escaped"), "DataDamaged", "knows no clip",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_an_export_that_is_damaged_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    name, change, error, said = DAMAGE[what]
    shutil.copytree(OLD / "export", tmp_path / "export")
    changed(tmp_path / "export" / name, change)
    assert run("data", "export", tmp_path / "export", "--to", tmp_path / "d") == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{error}: ")
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "d").exists()


def test_arrays_that_are_gone_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(OLD / "export", tmp_path / "export")
    (tmp_path / "export" / "arrays" / f"{A_CLIP}.npz").unlink()
    assert run("data", "export", tmp_path / "export", "--to", tmp_path / "d") == 2
    assert f"{A_CLIP}.npz: cannot be read" in capsys.readouterr().err


def test_actions_come_back_in_the_units_of_the_environment_and_answers_in_their_order(tmp_path: Path) -> None:
    actions = BoxActions((-2.0, 0.0), (2.0, 4.0))
    facts = EnvFacts("Made-v0", (3,), BoxSpace(actions.low, actions.high), ("a",) * 5, None, False)
    seen = {
        one: segment_of(obs=np.full((num, 3), num, np.float32), action=np.full((num, 2), 0.5, np.float32))
        for one, num in (("l", 2), ("r", 3), ("s", 2))
    }
    said = [
        Event(Answer("late", "ann", Preference.TIE), "r", "s"),
        Event(Answer("early", "ann", Preference.LEFT), "l", "r"),
        Event(Answer("late", "ann", None), "r", "s"),
    ]  # fmt: skip
    clips = {"l": ClipFacts(10, {"env": 1, "start": 7}), "r": ClipFacts(30, {"end": 2}), "s": ClipFacts(20, {})}
    experiment = Experiment("made", said, clips, lambda one: packed(seen[one]), lambda one: b"", {})
    source = experiment_source(experiment, facts, actions.to_env)
    (rows,) = source.read()
    assert rows.id == ["late", "early"]
    assert rows.step.tolist() == [30, 30]
    assert rows.left.lengths.tolist() == [3, 2]
    assert (source.about.shortest, source.about.longest) == (2, 3)
    # half way from the middle to the upper bound: 0 + 0.5 * 2, 2 + 0.5 * 2
    assert rows.left.action.tolist() == [[1.0, 3.0]] * 5
    assert rows.left.end.tolist() == [2, -1]
    assert rows.left.env_index.tolist() == [0, 1]
    assert [one.preference for one in source.answers] == [Preference.TIE, Preference.LEFT, None]

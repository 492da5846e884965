"""metrics.jsonl and TensorBoard's file are read back."""

import json
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event

from rl_teacher.errors import FolderUnwritable
from rl_teacher.storage.metrics import MetricsWriter, read_metrics
from rl_teacher.storage.names import METRICS


def events(folder: Path) -> list[Any]:
    """Every event in the files of `folder`, in order: a record is length, checksum, bytes, checksum."""
    found = []
    for path in sorted(folder.glob("events.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 8], "little")
            found.append(Event.FromString(data[at + 12 : at + 12 + length]))
            at += 16 + length
    return found


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    """(tag, step, value) of all of them."""
    return [(value.tag, event.step, value.simple_value) for event in events(folder) for value in event.summary.value]


def write(folder: Path, resume_step: int | None, steps: list[int]) -> None:
    writer = MetricsWriter(folder / "run", folder / "tb", resume_step)
    for step in steps:
        writer.write(step, {"agent/true_reward_per_episode": step / 10})
    writer.close()


def test_each_iteration_is_one_line_and_one_scalar_per_tag(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path / "run", tmp_path / "tb", None)
    writer.write(100, {"predictor/loss": 0.5, "labels/total_comparisons": 3})
    assert read_metrics(tmp_path / "run" / METRICS) == [  # flushed: there before close
        {"step": 100, "predictor/loss": 0.5, "labels/total_comparisons": 3.0}
    ]
    writer.close()
    writer.close()
    assert scalars(tmp_path / "tb") == [("predictor/loss", 100, 0.5), ("labels/total_comparisons", 100, 3.0)]


def test_what_is_not_finite_is_null_and_not_in_tensorboard(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path / "run", tmp_path / "tb", None)
    writer.write(5, {"a": float("nan"), "b": float("inf"), "c": 1.0})
    writer.close()
    assert (tmp_path / "run" / METRICS).read_text() == '{"step": 5, "a": null, "b": null, "c": 1.0}\n'
    assert [tag for tag, _, _ in scalars(tmp_path / "tb")] == ["c"]


def test_resuming_drops_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, None, [10, 20, 30, 40])
    write(tmp_path, 20, [30, 40, 50])
    assert [line["step"] for line in read_metrics(tmp_path / "run" / METRICS)] == [10, 20, 30, 40, 50]


def test_killed_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    write(tmp_path / "whole", None, [10, 20, 30])
    write(tmp_path / "cut", None, [10, 20])
    with (tmp_path / "cut/run" / METRICS).open("a") as file:
        file.write('{"step": 30, "agent/true_rew')  # killed while writing
    write(tmp_path / "cut", 20, [30])
    whole, cut = ((tmp_path / name / "run" / METRICS).read_bytes() for name in ("whole", "cut"))
    assert whole == cut


def test_a_new_run_starts_an_empty_file(tmp_path: Path) -> None:
    write(tmp_path, None, [10, 20])
    write(tmp_path, None, [5])
    assert [line["step"] for line in read_metrics(tmp_path / "run" / METRICS)] == [5]


def test_tensorboard_is_told_which_steps_are_written_again(tmp_path: Path) -> None:
    write(tmp_path, None, [10, 20, 30])
    write(tmp_path / "again", 20, [30])
    starts = [event.step for event in events(tmp_path / "again/tb") if event.session_log.status == 1]
    assert starts == [21]


def test_lines_that_are_no_metrics_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / METRICS
    path.write_text(json.dumps({"step": 1}) + '\nnonsense\n[1]\n{"step": "2"}\n{"no": 1}\n')
    assert read_metrics(path) == [{"step": 1}]
    assert read_metrics(tmp_path / "missing") == []


def test_folders_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnwritable, match=r"file/run: cannot be written \(Not a directory\)"):
        MetricsWriter(tmp_path / "file/run", tmp_path / "tb", None)
    with pytest.raises(FolderUnwritable, match=r"--tb-dir .*file/tb: cannot be written"):
        MetricsWriter(tmp_path / "run", tmp_path / "file/tb", None)

"""The list of runs, by folders made by hand."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rl_teacher.commands.runs import format_age, format_runs, list_runs
from rl_teacher.errors import RunMissing
from rl_teacher.storage.lock import take_lock

CONFIG = {
    "env_id": "Hopper-v1",
    "predictor": "synth",
    "agent": "ppo",
    "seed": 1,
    "n_labels": 300,
    "timesteps": 5_000_000,
}

MakeRun = Callable[..., Path]


def aged(folder: Path, written_at: float) -> Path:
    for path in folder.iterdir():
        os.utime(path, (written_at, written_at))
    return folder


def test_a_finished_run_a_running_one_and_a_stopped_one(tmp_path: Path, make_run: MakeRun) -> None:
    summary = CONFIG | {"labels": 299}
    aged(make_run(tmp_path / "done", CONFIG, [(100, 1.0), (200, 7.25)], summary), 9_000)
    aged(make_run(tmp_path / "going", CONFIG, [(100, 1.5), (250, None)]), 9_900)
    aged(make_run(tmp_path / "dead", CONFIG), 5_000)
    take_lock(tmp_path / "dead").close()  # its process has ended, and left the file
    (tmp_path / "no-run").mkdir()
    with take_lock(tmp_path / "going"):
        rows = list_runs(tmp_path, now=10_000)
    assert [(row.name, row.state, row.labels, row.steps, row.final_return, row.age_seconds) for row in rows] == [
        ("going", "running", 300, 250, 1.5, 100.0),
        ("done", "finished", 299, 200, 7.25, 1000.0),
        ("dead", "stopped", 300, 0, None, 5000.0),
    ]
    assert {row.total_steps for row in rows} == {5_000_000}


def test_a_run_that_waits_for_people_for_an_hour_is_running_and_one_that_was_killed_a_moment_ago_is_not(
    tmp_path: Path, make_run: MakeRun
) -> None:
    waiting = aged(make_run(tmp_path / "waiting", CONFIG), 0)
    killed = aged(make_run(tmp_path / "killed", CONFIG), 3599)
    hold = "import sys; from pathlib import Path; from rl_teacher.storage.lock import take_lock;"
    hold += "lock = take_lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", hold, killed], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with take_lock(waiting):
        assert {row.name: row.state for row in list_runs(tmp_path, now=3600)} == dict.fromkeys(
            ("waiting", "killed"), "running"
        )
        process.kill()
        process.communicate()
        assert {row.name: row.state for row in list_runs(tmp_path, now=3600)} == {
            "waiting": "running", "killed": "stopped"
        }  # fmt: skip


def test_a_damaged_folder_is_listed_with_what_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "config.json").write_text("{")
    (row,) = list_runs(tmp_path)
    assert (row.name, row.env_id, row.labels, row.steps, row.total_steps) == ("damaged", "", None, 0, None)
    assert "damaged" in format_runs([row])


def test_the_table_is_aligned(tmp_path: Path, make_run: MakeRun) -> None:
    aged(make_run(tmp_path / "a-long-name", CONFIG, [(1_250_000, 2514.26)]), 9_000)
    aged(make_run(tmp_path / "b", CONFIG | {"predictor": "rl", "n_labels": None}), 4_000)
    assert format_runs(list_runs(tmp_path, now=10_000)).splitlines() == [
        "name         env        predictor  agent  labels                   steps  state     return     age",
        "a-long-name  Hopper-v1  synth      ppo       300  1,250,000 of 5,000,000  stopped  2,514.3  16 min",
        "b            Hopper-v1  rl         ppo         -          0 of 5,000,000  stopped        -     1 h",
    ]


def test_no_runs_say_how_to_start_one(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "missing") == []
    assert "rl-teacher teach" in format_runs([])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7200, "2 h"), (86400 * 12, "12 d")]
)
def test_an_age_has_its_largest_unit(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_a_folder_of_runs_may_be_odd(tmp_path: Path, make_run: MakeRun) -> None:
    make_run(tmp_path / "good", CONFIG, [(100, 1.0)])
    marked = make_run(tmp_path / "marked", CONFIG, [(100, 1.0)])
    for name in ("config.json", "metrics.jsonl"):
        (marked / name).write_bytes(b"\xef\xbb\xbf" + (marked / name).read_bytes().replace(b"\n", b"\r\n"))
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    odd = make_run(tmp_path / "odd", CONFIG) / "metrics.jsonl"
    odd.unlink()
    odd.mkdir()
    rows = {row.name: row for row in list_runs(tmp_path)}
    assert rows.keys() == {"good", "marked", "odd"}
    assert rows["marked"].env_id == rows["good"].env_id == "Hopper-v1"
    assert rows["marked"].final_return == 1.0
    assert list_runs(tmp_path / ("x" * 300)) == []
    with pytest.raises(RunMissing, match=r"cannot be read \(Not a directory\)"):
        list_runs(tmp_path / "good" / "config.json")

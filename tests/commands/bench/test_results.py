"""The file of results: what is kept, what a crash may tear, and what is refused."""

import json
from pathlib import Path

import pytest

from rl_teacher.commands.bench.cells import Cell, row_from_json
from rl_teacher.commands.bench.results import Results
from rl_teacher.errors import FolderUnwritable, ResultsDamaged, SettingsChanged
from tests.commands.bench.rows import row, stored


def test_a_row_is_one_line_with_the_documented_keys(tmp_path: Path) -> None:
    stored(tmp_path / "new" / "r.jsonl", row(900, 100, flags=("--reward.num_crops", "0")))
    (line,) = (tmp_path / "new" / "r.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "settings": "base", "task": "ShortHopper-v1", "agent": "ppo", "labels": 100, "seed": 1, "steps": 1000,
        "teacher": "oracle", "flags": ["--reward.num_crops", "0"], "wall": 60.0,
        "result": {"final_true_return": 900, "final_true_return_deterministic": 901},
        "commit": "abc1234", "machine": "2 x Processor",
    }  # fmt: skip


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [row(900, 100), row(910, 100, seed=2, teacher="mistake"), row(920, 0)]
    stored(tmp_path / "r.jsonl", *rows)
    assert list(Results(tmp_path / "r.jsonl").rows.values()) == rows


def test_rows_of_older_experiments_have_no_teacher_commit_or_machine() -> None:
    old = {
        "settings": "base", "task": "ShortHopper-v1", "agent": "ppo", "labels": 100, "seed": 1, "steps": 1000000,
        "flags": [], "wall": 61.2, "result": {"final_true_return": 5, "comparison_accuracy_holdout": None},
    }  # fmt: skip
    read = row_from_json(old)
    assert read.cell == Cell("base", "ShortHopper-v1", "ppo", 100, 1, 1_000_000, "oracle")
    assert (read.wall, read.origin, read.result["comparison_accuracy_holdout"]) == (61.2, {}, None)


def test_a_torn_last_line_is_no_result_and_the_next_row_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    stored(path, row(900, 100), row(910, 100, seed=2))
    whole = path.read_bytes()
    for cut in (1, 20, len(whole.splitlines()[1]) - 1):
        path.write_bytes(whole[: -cut - 1])
        results = Results(path)
        assert len(results.rows) == 1
        results.append(row(910, 100, seed=2))
        assert path.read_bytes() == whole


def test_a_last_line_without_its_line_break_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    stored(path, row(900, 100), row(910, 100, seed=2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    results = Results(path)
    assert len(results.rows) == 2
    results.append(row(920, 100, seed=3))
    assert path.read_bytes().startswith(whole)
    assert len(Results(path).rows) == 3


@pytest.mark.parametrize("line", ["{}", "not json", '{"settings": "base"}', "[1]", ""])
def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.jsonl"
    stored(path, row(900, 100))
    path.write_text(f"{path.read_text()}{line}\n{path.read_text()}")
    with pytest.raises(ResultsDamaged, match=r"r\.jsonl', line 2: got '"):
        Results(path)


def test_the_same_name_for_other_settings_is_refused(tmp_path: Path) -> None:
    results = stored(tmp_path / "r.jsonl", row(900, 100, flags=("--reward.num_crops", "4")))
    results.check({"base": ("--reward.num-crops=4",), "other": ()})  # the same, spelled otherwise
    results.check({"other": ()})  # nothing is wanted of that name
    with pytest.raises(SettingsChanged, match=r"'base': .* holds results of `--reward\.num_crops 4`, .* the defaults"):
        results.check({"base": ()})


def test_results_of_a_flag_that_is_gone_are_of_other_settings(tmp_path: Path) -> None:
    results = stored(tmp_path / "r.jsonl", row(900, 100, flags=("--reward.gone", "1")))
    with pytest.raises(SettingsChanged, match=r"--reward\.gone 1"):
        results.check({"base": ()})
    results.check({"base": ("--reward.gone", "1")})


def test_a_file_that_cannot_be_written_is_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnwritable, match=r"file/r\.jsonl"):
        Results(tmp_path / "file" / "r.jsonl").mend()

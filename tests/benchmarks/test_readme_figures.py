"""README's table and picture say what the file of results says."""

import dataclasses
from pathlib import Path

import pytest

from benchmarks.readme_figures import (
    PAGE,
    PAGE_BLOCK,
    PICTURE,
    README,
    README_BLOCK,
    digest,
    draw,
    points,
    read_report,
    stamp,
    table,
    with_table,
)
from rl_teacher.commands.bench.report import SAMPLED, Report
from rl_teacher.commands.bench.table import table as long_table
from rl_teacher.commands.bench.tasks import PAPER_TASKS

REPORT = read_report()


def with_other_return(task: str, labels: int) -> Report:
    """The same results, but for one training, which reached a tenth more."""
    changed = dict(REPORT.rows)
    cell = next(cell for cell in changed if (cell.task, cell.labels, cell.seed) == (task, labels, 1))
    result = {**changed[cell].result, SAMPLED: 1.1 * changed[cell].result[SAMPLED]}
    changed[cell] = dataclasses.replace(changed[cell], result=result)
    return Report(REPORT.plan, changed)


def test_the_table_of_the_readme_is_that_of_the_results() -> None:
    readme = README.read_text()
    assert readme == with_table(readme, README_BLOCK, table(REPORT)), "python -m benchmarks.readme_figures"


def test_the_table_of_the_page_is_that_of_the_results() -> None:
    page = PAGE.read_text()
    assert page == with_table(page, PAGE_BLOCK, long_table(REPORT)), "python -m benchmarks.readme_figures"


def test_the_picture_shows_the_results() -> None:
    assert stamp(PICTURE) == digest(points(REPORT)), "python -m benchmarks.readme_figures"
    assert f"({PICTURE.relative_to(README.parent)})" in README.read_text()


def test_the_table_has_all_tasks_by_their_ids() -> None:
    ids = [line.split(" | ")[0].removeprefix("| ") for line in table(REPORT).splitlines() if line.startswith("| ")]
    assert ids[1:] == [*PAPER_TASKS, "all tasks"]


def test_a_row_by_hand() -> None:
    # true reward 1075.4, 1107.7, 1139.8: mean 1107.6, deviations -32.2, 0.1, 32.2: std sqrt(2 x 32.2^2 / 2) = 32
    # 100 labels 1079.0, 1119.5, 1035.8: mean 1078.1, deviations 0.9, 41.4, -42.3: std sqrt((1 + 1714 + 1789) / 2) = 42
    # score: (1078.1 - 103) / (1107.6 - 103) = 0.97
    (row,) = [line for line in table(REPORT).splitlines() if line.startswith("| ShortHopper-v1 ")]
    assert row == "| ShortHopper-v1 | 103 | 1108 ± 32 | 1078 ± 42 | 0.97 [0.93, 1.01] |"


@pytest.mark.parametrize(("labels", "in_table"), [(0, True), (100, True), (350, False)])
def test_another_return_is_another_table_and_another_picture(labels: int, in_table: bool) -> None:
    changed = with_other_return("ShortHopper-v1", labels)
    assert digest(points(changed)) != digest(points(REPORT))
    assert (table(changed) != table(REPORT)) == in_table


def test_a_picture_carries_the_digest_of_what_it_shows(tmp_path: Path) -> None:
    drawn = points(with_other_return("ShortHopper-v1", 100))
    draw(drawn, REPORT.plan, tmp_path / "scores.png")
    assert stamp(tmp_path / "scores.png") == digest(drawn) != stamp(PICTURE)

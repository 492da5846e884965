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
    sentence,
    stamp,
    with_table,
)
from rl_teacher.commands.bench.report import SAMPLED, Report
from rl_teacher.commands.bench.table import table as long_table
from rl_teacher.commands.bench.tasks import PAPER_TASKS

REPORT = read_report()


def with_other_return(task: str, labels: int, times: float = 1.1) -> Report:
    """The same results, but for one training, which reached so many times as much."""
    changed = dict(REPORT.rows)
    cell = next(cell for cell in changed if (cell.task, cell.labels, cell.seed) == (task, labels, 1))
    result = {**changed[cell].result, SAMPLED: times * changed[cell].result[SAMPLED]}
    changed[cell] = dataclasses.replace(changed[cell], result=result)
    return Report(REPORT.plan, changed)


def test_the_sentence_of_the_readme_is_that_of_the_results() -> None:
    readme = README.read_text()
    assert readme == with_table(readme, README_BLOCK, sentence(REPORT)), "python -m benchmarks.readme_figures"


def test_the_table_of_the_page_is_that_of_the_results() -> None:
    page = PAGE.read_text()
    assert page == with_table(page, PAGE_BLOCK, long_table(REPORT)), "python -m benchmarks.readme_figures"


def test_the_picture_shows_the_results() -> None:
    assert stamp(PICTURE) == digest(points(REPORT)), "python -m benchmarks.readme_figures"
    assert f"({PICTURE.relative_to(README.parent)})" in README.read_text()


def test_the_table_has_all_tasks_by_their_ids() -> None:
    shown = long_table(REPORT)
    assert not [task for task in PAPER_TASKS if f"| {task} |" not in shown]


@pytest.mark.parametrize(("labels", "in_sentence"), [(0, True), (100, True), (350, False)])
def test_another_return_may_be_another_sentence_and_is_another_picture(labels: int, in_sentence: bool) -> None:
    assert digest(points(with_other_return("ShortHopper-v1", labels))) != digest(points(REPORT))
    much_more = with_other_return("ShortHopper-v1", labels, times=1.5)  # a tenth may not move an interquartile mean
    assert (sentence(much_more) != sentence(REPORT)) == in_sentence


def test_a_picture_carries_the_digest_of_what_it_shows(tmp_path: Path) -> None:
    drawn = points(with_other_return("ShortHopper-v1", 100))
    draw(drawn, REPORT.plan, tmp_path / "scores.png")
    assert stamp(tmp_path / "scores.png") == digest(drawn) != stamp(PICTURE)

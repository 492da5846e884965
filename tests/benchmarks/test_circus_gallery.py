"""The circus's gallery: which rows count, what the table says, and that the page is as new as its results."""

from pathlib import Path

import pytest

from benchmarks import circus
from rl_teacher.commands.circus.acts import find_acts, load_act
from rl_teacher.files import append_lines, read_lines

SPIN = load_act("spin", find_acts())


def row(seed: int, value: float, **changes: object) -> dict[str, object]:
    own = {"labels": SPIN.act.num_labels, "steps": SPIN.act.num_steps, "seconds": 61.4, "random": 0.7}
    return {"act": "spin", "teacher": "synth", "seed": seed, "value": value, **own, **changes}


def test_rows_are_those_of_the_acts_own_budget_and_its_judge():
    rows = [
        row(2, 70.0),
        row(1, 72.0),
        row(3, 1.0, labels=300),
        row(3, 1.0, teacher="human"),
        row(3, 1.0, act="stroll"),
    ]
    assert [one["seed"] for one in circus.rows_of(SPIN, rows)] == [1, 2]


def test_the_picture_is_that_of_the_middle_seed():
    assert circus.middle_of([row(1, 70.0), row(2, 10.0), row(3, 60.0)])["seed"] == 3
    assert circus.middle_of([row(1, 70.0), row(2, 10.0)])["seed"] == 2


def test_the_table_has_every_seed_mean_and_standard_deviation():
    line = circus.table([SPIN], [row(1, 70.0), row(2, 64.0), row(3, 61.0)]).splitlines()[-1]
    assert line == "| spin | 100, 1 million | rad/s | ≥ 60 | 70.0, 64.0, 61.0 | 65.0 ± 4.6 | 0.7 | 61, 61, 61 |"


def test_what_is_finished_is_not_taught_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    taught: list[tuple[str, int]] = []
    results = tmp_path / "rows.jsonl"
    append_lines(results, [row(1, 70.0)])
    monkeypatch.setattr(circus, "RESULTS", results)
    monkeypatch.setattr(circus, "teach", lambda act, seed: taught.append((act.name, seed)))
    monkeypatch.setattr(circus, "write_page", lambda acts: None)
    circus.main(["--acts", "spin", "--seeds", "1,2"])
    assert taught == [("spin", 2)]


def test_the_page_says_what_the_results_say():
    acts = [load_act(name, find_acts()) for name in find_acts()]
    page, rows = circus.PAGE.read_text(), list(read_lines(circus.RESULTS))
    assert circus.with_table(page, circus.BLOCK, circus.table(acts, rows)) == page, "run: make circus"
    assert circus.with_table(page, circus.GALLERY, circus.gallery(acts)) == page, "run: make circus"
    for act in acts:
        assert len(circus.rows_of(act, rows)) >= 1, f"{act.name}: run: make circus"
        assert circus.picture_of(act.name).exists()

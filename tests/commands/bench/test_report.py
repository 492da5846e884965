"""The table and the picture of a small benchmark whose numbers are known."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from rl_teacher.commands.bench.cells import Row
from rl_teacher.commands.bench.figure import draw
from rl_teacher.commands.bench.plan import Plan
from rl_teacher.commands.bench.report import MOST_LIKELY, Report, Way
from rl_teacher.commands.bench.settings import Settings
from rl_teacher.commands.bench.table import table
from rl_teacher.commands.plot_style import COLORS
from rl_teacher.errors import BenchError
from tests.commands.bench.rows import row

HOPPER, OWN = "ShortHopper-v1", "Own-v0"
SETTINGS = {"base": Settings("base"), "crops": Settings("crops", (("reward.num_crops", 0),))}
PLAN = Plan(
    tasks=(HOPPER, OWN), labels=(0, 100, 50), seeds=(1, 2), steps=1000, settings=SETTINGS,
    random={HOPPER: 100.0, OWN: -10.0},
)  # fmt: skip


def rows() -> list[Row]:
    """Hopper: random 100, true reward 1100; the other task: -10 and 10."""
    return [
        row(1090, 0), row(1110, 0, 2), row(10, 0, task=OWN), row(10, 0, 2, task=OWN),
        row(900, 100), row(1000, 100, 2), row(0, 100, task=OWN), row(10, 100, 2, task=OWN),
        row(600, 50), row(-10, 50, task=OWN),
        row(300, 100, settings="crops", flags=("--reward.num_crops", "0")),
    ]  # fmt: skip


def report(plan: Plan = PLAN, measure: str = "final_true_return") -> Report:
    return Report(plan, {one.cell: one for one in rows()}, measure)


def test_scores_are_measured_by_random_actions_and_the_mean_on_the_true_reward() -> None:
    # (900 - 100) / (1100 - 100), (1000 - 100) / 1000; (0 + 10) / 20, (10 + 10) / 20
    np.testing.assert_allclose(report().scores(HOPPER, Way("base", "ppo"), 100), [0.8, 0.9])
    np.testing.assert_allclose(report().scores(OWN, Way("base", "ppo"), 100), [0.5, 1.0])
    # the reward of other settings is measured by the same line: (300 - 100) / 1000
    np.testing.assert_allclose(report().scores(HOPPER, Way("crops", "ppo"), 100), [0.2])


def test_all_tasks_together_are_the_interquartile_mean_of_tasks_and_seeds() -> None:
    overall = report().overall(Way("base", "ppo"), 100)
    assert overall is not None
    assert overall.middle == pytest.approx(0.85)  # of 0.5 0.8 0.9 1.0: the middle two
    assert overall.num_tasks == 2
    # draws take two of {0.8, 0.9} and two of {0.5, 1}: at worst 0.5 0.5 0.8 0.8, middle 0.65; at best 0.9 0.9 1 1: 0.95
    assert (overall.low, overall.high) == (pytest.approx(0.65), pytest.approx(0.95))
    assert report().overall(Way("crops", "ppo"), 50) is None


def test_the_table_says_all_of_it() -> None:
    # 1090 and 1110 have a standard deviation of sqrt(200) = 14, 900 and 1000 one of 71, 0 and 10 one of 7.1
    assert table(report()).splitlines() == [
        "| task | settings | random | true reward | 100 labels | score | 50 labels | score |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| ShortHopper-v1 | base | 100 | 1100 ± 14 | 950 ± 71 | 0.85 [0.80, 0.90] | 600 (1 of 2 seeds) | 0.50 |",
        "| ShortHopper-v1 | crops | 100 | 1100 ± 14 | 300 (1 of 2 seeds) | 0.20 | - | - |",
        "| Own-v0 | base | -10 | 10 ± 0 | 5 ± 7.1 | 0.75 [0.50, 1.00] | -10 (1 of 2 seeds) | 0.00 |",
        "| Own-v0 | crops | -10 | 10 ± 0 | - | - | - | - |",
        "| **all tasks**, IQM | base | 0 | 1 |  | **0.85** [0.65, 0.95] |  | **0.25** |",
        "| **all tasks**, IQM | crops | 0 | 1 |  | **0.20** (1 of 2 tasks) |  | - |",
        "| seconds per training | base |  | 60 | 60 |  | 60 |  |",
        "| seconds per training | crops |  | 60 | 60 |  | - |  |",
        "",
        "1,000 steps, seeds 1, 2. True returns of sampled actions, mean ± standard deviation over seeds; scores with "
        "95 % bootstrap intervals over seeds; IQM: interquartile mean over tasks and seeds.",
        "Commit: abc1234.",
        "Machine: 2 x Processor.",
    ]


def test_the_mean_policy_has_a_table_of_its_own() -> None:
    text = table(report(measure=MOST_LIKELY))
    assert "| ShortHopper-v1 | base | 100 | 1101 ± 14 | 951 ± 71 |" in text  # all of it one more
    assert "of the policy's most likely actions" in text


def test_agents_and_teachers_are_named_where_there_are_several() -> None:
    plan = Plan(agents=("ppo", "trpo"), teachers=("oracle", "mistake"))
    several = Report(plan, {})
    assert [several.name_of(way) for way in several.ways] == [
        "base, ppo, oracle", "base, ppo, mistake", "base, trpo, oracle", "base, trpo, mistake",
    ]  # fmt: skip


def test_no_score_is_made_up_without_the_true_reward() -> None:
    without = Report(PLAN, {one.cell: one for one in rows() if one.cell.labels})
    assert "| ShortHopper-v1 | base | 100 | - | 950 ± 71 | - | 600 (1 of 2 seeds) | - |" in table(without)
    assert without.overall(Way("base", "ppo"), 100) is None


def painted(picture: np.ndarray, color: str) -> np.ndarray:
    """Where the picture has a color, shape (row, column)."""
    rgb = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    found: np.ndarray = np.abs(picture - rgb).max(axis=2) <= 2
    return found


def runs_of(rows: np.ndarray) -> int:
    """Stretches of True."""
    return int(np.diff(np.concatenate([[0], rows.astype(int)])).clip(0).sum())


def test_the_picture_has_a_panel_per_task_and_one_for_all(tmp_path: Path) -> None:
    out = tmp_path / "plots" / "figure.png"
    draw(report(), out)
    picture = (imread(out)[..., :3] * 255).round().astype(int)
    for color in COLORS[:2]:
        assert painted(picture, color).sum() > 150
    # the line of the true reward crosses every panel: three stretches side by side on one height or another
    height, width = picture.shape[:2]
    wide = painted(picture, "#333333")[: int(height * 0.8)]
    columns = np.zeros(width, bool)
    for line in wide:
        for start in np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int)])) == 1):
            length = int(np.argmin(np.concatenate([line[start:], [False]])))
            if length > width * 0.2:
                columns[start : start + length] = True
    assert runs_of(columns) == 3


def test_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    for suffix in (".svg", ".png"):
        for name in ("a", "b"):
            draw(report(), tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no finished cell"):
        draw(Report(PLAN, {}), tmp_path / "figure.png")

"""README's sentence and picture, from benchmarks/results/figure.jsonl: `python -m benchmarks.readme_figures`.

The sentence stands between two comments of README.md, the table of the same results between two of
docs/benchmarks.md; the picture is docs/images/scores.png. A digest of what is drawn is stamped into it, so that a test
sees when it is older than the results, whatever version of Matplotlib drew it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rl_teacher.commands.bench.plan import Plan, read_plan
from rl_teacher.commands.bench.report import Report
from rl_teacher.commands.bench.results import Results
from rl_teacher.commands.bench.table import table as long_table
from rl_teacher.commands.plot_style import COLORS, tidy

ROOT = Path(__file__).parents[1]
README, PAGE, PICTURE = ROOT / "README.md", ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "images" / "scores.png"
PLAN = ROOT / "benchmarks" / "figure.toml"
README_BLOCK, PAGE_BLOCK = "figures", "figure"
"""Names of the comments between which the sentence and the table stand."""
STAMP = "Comment"
"""The key of the picture's metadata that holds the digest."""
TABLE_LABELS = 100
ALL = "all tasks"
_NUMBERS = {3: "three", 5: "five", 10: "ten"}
INK, GRAY = "#333333", "#8a8a8a"
SHIFT = 0.24
"""Between the lines of two label budgets, of the distance between two tasks."""


@dataclass(frozen=True, slots=True)
class Point:
    """The score of a task with a number of labels: 0 for random actions, 1 for the true reward."""

    task: str
    labels: int
    middle: float
    """Mean over seeds; over all tasks the interquartile mean."""
    low: float
    """Lower end of the 95 % bootstrap interval over seeds."""
    high: float


def read_report() -> Report:
    """The finished trainings of the paper's figure.

    Raises:
        ConfigError: the plan or its results cannot be read.
    """
    plan = read_plan(PLAN)
    return Report(plan, Results(plan.results).rows)


def points(report: Report) -> list[Point]:
    """Every score of the picture, to three decimals: tasks in order, few labels first, all tasks together last."""
    (way,), budgets = report.ways, sorted(report.plan.budgets)
    found = []
    for task in report.plan.tasks:
        for labels in budgets:
            middle = float(report.scores(task, way, labels).mean())
            low, high = report.interval(task, way, labels)
            found.append(Point(task, labels, round(middle, 3), round(low, 3), round(high, 3)))
    for labels in budgets:
        one = report.overall(way, labels)
        assert one is not None, f"no task has a score with {labels} labels"
        found.append(Point(ALL, labels, round(one.middle, 3), round(one.low, 3), round(one.high, 3)))
    return found


def digest(drawn: Sequence[Point]) -> str:
    """What the picture shows, in 64 letters and digits."""
    return hashlib.sha256(json.dumps([asdict(point) for point in drawn]).encode()).hexdigest()


def sentence(report: Report) -> str:
    """What 100 answers are worth, over all tasks."""
    (way,) = report.ways
    score = report.overall(way, TABLE_LABELS)
    assert score is not None, f"no task has a score with {TABLE_LABELS} labels"
    share = f"**{score.middle:.2f}** [{score.low:.2f}, {score.high:.2f}]"
    return (
        f"From {TABLE_LABELS} answers agents reach {share} of what the true reward teaches: the interquartile mean\n"
        f"over nine tasks and {_NUMBERS[len(report.plan.seeds)]} seeds, with its 95 % interval "
        "([all figures](docs/benchmarks.md#the-papers-figure))."
    )


def with_table(page: str, block: str, text: str) -> str:
    """A page with this table between the comments of a block."""
    start, end = f"<!-- {block}:start -->\n", f"\n<!-- {block}:end -->"
    head, rest = page.split(start)
    return head + start + text + end + rest.split(end)[1]


def draw(drawn: Sequence[Point], plan: Plan, out: Path) -> None:
    """A row per task, a line per label budget."""
    tasks = list(dict.fromkeys(point.task for point in drawn))
    figure = Figure(figsize=(8.4, 5.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for index, labels in enumerate(budgets := sorted({point.labels for point in drawn})):
        shift = SHIFT * (index - (len(budgets) - 1) / 2)
        _draw_budget(axes, [point for point in drawn if point.labels == labels], tasks, shift, COLORS[index])
    axes.axvline(0, color=GRAY, linestyle=":", linewidth=1.3)
    axes.axvline(1, color=INK, linewidth=1.3)
    axes.axhline(len(tasks) - 1.5, color=GRAY, linewidth=0.8)
    axes.set_yticks(range(len(tasks)), tasks)
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.set_xlabel("score: 0 is random actions, 1 the same agent on the true reward")
    axes.tick_params(length=0)
    tidy(axes)
    axes.grid(visible=False, axis="y")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(0.07, 0.5), fontsize=9)
    figure.suptitle("What agents learn from few comparisons", x=0.01, ha="left", fontweight="bold", fontsize=13)
    axes.set_title(
        f"{plan.steps:,} environment steps, {len(plan.seeds)} seeds, synthetic labels. Dots: mean over seeds, for all "
        "tasks the\ninterquartile mean. Bars: 95 % bootstrap interval over seeds.", loc="left", fontsize=9, color=INK,
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={STAMP: digest(drawn)})


def _draw_budget(axes: Axes, drawn: Sequence[Point], tasks: Sequence[str], shift: float, color: str) -> None:
    """One label budget, a little above or below the others."""
    places = [tasks.index(point.task) + shift for point in drawn]
    middle = [point.middle for point in drawn]
    bars = [[point.middle - point.low for point in drawn], [point.high - point.middle for point in drawn]]
    axes.errorbar(
        middle, places, xerr=bars, color=color, label=f"{drawn[0].labels} labels", linestyle="none", elinewidth=1.6,
        marker="o", markersize=6, markeredgecolor="white", markeredgewidth=0.8,
    )  # fmt: skip


def stamp(picture: Path) -> str:
    """The digest in a picture, empty if there is none."""
    from PIL import Image

    with Image.open(picture) as image:
        return str(image.info.get(STAMP, ""))


def main() -> None:
    """Write all of them."""
    report = read_report()
    README.write_text(with_table(README.read_text(), README_BLOCK, sentence(report)))
    PAGE.write_text(with_table(PAGE.read_text(), PAGE_BLOCK, long_table(report)))
    draw(points(report), report.plan, PICTURE)


if __name__ == "__main__":
    main()

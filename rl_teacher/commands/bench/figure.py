"""The picture of a benchmark: true return against labels, a small panel per task, and all tasks in the first."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from rl_teacher.commands.bench.report import Report
from rl_teacher.commands.bench.scores import Floats, spread
from rl_teacher.commands.plot_style import COLORS, DASHES, save, tidy
from rl_teacher.errors import BenchError

INK, GRAY = "#333333", "#8a8a8a"
PANEL_INCHES = (2.65, 2.25)
DODGE = 1.06
"""Factor between the places of two settings at one label count, so that bars do not hide each other."""


def draw(report: Report, out: Path) -> None:
    """Draw what is finished.

    Raises:
        BenchError: nothing is.
        FolderUnwritable: `out` cannot be written.
    """
    tasks = [task for task in report.plan.tasks if _has_any(report, task)]
    if not tasks:
        raise BenchError("figure: got no finished cell with labels of this benchmark. Run it without --table first.")
    num_panels = len(tasks) + (len(tasks) > 1)
    columns = min(num_panels, 4 if num_panels > 6 else 3)
    rows = math.ceil(num_panels / columns)
    width, height = PANEL_INCHES
    figure = Figure(figsize=(max(width * columns, 4.6), height * rows + 0.95), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.flat)
    for panel in panels[num_panels:]:
        panel.set_axis_off()
    if len(tasks) > 1:
        _draw_overall(panels[0], report)
    for panel, task in zip(panels[num_panels - len(tasks) :], tasks, strict=False):
        _draw_task(panel, report, task)
    figure.suptitle("True return against number of labels", x=0.008, ha="left", fontweight="bold", fontsize=12)
    _explain(figure, report, panels[:num_panels], panels[num_panels:])
    save(figure, out)


def _draw_task(axes: Axes, report: Report, task: str) -> None:
    axes.set_title(task.removesuffix("-v1"), loc="left", fontsize=10)
    axes.axhline(report.plan.random[task], color=GRAY, linestyle=":", linewidth=1.3, label="random actions")
    drawn: list[str] = []
    for index, way in enumerate(report.ways):
        name = f"{report.plan.rl_settings(way.settings, way.agent)}, {way.agent}"
        values = report.returns(task, way, 0)
        if len(values) and name not in drawn:
            label = f"true reward, {name}" if drawn else "true reward"
            _draw_true_reward(axes, values, label, _color(index) if drawn else INK)
            drawn.append(name)
    for index, way in enumerate(report.ways):
        groups = [(labels, report.returns(task, way, labels)) for labels in report.plan.budgets]
        points = [(labels, float(group.mean()), spread(group)) for labels, group in groups if len(group)]
        middle = np.array([point[1] for point in points])
        bars = np.nan_to_num([point[2] for point in points])
        _draw_way(axes, report, index, [point[0] for point in points], middle, np.stack([bars, bars]))
    _finish(axes, report)


def _draw_overall(axes: Axes, report: Report) -> None:
    axes.set_title("All tasks: score", loc="left", fontsize=10, fontweight="bold")
    axes.axhline(0, color=GRAY, linestyle=":", linewidth=1.3)
    axes.axhline(1, color=INK, linewidth=1.3)
    for index, way in enumerate(report.ways):
        found = [(labels, one) for labels in report.plan.budgets if (one := report.overall(way, labels))]
        middle = np.array([one.middle for _, one in found])
        bars = np.array([[one.middle - one.low for _, one in found], [one.high - one.middle for _, one in found]])
        _draw_way(axes, report, index, [labels for labels, _ in found], middle, np.maximum(np.nan_to_num(bars), 0))
    _finish(axes, report)


def _draw_true_reward(axes: Axes, values: Floats, label: str, color: str) -> None:
    """A line across all label counts, and a band of a standard deviation."""
    axes.axhline(values.mean(), color=color, linewidth=1.3, linestyle="-" if color == INK else "--", label=label)
    if len(values) > 1:
        std = spread(values)
        axes.axhspan(values.mean() - std, values.mean() + std, color=color, alpha=0.09, linewidth=0)


def _draw_way(axes: Axes, report: Report, index: int, labels: Sequence[int], middle: Floats, bars: Floats) -> None:
    """One line with bars, a little aside of the others."""
    if not labels:
        return
    order = np.argsort(labels)
    places = np.array(labels)[order] * DODGE ** (index - (len(report.ways) - 1) / 2)
    axes.errorbar(
        places, middle[order], bars[:, order], color=_color(index), label=report.name_of(report.ways[index]),
        linestyle=DASHES[index // len(COLORS) % len(DASHES)], linewidth=1.6, elinewidth=1.2, marker="o", markersize=5,
        markeredgecolor="white", markeredgewidth=0.8,
    )  # fmt: skip


def _finish(axes: Axes, report: Report) -> None:
    budgets = sorted(report.plan.budgets)
    axes.set_xscale("log")
    axes.set_xticks(budgets, [f"{labels:,}" for labels in budgets])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlim(budgets[0] / 1.35, budgets[-1] * 1.35)
    axes.tick_params(labelsize=8.5, length=0)
    axes.set_xlabel("labels", fontsize=8.5, labelpad=1)
    axes.margins(y=0.12)
    tidy(axes)
    axes.grid(visible=False, axis="x")


def _explain(figure: Figure, report: Report, panels: Sequence[Axes], blank: Sequence[Axes]) -> None:
    """The legend, and what bars mean: in the grid where a place is left, below it otherwise."""
    entries: dict[str, Artist] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    lines = [label for label in entries if label == "random actions" or label.startswith("true reward")]
    order = [label for label in entries if label not in lines]
    order += sorted(lines, key=lambda label: (label == "random actions", label))
    handles = [entries[label] for label in order]
    seeds = f"{len(report.plan.seeds)} seeds" if len(report.plan.seeds) > 1 else "1 seed"
    words = [f"{report.plan.steps:,} steps, {seeds}.", "Bars and bands: standard", "deviation over seeds."]
    words += ["All tasks: interquartile mean,", "95 % interval."] if len(panels) > 1 else []
    if blank:
        legend = blank[0].legend(
            handles, order, title="\n".join(words), loc="upper left", bbox_to_anchor=(-0.12, 1.0), frameon=False,
            fontsize=9, title_fontsize=8.5, alignment="left", borderaxespad=0, labelspacing=0.35,
        )  # fmt: skip
        legend.set_in_layout(False)
    else:
        columns = max(1, round(figure.get_figwidth() / 2.2))
        title = " ".join(words) if columns > 2 else "\n".join(words)
        figure.legend(
            handles, order, title=title, loc="outside lower left", frameon=False, fontsize=9, title_fontsize=8.5,
            alignment="left", ncols=min(len(order), columns),
        )  # fmt: skip


def _has_any(report: Report, task: str) -> bool:
    return any(len(report.returns(task, way, labels)) for way in report.ways for labels in report.plan.budgets)


def _color(index: int) -> str:
    return COLORS[index % len(COLORS)]

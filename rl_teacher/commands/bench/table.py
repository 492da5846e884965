"""The table of a benchmark in Markdown."""

import numpy as np

from rl_teacher.commands.bench.report import MOST_LIKELY, Report, Way
from rl_teacher.commands.bench.scores import Floats, spread

NOTHING = "-"


def table(report: Report) -> str:
    """One row per task and way of training, columns per label budget; then all tasks together, and seconds."""
    budgets = report.plan.budgets
    heads = ["task", "settings", "random", "true reward"]
    for labels in budgets:
        heads += [f"{labels:,} labels", "score"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for task in report.plan.tasks:
        for way in report.ways:
            lines.append(_row(_task_cells(report, task, way)))
    for way in report.ways if len(report.plan.tasks) > 1 else ():
        cells = ["**all tasks**, IQM", report.name_of(way), "0", "1"]
        for labels in budgets:
            cells += ["", _overall(report, way, labels)]
        lines.append(_row(cells))
    for way in report.ways:
        walls = [_seconds(report.wall_seconds(way, labels)) for labels in (0, *budgets)]
        lines.append(_row(["seconds per training", report.name_of(way), "", walls[0], *_spaced(walls[1:])]))
    return "\n".join([*lines, "", *_notes(report)])


def _task_cells(report: Report, task: str, way: Way) -> list[str]:
    cells = [task, report.name_of(way), f"{report.plan.random[task]:.4g}", _returns(report, task, way, 0)]
    for labels in report.plan.budgets:
        scores = report.scores(task, way, labels)
        shown = NOTHING
        if len(scores):
            low, high = report.interval(task, way, labels)
            shown = f"{scores.mean():.2f}" + (f" [{low:.2f}, {high:.2f}]" if len(scores) > 1 else "")
        cells += [_returns(report, task, way, labels), shown]
    return cells


def _returns(report: Report, task: str, way: Way, labels: int) -> str:
    """Mean ± standard deviation over seeds, and how many there are when some are missing."""
    values = report.returns(task, way, labels)
    if not len(values):
        return NOTHING
    std = spread(values)
    shown = f"{values.mean():.4g}" + (f" ± {std:.2g}" if np.isfinite(std) else "")
    if std >= 100:
        shown = f"{values.mean():.4g} ± {std:.0f}"
    wanted = len(report.plan.seeds)
    return shown if len(values) == wanted else f"{shown} ({len(values)} of {wanted} seeds)"


def _overall(report: Report, way: Way, labels: int) -> str:
    overall = report.overall(way, labels)
    if overall is None:
        return NOTHING
    shown = f"**{overall.middle:.2f}**"
    if np.isfinite(overall.low):
        shown += f" [{overall.low:.2f}, {overall.high:.2f}]"
    wanted = len(report.plan.tasks)
    return shown if overall.num_tasks == wanted else f"{shown} ({overall.num_tasks} of {wanted} tasks)"


def _seconds(walls: Floats) -> str:
    return f"{walls.mean():.0f}" if len(walls) else NOTHING


def _spaced(walls: list[str]) -> list[str]:
    return [cell for wall in walls for cell in (wall, "")]


def _notes(report: Report) -> list[str]:
    """How the numbers were made, as text below the table."""
    plan = report.plan
    seeds = f"{'seeds' if len(plan.seeds) > 1 else 'seed'} {', '.join(map(str, plan.seeds))}"
    returns = "of the policy's most likely actions" if report.measure == MOST_LIKELY else "of sampled actions"
    lines = [
        f"{plan.steps:,} steps, {seeds}. True returns {returns}, mean ± standard deviation over seeds; scores "
        "with 95 % bootstrap intervals over seeds; IQM: interquartile mean over tasks and seeds."
    ]
    for key, values in report.origins().items():
        if values:
            plural = {"commit": "Commits", "machine": "Machines"}[key] if len(values) > 1 else key.capitalize()
            lines.append(f"{plural}: {'; '.join(values)}.")
    return lines


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"

"""`rl-teacher plot`: the learning curves of several runs in one picture."""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from rl_teacher.commands.plot_style import COLORS, DASHES, save, tidy
from rl_teacher.errors import RunMissing
from rl_teacher.storage.folder import find_run
from rl_teacher.storage.names import RUNS_DIR
from rl_teacher.storage.run_reader import RunFacts, read_run

_NUM_POINTS = 300


def plot(argv: list[str]) -> int:
    """Draw the learning curves of several runs into one picture."""
    parser = argparse.ArgumentParser("rl-teacher plot", description="Draw the learning curves of runs into one PNG.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="names of runs")
    parser.add_argument("-o", "--out", type=Path, help="the picture (curves.png in the last run's folder)")
    parser.add_argument("--runs-dir", "--runs_dir", default=RUNS_DIR, help="folder of the run folders (%(default)s)")
    given = parser.parse_args(argv)
    folders = [find_run(given.runs_dir, name) for name in given.names]
    out = given.out or folders[-1] / "curves.png"
    plot_runs(folders, out)
    print(f"Learning curves: {out}")
    return 0


def plot_runs(runs: Sequence[Path], out: Path) -> None:
    """Draw true return over environment steps: one line per run, or a mean with its range where seeds can be grouped.

    Runs that differ in nothing but their seed are one group: the line is their mean, the band reaches from the worst
    to the best seed, over the steps that all of them have.

    Args:
        runs: run folders; one that has no returns yet is left out.
        out: picture to write; its suffix (.png, .svg, .pdf) is the format.

    Raises:
        RunMissing: no run of them has anything to draw.
        FolderUnwritable: `out` cannot be written.
    """
    drawn = [facts for facts in map(read_run, runs) if facts.steps]
    if not drawn:
        names = ", ".join(str(run) for run in runs) or "no folder at all"
        raise RunMissing(f"nothing to plot: got {names}, expected run folders with returns in metrics.jsonl.")
    figure = Figure(figsize=(8.0, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for index, (label, members) in enumerate(group_runs(drawn).items()):
        color, dash = COLORS[index % len(COLORS)], DASHES[index // len(COLORS) % len(DASHES)]
        if len(members) == 1:
            axes.plot(members[0].steps, members[0].returns, dash, color=color, label=label, linewidth=1.8)
            continue
        steps, returns = on_common_steps(members)
        axes.plot(steps, returns.mean(axis=0), dash, color=color, label=label, linewidth=1.8)
        axes.fill_between(steps, returns.min(axis=0), returns.max(axis=0), color=color, alpha=0.18, linewidth=0)
    _finish(axes, sorted({facts.env_id for facts in drawn if facts.env_id}))
    save(figure, out)


def group_runs(runs: Sequence[RunFacts]) -> dict[str, list[RunFacts]]:
    """Runs by what the legend calls them, in the order in which they come; different seeds of the same thing together.

    Two runs of the same thing with the same seed stay apart, under their names, and so does a run of unknown kind.
    """
    several_envs = len({facts.env_id for facts in runs}) > 1
    kinds: dict[tuple[str, ...], list[RunFacts]] = defaultdict(list)
    for facts in runs:
        labels = "" if facts.predictor == "rl" else str(facts.labels)
        kinds[facts.env_id, facts.predictor, facts.agent, labels].append(facts)
    several_agents = len({(facts.predictor, facts.agent) for facts in runs}) > len({facts.predictor for facts in runs})
    groups: dict[str, list[RunFacts]] = {}
    for (env_id, predictor, agent, _), members in kinds.items():
        seeds = {facts.seed for facts in members}
        if not predictor or len(seeds) < len(members):
            for facts in members:
                groups.setdefault(facts.name, []).append(facts)
            continue
        words = [_teacher(members[0]), agent if several_agents else "", env_id if several_envs else ""]
        words.append(f"{len(members)} seeds" if len(members) > 1 else "")
        groups.setdefault(", ".join(word for word in words if word), []).extend(members)
    return groups


def on_common_steps(members: Sequence[RunFacts]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns of several runs at the same steps, by straight lines between the known ones.

    Returns:
        Steps that all runs have reached, shape (points,); returns, shape (runs, points).
    """
    first = max(facts.steps[0] for facts in members)
    last = max(first, min(facts.steps[-1] for facts in members))
    steps = np.linspace(first, last, _NUM_POINTS)
    return steps, np.stack([np.interp(steps, facts.steps, facts.returns) for facts in members])


def _teacher(facts: RunFacts) -> str:
    if facts.predictor == "rl":
        return "RL, true reward"
    kind = {"synth": "synthetic labels", "human": "human labels"}.get(facts.predictor, f"{facts.predictor} labels")
    return kind if facts.labels is None else f"{facts.labels:,} {kind}"


def _finish(axes: Axes, env_ids: Sequence[str]) -> None:
    axes.set_title(", ".join(env_ids) or "Learning curves", loc="left", fontweight="bold")
    axes.set_xlabel("environment steps")
    axes.set_ylabel("true return per episode")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    tidy(axes)
    axes.margins(x=0.01)
    axes.legend(frameon=False, loc="best")

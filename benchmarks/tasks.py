"""All nine tasks: true reward against synthetic labels, PPO and TRPO; the table of docs/benchmarks.md.

    python -m benchmarks.tasks --steps 5e5 --seeds 1 --parallel 2

Each finished cell is appended to benchmarks/results/tasks.jsonl, and cells that are there already are not run again.
`--table` prints the table from that file without running anything.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "tasks.jsonl"
TASKS = (
    "ShortHopper-v1", "ShortWalker-v1", "ShortHalfCheetah-v1", "ShortReacher-v1", "ShortSwimmer-v1", "ShortAnt-v1",
    "ShortHumanoid-v1", "Pendulum-v1", "DoublePendulum-v1",
)  # fmt: skip
RANDOM_RETURNS = {
    "ShortHopper-v1": 103, "ShortWalker-v1": -184, "ShortHalfCheetah-v1": -25, "ShortReacher-v1": -4.4,
    "ShortSwimmer-v1": 0.7, "ShortAnt-v1": -205, "ShortHumanoid-v1": -1135, "Pendulum-v1": -7.7,
    "DoublePendulum-v1": -198,
}  # fmt: skip
"""Mean true return of uniform random actions, 256 episodes; tests/envs/test_returns.py measures the same."""
LABELS = (0, 1400, 350)
"""0: the true reward."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One training of the table."""

    task: str
    agent: str
    labels: int
    seed: int
    steps: int

    def words(self) -> list[str]:
        """The flags of its command."""
        how = ["-p", "rl"] if self.labels == 0 else ["-p", "synth", "-l", str(self.labels)]
        return [*how, "-e", self.task, "-a", self.agent, "-s", str(self.seed), "-t", str(self.steps)]


def run_cell(cell: Cell) -> None:
    """Train, and append the summary; one thread for the physics, since cells run side by side."""
    with tempfile.TemporaryDirectory() as folder:
        where = ["-n", "cell", "-w", "1", "--runs-dir", folder, "--tb-dir", f"{folder}/tb"]
        command = [sys.executable, "-m", "rl_teacher", "teach", *cell.words(), *where]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"FAILED {cell}: {done.stderr[-400:]}", file=sys.stderr, flush=True)
            return
        summary = json.loads((Path(folder) / "cell" / "summary.json").read_text())
    keep = (
        "final_true_return", "final_true_return_deterministic", "env_steps_per_second", "seconds", "labels",
        "reward_true_correlation", "comparison_accuracy_holdout",
    )  # fmt: skip
    row = asdict(cell) | {"result": {name: summary[name] for name in keep}}
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())
    print(f"{cell.task} {cell.agent} {cell.labels} seed {cell.seed}: {summary['final_true_return']:.1f}", flush=True)


def finished() -> dict[Cell, dict[str, float]]:
    """Cells that have run, with their results."""
    if not RESULTS.exists():
        return {}
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    return {Cell(**{k: v for k, v in row.items() if k != "result"}): row["result"] for row in rows}


def table(steps: int) -> str:
    """The table in Markdown: mean final true return over seeds, and the score against the true reward."""
    done = finished()
    lines = [
        "| task | agent | random | true reward | 1400 labels | score | 350 labels | score | seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for task in TASKS:
        for agent in ("ppo", "trpo"):
            means, seeds = [], 0
            for labels in LABELS:
                cells = [c for c in done if (c.task, c.agent, c.labels, c.steps) == (task, agent, labels, steps)]
                values = [done[c]["final_true_return"] for c in cells]
                means.append(statistics.mean(values) if values else None)
                seeds = max(seeds, len(values))
            if means[0] is None:
                continue
            random = RANDOM_RETURNS[task]
            shown = [f"{means[0]:.4g}"]
            for mean in means[1:]:
                gap = means[0] - random
                shown += ["-", "-"] if mean is None else [f"{mean:.4g}", f"{(mean - random) / gap:.2f}"]
            lines.append(f"| {task} | {agent} | {random} | {' | '.join(shown)} | {seeds} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=lambda text: int(float(text)), default=500_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--agents", default="ppo,trpo")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--labels", default=",".join(map(str, LABELS)))
    parser.add_argument("--table", action="store_true", help="only print the table")
    given = parser.parse_args(argv)
    if not given.table:
        done = finished()
        cells = [
            Cell(task, agent, labels, seed, given.steps)
            for seed in range(1, given.seeds + 1)
            for labels in map(int, given.labels.split(","))
            for agent in given.agents.split(",")
            for task in given.tasks.split(",")
        ]
        with ThreadPoolExecutor(given.parallel) as pool:
            list(pool.map(run_cell, [cell for cell in cells if cell not in done]))
    print(table(given.steps))


if __name__ == "__main__":
    main()

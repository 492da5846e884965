"""What a policy makes of a data set alone: with its true rewards, and with those that 200 answers about it have taught.

    nice -n 15 python -m benchmarks.offline

A Minari set of mixed behavior of a ShortHopper (benchmarks/offline_data.py) is labeled by the oracle through
`rl-teacher label`, written again by `rl-teacher relabel`, and learned from by TD3+BC (examples/offline_td3bc.py). For
each seed, which is that of the questions and of the learning, two rows go to benchmarks/results/offline.jsonl; what is
there already is not measured again. At the end comes the table of what is there.
"""

import argparse
import contextlib
import io
import json
import os
import time
import warnings
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.offline_data import ENV, EPISODES, STRENGTHS, write_mixed
from examples.offline_td3bc import learn, returns
from rl_teacher.cli import main as rl_teacher
from rl_teacher.data.data_sets import open_episodes
from rl_teacher.data.minari_files import find_minari
from rl_teacher.files import append_lines, read_lines

RESULTS = Path(__file__).parent / "results" / "offline.jsonl"
DATASET = "rlt/hopper/mixed-v0"
TRUE, LEARNED = "true", "learned"


def labeled(folder: Path, seed: int, labels: int) -> str:
    """The id of the data set with the rewards that the oracle's answers teach; made if it is not there."""
    name = f"oracle-{labels}-{seed}"
    new = f"rlt/hopper/mixed-{name}-v0"
    if find_minari(new) is None:
        where = ["--runs-dir", str(folder / "runs")]
        words = ["label", DATASET, "-n", name, "-l", str(labels), "-s", str(seed), "--teacher", "oracle", "--resume"]
        run([*words, *where, "--tb-dir", str(folder / "tb")])
        run(["relabel", name, DATASET, "--to", new, *where])
    return new


def run(words: list[str]) -> None:
    """A command of ours, whose lines are put aside."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        if rl_teacher(words):
            raise SystemExit(f"rl-teacher {' '.join(words)}: {said.getvalue()[-2000:]}")


def correlation(one: str, other: str) -> float:
    """Of the rewards of two sets of the same steps."""
    found = [np.concatenate([episode.reward for episode in open_episodes(place).read()]) for place in (one, other)]
    return float(np.corrcoef(*found)[0, 1])


def measured(folder: Path, rewards: str, seed: int, labels: int, updates: int) -> dict[str, Any]:
    """A row: the policy that is learned from one of the two sets."""
    start, cpu = time.perf_counter(), time.process_time()
    place = DATASET if rewards == TRUE else labeled(folder, seed, labels)
    found = returns(learn(place, updates=updates, seed=seed), ENV)
    return {
        "rewards": rewards, "seed": seed, "labels": 0 if rewards == TRUE else labels, "updates": updates,
        "return": round(float(found.mean()), 2), "std": round(float(found.std()), 2), "episodes": len(found),
        "correlation": 1.0 if rewards == TRUE else round(correlation(DATASET, place), 4),
        "seconds": round(time.perf_counter() - start, 1), "cpu_seconds": round(time.process_time() - cpu, 1),
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """Mean and spread over seeds of each kind of rewards, and how much of the true ones' the learned ones reach."""
    lines = ["| rewards | true return: mean | standard deviation over seeds | seeds |", "|---|---|---|---|"]
    means = {}
    for kind in (TRUE, LEARNED):
        found = [row["return"] for row in rows if row["rewards"] == kind]
        if found:
            means[kind] = mean(found)
            spread = f"{stdev(found):.0f}" if len(found) > 1 else "-"
            lines.append(f"| {kind} | {means[kind]:.0f} | {spread} | {len(found)} |")
    if len(means) == 2:
        lines.append(f"\nlearned / true: {means[LEARNED] / means[TRUE]:.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--folder", type=Path, default=Path("~/rl-teacher/offline").expanduser(), help="of all it makes"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--updates", type=int, default=3_000, help="of the policy (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    os.environ.setdefault("MINARI_DATASETS_PATH", str(given.folder / "minari"))
    if find_minari(DATASET) is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Minari's own
            found = write_mixed(DATASET, given.folder, STRENGTHS, EPISODES)
        print(f"{DATASET}: mean returns {', '.join(f'{one:.0f}' for one in found)}, random actions first", flush=True)
    names = ("rewards", "seed", "updates", "labels")
    for seed in range(1, given.seeds + 1):
        for rewards in (TRUE, LEARNED):
            key = (rewards, seed, given.updates, given.labels if rewards == LEARNED else 0)
            if key in {tuple(row[name] for name in names) for row in read_lines(given.results)}:
                continue
            row = measured(given.folder, *key[:2], given.labels, given.updates)
            print(json.dumps(row), flush=True)
            append_lines(given.results, [row])
    print(table([row for row in read_lines(given.results) if row["updates"] == given.updates]))


if __name__ == "__main__":
    main()

"""How well games are learned: whole games of Pong, and MinAtar's five, from the true reward and from synthetic answers.

    python -m benchmarks.pixels pong     # three seeds: the true reward, 700 and 1,400 answers
    python -m benchmarks.pixels minatar  # three seeds: the true reward, and 400 answers

Each cell is one `rl-teacher teach` in a process of its own, one after the other; a finished one appends a line to
benchmarks/results/pixels.jsonl, and is not run again. `--table` prints what is there. `--keep DIR` keeps the
run folders, for `python -m benchmarks.picture_rewards DIR/Pong-1400-1/cell`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from rl_teacher.commands.replay import load_actor
from rl_teacher.envs.games.atari import AtariEnvs
from rl_teacher.envs.games.lookup import atari_sheet
from rl_teacher.files import append_lines, read_json, read_lines

RESULTS = Path(__file__).parent / "results" / "pixels.jsonl"
MINATAR = tuple(f"MinAtar/{name}-v1" for name in ("Breakout", "SpaceInvaders", "Asterix", "Freeway", "Seaquest"))
GAMES = 20
MOST_STEPS = 12_000
"""Of a game of Pong that does not end."""
SEED = 3_000_017
"""Of the games that are judged, which no training has seen."""


class Cell(NamedTuple):
    """One training."""

    env_id: str
    labels: int
    """0: the true reward."""
    seed: int
    steps: int


def cells(what: str, seeds: list[int]) -> list[Cell]:
    """All trainings, a whole round of a seed before the next."""
    if what == "pong":
        return [Cell("Pong", labels, seed, 600_000) for seed in seeds for labels in (0, 700, 1400)]
    sizes = {MINATAR[0]: 500_000, MINATAR[1]: 500_000}
    return [
        Cell(env_id, labels, seed, sizes.get(env_id, 1_000_000))
        for seed in seeds
        for env_id in MINATAR
        for labels in (0, 400)
    ]


def run(cell: Cell, folder: Path) -> dict[str, Any]:
    """Train, and judge what was learned."""
    predictor = ["-p", "synth", "-l", str(cell.labels)] if cell.labels else ["-p", "rl"]
    words = [sys.executable, "-m", "rl_teacher", "teach", *predictor, "-e", cell.env_id, "-n", "cell", "--no_videos"]
    words += ["-s", str(cell.seed), "-t", str(cell.steps), "--runs_dir", str(folder), "--tb_dir", str(folder / "tb")]
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)}: ended with status {status}.")
    seconds = time.perf_counter() - began
    run_folder = folder / "cell"
    summary = read_json(run_folder / "summary.json")
    size = sum(path.stat().st_size for path in run_folder.rglob("*") if path.is_file())
    row: dict[str, Any] = {
        **cell._asdict(), "seconds": round(seconds), "steps_per_second": round(cell.steps / seconds),
        "most_memory_mb": used.ru_maxrss // 1024, "folder_mb": round(size / 1e6, 1),
        "last_returns": round(summary["final_true_return"], 2),
    }  # fmt: skip
    if cell.env_id == "Pong":
        scores = whole_games(run_folder)
        row |= {"score": round(float(np.mean(scores)), 2), "score_std": round(float(np.std(scores)), 2)}
    return row


@contextmanager
def folder_of(cell: Cell, keep: Path | None) -> Iterator[Path]:
    """Where a cell is trained: in a folder of its own that stays, or in one that goes."""
    if keep is not None:
        yield keep / f"{cell.env_id.replace('/', '-')}-{cell.labels}-{cell.seed}"
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def whole_games(folder: Path) -> np.ndarray:
    """Scores of GAMES whole games of Pong, played by the policy as it acts while it learns."""
    spec, actions, actor = load_actor(folder)
    envs = AtariEnvs(
        atari_sheet(spec), GAMES, limit=MOST_STEPS + 1, seed=SEED, env_id=spec.env_id, frame_stack=spec.frame_stack
    )
    obs, _ = envs.reset()
    scores, is_over = np.zeros(GAMES), np.zeros(GAMES, bool)
    key = jax.random.key(SEED)
    for step in range(MOST_STEPS):
        noise = actor.noise(jax.random.fold_in(key, step), 1, GAMES)[0]
        obs, rewards, _, _, _ = envs.step(actions.to_env(actions.clamp(actor.act(obs, noise))))
        scores += np.where(is_over, 0.0, rewards)
        is_over |= envs.num_games > 0
        if is_over.all():
            break
    envs.close()
    return scores


def table(rows: list[dict[str, Any]]) -> str:
    """A line for each game and number of answers: all seeds."""
    lines = ["| game | answers | steps | seeds | score | return of 1,000 steps | seconds | steps/s | memory, folder |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for env_id, labels, steps in dict.fromkeys((row["env_id"], row["labels"], row["steps"]) for row in rows):
        own = [row for row in rows if (row["env_id"], row["labels"], row["steps"]) == (env_id, labels, steps)]

        def each(name: str, own: list[dict[str, Any]] = own) -> str:
            return ", ".join(f"{row[name]:g}" if name in row else "-" for row in own)

        most = max(row["most_memory_mb"] for row in own), max(row["folder_mb"] for row in own)
        lines.append(
            f"| {env_id} | {labels or 'true reward'} | {steps / 1e6:g}M | {each('seed')} | {each('score')} | "
            f"{each('last_returns')} | {each('seconds')} | {each('steps_per_second')} | {most[0]:,} MB, {most[1]} MB |"
        )
    return "\n".join(lines)


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("pong", "minatar"), default="pong")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--labels", type=int, nargs="+", help="only these")
    parser.add_argument("--envs", nargs="+", help="only these")
    parser.add_argument("--keep", type=Path, help="folder for what was trained; unset: nothing is kept")
    parser.add_argument("--table", action="store_true", help="print what is there, and train nothing")
    given = parser.parse_args()
    rows = list(read_lines(RESULTS))
    if given.table:
        print(table(rows))
        return
    done = {tuple(row[name] for name in Cell._fields) for row in rows}
    for cell in cells(given.what, given.seeds):
        is_wanted = given.labels is None or cell.labels in given.labels
        is_wanted &= given.envs is None or cell.env_id in given.envs
        if is_wanted and tuple(cell) not in done:
            with folder_of(cell, given.keep) as folder:
                row = run(cell, folder)
            append_lines(RESULTS, [row])
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

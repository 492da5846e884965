"""Do two checkouts learn the same bytes? Small trainings in each, compared array for array and line for line.

    python -m benchmarks.same_bytes path/to/old path/to/new
    python -m benchmarks.same_bytes path/to/old path/to/new --keep /tmp/same_bytes --only ppo,sac
    python -m benchmarks.same_bytes path/to/old --keep /tmp/same_bytes

Each training is `python -m rl_teacher teach ...` with its checkout as the working directory, which is first on the path
of `python -m`, so that the checkout's own package runs; that is checked before. The Python is `.venv/bin/python` of the
checkout, or the one that runs this program where there is none, or what `--old-python` and `--new-python` say.

Compared are `labels.jsonl` and `comparisons.jsonl` byte for byte, but for where segments lie, which lines of version
0.1 say; and the arrays of `checkpoint.npz`, and of each segment, whichever file holds it, by name, type, shape and
bytes. So is the JSON head of the checkpoint, apart from its clocks and its format number. The last row shows that a
difference would be seen: two random seeds in the old checkout, which must differ in each of these. Exit status: 0 if
all is the same, else 1.

With `--keep` the runs of the old checkout are used again as long as its commit is the same and nothing in it was
edited; without a new checkout only they are made.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.core.arrays import SEGMENT_FIELDS
from rl_teacher.storage.label_log import segments_of
from rl_teacher.storage.segment_files import SegmentFiles, SegmentReader

BUDGET = ["-p", "synth", "-l", "24", "-t", "20000"]
CASES = {
    "ppo": ["-e", "ShortHopper-v1"],
    "trpo": ["-e", "ShortHopper-v1", "-a", "trpo"],
    "sac": ["-e", "ShortHopper-v1", "-a", "sac"],
    "ensemble": ["-e", "ShortHopper-v1", "--reward.model", "ensemble"],
    "cartpole": ["-e", "CartPole-v1"],
    "pendulum": ["-e", "gymnasium:Pendulum-v1"],
}
"""Name -> the words of `rl-teacher teach` beside the budget."""
SEEDS = {"ppo": CASES["ppo"], "seed-2": [*CASES["ppo"], "--seed", "2"]}
"""Two trainings that must not be the same."""
CLOCKS = ("seconds", "wall_seconds", "time/elapsed_seconds", "time/env_steps_per_second")
FORMAT = "version"
HEAD = "head.json"
WHERE = ("file", "row")
"""In lines of comparisons of version 0.1: where their segments lie."""
PARTS = ("labels", "comparisons", "checkpoint", "head", "segments")

Arrays = dict[str, np.ndarray]


def differences(old: Path, new: Path) -> dict[str, list[str]]:
    """Part of a run folder -> what differs there, nothing if all is the same."""
    found = {name: _different_lines(old / f"{name}.jsonl", new / f"{name}.jsonl") for name in PARTS[:2]}
    old_arrays, new_arrays = _arrays(old / "checkpoint.npz"), _arrays(new / "checkpoint.npz")
    heads = [_head(arrays.pop(HEAD)) for arrays in (old_arrays, new_arrays)]
    found["checkpoint"] = _different_arrays(old_arrays, new_arrays)
    found["head"] = _different_values(*heads)
    found["segments"] = _different_arrays(_segments(old), _segments(new))
    return found


def _different_lines(old: Path, new: Path) -> list[str]:
    before, after = (_without_places(path.read_bytes().splitlines(keepends=True)) for path in (old, new))
    if before == after:
        return []
    pairs = enumerate(zip(before, after, strict=False), start=1)
    first = next((number for number, (one, other) in pairs if one != other), min(len(before), len(after)) + 1)
    return [f"line {first} is the first that differs ({len(before)} lines, {len(after)} lines)"]


def _without_places(lines: list[bytes]) -> list[bytes]:
    """Lines, those that say where segments lie without that."""
    found = []
    for line in lines:
        values = json.loads(line)
        kept = {name: value for name, value in values.items() if name not in WHERE}
        found.append(line if kept == values else json.dumps(kept).encode() + b"\n")
    return found


def _different_arrays(old: Arrays, new: Arrays) -> list[str]:
    found = [f"{name}: only in the {'old' if name in old else 'new'}" for name in sorted(old.keys() ^ new.keys())]
    for name in sorted(old.keys() & new.keys()):
        one, other = old[name], new[name]
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            found.append(f"{name}: {one.dtype}{one.shape} became {other.dtype}{other.shape}")
        elif one.tobytes() != other.tobytes():
            found.append(f"{name}: {np.count_nonzero(one != other)} of {one.size} values differ")
    return found


def _different_values(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    nothing = object()
    names = sorted(name for name in old.keys() | new.keys() if old.get(name, nothing) != new.get(name, nothing))
    return [f"{name}: {old.get(name, 'nothing')!r} became {new.get(name, 'nothing')!r}" for name in names]


def _arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _segments(folder: Path) -> Arrays:
    """The fields of each segment, wherever it lies."""
    files, found = SegmentFiles(folder), Arrays()
    ids = sorted(files)
    for part in SegmentReader(files).read(ids):
        segments = segments_of(part)
        for row, at in enumerate(part.at):
            found |= {f"{ids[at]}/{name}": np.asarray(getattr(segments, name)[row]) for name in SEGMENT_FIELDS}
    return found


def _head(array: np.ndarray) -> dict[str, Any]:
    """The head as text by name, without what a clock says."""
    head: dict[str, Any] = json.loads(array.tobytes())
    flat = {**head, **head.pop("metrics")}
    return {name: json.dumps(flat[name], sort_keys=True) for name in flat if name not in (*CLOCKS, FORMAT, "metrics")}


def python_of(checkout: Path, given: str) -> str:
    """The Python that a checkout is run with.

    Raises:
        SystemExit: it would not run the package of the checkout.
    """
    own = checkout / ".venv" / "bin" / "python"
    python = given or (str(own) if own.exists() else sys.executable)
    command = [python, "-c", "import rl_teacher; print(rl_teacher.__file__)"]
    told = subprocess.run(command, cwd=checkout, env=_environment(), capture_output=True, text=True)
    if told.returncode != 0 or Path(told.stdout.strip()).parent != checkout / "rl_teacher":
        raise SystemExit(f"{python} in {checkout} imports {told.stdout or told.stderr}, expected its own rl_teacher")
    return python


def _environment() -> dict[str, str]:
    """Ours, without what would put another package first."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}


def train(checkout: Path, python: str, words: list[str], runs: Path, name: str) -> Path:
    """One training; its run folder. A finished one that is there is taken as it is.

    Raises:
        SystemExit: the training failed.
    """
    folder = runs / name
    if (folder / "summary.json").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    where = ["--runs-dir", str(runs), "--tb-dir", str(runs / "tensorboard")]
    command = [python, "-m", "rl_teacher", "teach", *BUDGET, *words, "-n", name, *where]
    done = subprocess.run(command, cwd=checkout, env=_environment(), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"failed in {checkout}: {' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return folder


def _git(checkout: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, text=True, check=True).stdout


def _old_runs(old: Path, keep: Path) -> Path:
    """Where the runs of the old checkout are kept; emptied where nobody can say what made them."""
    folder = keep / _git(old, "rev-parse", "--short=12", "HEAD").strip()
    if _git(old, "status", "--porcelain"):
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def _row(name: str, found: Mapping[str, list[str]]) -> str:
    cells = " | ".join(f"{len(found[part])} differ" if found[part] else "same" for part in PARTS)
    return f"| {name} | {cells} |"


def compare(old: Path, new: Path | None, keep: Path, cases: list[str], pythons: tuple[str, str]) -> bool:
    """Train and compare; whether all is the same and the check of two seeds saw a difference."""
    old_python, old_runs = python_of(old, pythons[0]), _old_runs(old, keep)
    before = {name: train(old, old_python, CASES[name], old_runs, name) for name in cases}
    seeds = [train(old, old_python, words, old_runs, name) for name, words in SEEDS.items()]
    if new is None:
        print(f"made {', '.join(before)} in {old_runs}")
        return True
    new_python, new_runs = python_of(new, pythons[1]), keep / "new"
    shutil.rmtree(new_runs, ignore_errors=True)
    print(f"| {' | '.join(('training', *PARTS))} |\n|{'---|' * (1 + len(PARTS))}", flush=True)
    same = True
    for name in cases:
        found = differences(before[name], train(new, new_python, CASES[name], new_runs, name))
        print(_row(name, found), flush=True)
        for part, lines in found.items():
            for line in lines[:5]:
                print(f"    {part}: {line}")
        same = same and not any(found.values())
    check = differences(*seeds)
    print(_row("two seeds, must differ", check))
    return same and all(check.values())


def main() -> int:
    """Read the words, compare, say it."""
    keep_lines = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="same_bytes", description=__doc__, formatter_class=keep_lines)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, nargs="?")
    parser.add_argument("--keep", type=Path, help="folder in which the runs stay")
    parser.add_argument("--only", default=",".join(CASES), help="some of the trainings, by name")
    parser.add_argument("--old-python", default="")
    parser.add_argument("--new-python", default="")
    given = parser.parse_args()
    cases = given.only.split(",")
    if unknown := set(cases) - CASES.keys():
        parser.error(f"--only: got {', '.join(sorted(unknown))}, expected some of {', '.join(CASES)}")
    with tempfile.TemporaryDirectory() as folder:
        keep = (given.keep or Path(folder)).resolve()
        new = given.new.resolve() if given.new else None
        return 0 if compare(given.old.resolve(), new, keep, cases, (given.old_python, given.new_python)) else 1


if __name__ == "__main__":
    raise SystemExit(main())

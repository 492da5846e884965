"""Names of run folders, and of the files in them."""

import re
from pathlib import Path

from rl_teacher.errors import BadRunName

CONFIG, SUMMARY, METRICS, CHECKPOINT = "config.json", "summary.json", "metrics.jsonl", "checkpoint.npz"
LABELS, COMPARISONS, SEGMENTS = "labels.jsonl", "comparisons.jsonl", "segments"
RUNS_DIR = "~/rl-teacher/runs"
"""Where run folders are unless --runs_dir says otherwise."""


def slug(name: str) -> str:
    """The folder name of a run, made as the seed made it.

    Characters other than word characters, space and hyphen are removed, the rest is lower-cased, and runs of
    spaces and hyphens become one hyphen.
    """
    if name != Path(name).name or name in {".", ".."} or "\\" in name or "\0" in name:
        raise BadRunName(f"-n/--name {name!r}: a name with a path in it would leave the runs folder. Use a plain name.")
    made = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", name).strip().lower()).strip("-")
    if not made:
        raise BadRunName(f"-n/--name {name!r}: nothing is left of it as a folder name. Use letters and digits.")
    return made

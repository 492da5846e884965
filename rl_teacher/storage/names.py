"""Names of run folders, of their experiments on a server, and of the files in them."""

import hashlib
import os
import re
import unicodedata
from pathlib import Path

from rl_teacher.errors import BadRunName

CONFIG, SUMMARY, METRICS, CHECKPOINT = "config.json", "summary.json", "metrics.jsonl", "checkpoint.npz"
LABELS, COMPARISONS, SEGMENTS = "labels.jsonl", "comparisons.jsonl", "segments"
REWARD = "reward"
"""A folder: the learned reward as NumPy alone."""
RUNS_DIR = "~/rl-teacher/runs"
"""Where run folders are unless --runs_dir says otherwise."""
MOST_BYTES = 255
"""Of a folder's name, on most disks [byte]."""
EXPERIMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
"""What a feedback server takes as the name of an experiment; it goes into addresses."""
HASH_DIGITS = 6


def slug(name: str) -> str:
    """The folder name of a run, made as the program of 2017 made it.

    Characters other than word characters, space and hyphen are removed, the rest is lower-cased, and runs of
    spaces and hyphens become one hyphen.
    """
    if name != Path(name).name or name in {".", ".."} or "\\" in name or "\0" in name:
        raise BadRunName(f"-n/--name {name!r}: a name with a path in it would leave the runs folder. Use a plain name.")
    made = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", name).strip().lower()).strip("-")
    if not made:
        raise BadRunName(f"-n/--name {name!r}: nothing is left of it as a folder name. Use letters and digits.")
    if (size := len(made.encode())) > MOST_BYTES:
        raise BadRunName(
            f"-n/--name {name[:40] + '...'!r}: {size} bytes as a folder name, expected at most {MOST_BYTES}. "
            "Use a shorter name."
        )
    return made


def experiment_name(name: str) -> str:
    """The name of a run's experiment on a feedback server: that of its folder, if a server takes it.

    Else it is spelled in ASCII, with a few digits of a hash behind, so that two runs never share an experiment. The
    same name gives the same one on each machine.

    >>> experiment_name("Human 175"), experiment_name("Übung 1")
    ('human-175', 'ubung-1-4d544e')
    """
    folder = slug(name)
    if EXPERIMENT.fullmatch(folder):
        return folder
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode()
    plain = re.sub(r"-+", "-", plain).strip("-_")[: 99 - HASH_DIGITS].rstrip("-_")
    digits = hashlib.sha256(unicodedata.normalize("NFC", folder).encode()).hexdigest()[:HASH_DIGITS]
    return f"{plain}-{digits}" if plain else f"run-{digits}"


def is_there(path: Path) -> bool:
    """Whether there is a file or folder of this name; none of a name that no disk takes."""
    return os.path.exists(path)

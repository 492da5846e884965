"""Where a result comes from: which code, on which machine."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

PACKAGE = Path(__file__).parents[2]


def origin() -> dict[str, str]:
    """What a row says of its making."""
    return {"commit": commit(), "machine": machine()}


def commit(package: Path = PACKAGE) -> str:
    """The short hash of the commit, with -dirty if the package was changed since; the version outside of Git."""
    tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py")
    head = _git(package, "rev-parse", "--short", "HEAD") if tracked else None
    if not head:
        return importlib.metadata.version("rl-teacher")
    return f"{head}-dirty" if _git(package, "status", "--porcelain", "--", ".") else head


def machine() -> str:
    """Number and model of the processors."""
    return f"{os.cpu_count()} x {_model(Path('/proc/cpuinfo'))}"


def _model(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        lines = []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor() or platform.machine()


def _git(folder: Path, *words: str) -> str | None:
    """What Git prints; None if it fails or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None

"""RunFacts: what the files in a run folder say about a run, also while it runs or after a crash."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_teacher.files import BOM
from rl_teacher.storage.lock import is_locked
from rl_teacher.storage.metrics import read_metrics
from rl_teacher.storage.names import CONFIG, METRICS, SUMMARY, is_there

RETURN_TAG = "agent/true_reward_per_episode"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run, as its folder tells it; what is unknown is empty or None."""

    name: str
    env_id: str
    predictor: str
    agent: str
    seed: int | None
    labels: int | None
    """Labels that the run was given, or, before it has ended, wants."""
    total_steps: int | None
    """Environment steps that the run wants."""
    is_finished: bool
    """Whether it wrote its summary."""
    is_running: bool
    """Whether a process is working on it."""
    steps: tuple[int, ...]
    """Environment steps at which the true return is known."""
    returns: tuple[float, ...]
    """Mean true return of the last 100 episodes there [reward]."""
    last_step: int
    """Environment steps of the last iteration."""
    written_at: float
    """When the folder was last written [s since 1970]."""


def read_run(folder: Path) -> RunFacts:
    """Read config.json, metrics.jsonl and summary.json of `folder`; a missing or damaged file counts as empty."""
    config, summary = _object(folder / CONFIG), _object(folder / SUMMARY)
    lines = _metrics(folder / METRICS)
    points = [(line["step"], line[RETURN_TAG]) for line in lines if isinstance(line.get(RETURN_TAG), int | float)]
    facts = config | summary
    files = [path for name in (CONFIG, SUMMARY, METRICS) if is_there(path := folder / name)]
    return RunFacts(
        name=folder.name,
        env_id=str(facts.get("env_id", "")),
        predictor=str(facts.get("predictor", "")),
        agent=str(facts.get("agent", "")),
        seed=_whole(facts, "seed"),
        labels=_whole(facts, "labels", "n_labels"),
        total_steps=_whole(facts, "timesteps", "num_timesteps", "num_steps"),
        is_finished=bool(summary),
        is_running=is_locked(folder),
        steps=tuple(step for step, _ in points),
        returns=tuple(float(value) for _, value in points),
        last_step=max((line["step"] for line in lines), default=0),
        written_at=max((path.stat().st_mtime for path in files), default=time.time()),
    )


def _metrics(path: Path) -> list[dict[str, Any]]:
    try:
        return read_metrics(path)
    except OSError:
        return []


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes().removeprefix(BOM))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _whole(facts: dict[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = facts.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value)
    return None

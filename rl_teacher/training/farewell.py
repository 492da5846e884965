"""What the terminal says at the end of a run: two sentences; the figures are in summary.json."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rl_teacher.config.run import RunConfig
from rl_teacher.storage.names import SUMMARY
from rl_teacher.training.lesson import next_commands


def farewell(
    config: RunConfig, summary: Mapping[str, Any], before: float | None, folder: Path, *, is_own_task: bool = False
) -> tuple[str, str]:
    """How it went, and what to do next.

    Args:
        config: of the run.
        summary: as `training.summary.summarize` made it.
        before: mean true return of an episode of random actions; None: not known.
        folder: of the run.
        is_own_task: something else was taught than what the true reward wants, so that its returns say nothing.
    """
    labels = summary["labels"]
    learned = "the true reward" if config.predictor == "rl" else f"{labels:,} label{'' if labels == 1 else 's'}"
    after = summary["final_true_return_deterministic"]
    now = "" if after is None or is_own_task else f": an episode of {config.env_id} now returns {after:.1f}"
    then = "" if before is None or not math.isfinite(before) or not now else f", with random actions {before:.1f}"
    replay = next_commands(config)[0]
    return (
        f"Done after {summary['timesteps']:,} steps with {learned}{now}{then}.",
        f"`{replay}` shows the agent, and the figures are in {folder / SUMMARY}.",
    )

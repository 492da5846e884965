"""What is on disk of a reward in training: what a resumed one needs, and what a finished one leaves."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rl_teacher.config.run import RunConfig
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import CheckpointError
from rl_teacher.files import write_json
from rl_teacher.preferences.fitted import LearnerSnapshot
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.rewards.relevance import main_relevances
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.storage import checkpoint as store
from rl_teacher.storage.names import SUMMARY, is_there, slug
from rl_teacher.training.reporter import Reporter, jsonable
from rl_teacher.training.restored_reward import restored_reward

LEARNER = "learner.npz"
"""In the run folder: what a resumed training goes on from."""
SECONDS_BETWEEN = 10.0
"""Least time between two writings of the first [s]."""


class Saved(NamedTuple):
    """A reward in training at a moment, without its labels, which are in their own log."""

    learner: LearnerSnapshot
    stats: RunningStats
    iteration: int
    steps: int
    seconds: float
    wall_seconds: float
    metrics: Mapping[str, float | None]
    next_episode: int
    factor: float
    """Of what steps are paid with."""


def save(
    folder: Path, learner: PreferenceLearner, stats: RunningStats, *, iteration: int, steps: int, seconds: float,
    reporter: Reporter, next_episode: int, factor: float,
) -> None:  # fmt: skip
    """Write what `load` reads; the file before it stands until the new one is on the disk.

    Args:
        folder: of the run.
        learner: as it is now.
        stats: of the observations so far.
        iteration: of the next turn.
        steps: environment steps so far.
        seconds: of training so far [s].
        reporter: knows the newest metrics.
        next_episode: a number that no episode had so far.
        factor: of what steps are paid with.
    """
    snapshot = learner.snapshot()
    # What comes after a resume does not go on where the last rollout ended.
    arrays = {name: array for name, array in snapshot.arrays.items() if not name.startswith("trail/")}
    arrays |= {**store.pack("reward", snapshot.reward), **store.pack("stats", stats)}
    head: dict[str, Any] = {
        "iteration": iteration, "steps": steps, "seconds": seconds, "wall_seconds": reporter.wall_seconds(),
        "metrics": jsonable(reporter.last_metrics), "next_episode": next_episode, "factor": factor, **snapshot.values,
    }  # fmt: skip
    store.save(folder / LEARNER, arrays, head)


def load(folder: Path, learner: PreferenceLearner, stats: RunningStats) -> Saved | None:
    """What `save` wrote; None if nothing was.

    Args:
        folder: of the run.
        learner: a fresh one, which says what the arrays are.
        stats: the same.

    Raises:
        CheckpointError: the file is damaged, or of another program or environment.
    """
    path = folder / LEARNER
    if not is_there(path):
        return None
    arrays, head = store.load(path)
    try:
        return Saved(
            LearnerSnapshot(restored_reward(arrays, learner.reward), arrays, head),
            store.unpack("stats", arrays, stats), head["iteration"], head["steps"], head["seconds"],
            head["wall_seconds"], head["metrics"], head["next_episode"], head["factor"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: {type(error).__name__}: {error}: it is of another program, or damaged. The labels "
            "beside it stay; choose another name to begin anew."
        ) from error


def summarize(
    config: RunConfig, spec: EnvSpec, learner: PreferenceLearner, reporter: Reporter, episodes: EpisodeTracker,
    names: Sequence[str], steps: int,
) -> dict[str, Any]:  # fmt: skip
    """Write summary.json and return it: as for our own agents, but for what only they know."""
    metrics, seconds = reporter.last_metrics, reporter.wall_seconds()
    summary = jsonable(
        {
            "env_id": config.env_id, "canonical_env_id": spec.canonical_id, "predictor": config.predictor,
            "agent": config.agent, "seed": config.seed, "name": slug(config.name), "timesteps": steps,
            "labels": learner.dataset.num_labels, "comparisons": len(learner.dataset.comparisons),
            "teacher": "people" if config.predictor == "human" else config.teacher, "seconds": round(seconds, 2),
            "final_true_return": episodes.mean_true_return(64),
            "reward_true_correlation": metrics.get("predictor/step_correlation", math.nan),
            "episode_return_correlation": metrics.get("predictor/correlations", math.nan),
            "comparison_accuracy_holdout": metrics.get("predictor/holdout_accuracy", math.nan),
            "reward_looks_at": dict(main_relevances(learner.reward, names)),
        }
    )  # fmt: skip
    write_json(reporter.folder / SUMMARY, summary)
    return summary

"""Checkpoints: what a run needs to go on after a crash, gathered from its parts, and handed back to them."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.errors import CheckpointError
from rl_teacher.preferences.fitted import LearnerSnapshot
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.protocols import Collector
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.storage import checkpoint as store
from rl_teacher.storage.names import CHECKPOINT
from rl_teacher.training.clock import Clock
from rl_teacher.training.reporter import Reporter, jsonable
from rl_teacher.training.restored_reward import restored_reward
from rl_teacher.training.state import TeachState

CHECKPOINT_SECONDS = 10.0
"""Least time between two checkpoints [s]; what is learned does not depend on when they are written."""


class Checkpoints:
    """Of one run, in its folder; the newest replaces the one before."""

    def __init__(
        self, folder: Path, *, collector: Collector, episodes: EpisodeTracker, learner: PreferenceLearner | None,
        clock: Clock, reporter: Reporter,
    ) -> None:  # fmt: skip
        self._path = folder / CHECKPOINT
        self._collector, self._episodes, self._learner = collector, episodes, learner
        self._clock, self._reporter = clock, reporter
        self._written_at = time.monotonic()

    def save(self, state: TeachState, *, at_once: bool) -> None:
        """Keep everything; unless `at_once`, at most every few seconds."""
        if not at_once and time.monotonic() - self._written_at < CHECKPOINT_SECONDS:
            return
        arrays = {
            **store.pack("agent", state.agent), **store.nest("collector", self._collector.snapshot()),
            **store.nest("episodes", self._episodes.snapshot()),
        }  # fmt: skip
        head: dict[str, Any] = {
            "iteration": state.iteration, "steps": state.steps, "seconds": self._clock.seconds(),
            "wall_seconds": self._reporter.wall_seconds(), "metrics": jsonable(self._reporter.last_metrics),
        }  # fmt: skip
        if self._learner is not None:
            learner = self._learner.snapshot()
            arrays |= {**store.pack("reward", learner.reward), **learner.arrays}
            head |= learner.values
        store.save(self._path, arrays, head)
        self._written_at = time.monotonic()

    def restore(self, fresh: TeachState) -> TeachState | None:
        """Bring all parts back to the checkpoint; None when there is none yet. Labels come from their own log.

        Args:
            fresh: the state at the start, which says what the arrays of the checkpoint are.

        Raises:
            CheckpointError: the checkpoint is damaged, or of another program or environment.
        """
        if self._learner is not None:
            self._learner.recall()
        if not self._path.exists():
            return None
        arrays, head = store.load(self._path)
        try:
            state = TeachState(head["iteration"], head["steps"], store.unpack("agent", arrays, fresh.agent))
            self._collector.restore(store.under("collector", arrays))
            self._episodes.restore(store.under("episodes", arrays))
            self._clock.restore(head["seconds"])
            self._reporter.restore(head["wall_seconds"], head["metrics"])
            if self._learner is not None:
                self._learner.restore(_of_learner(self._learner, arrays, head), state.iteration, state.steps)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{self._path}: {type(error).__name__}: {error}: it is of another program, or damaged. Go on with the "
                "version that began the run, or start a new run; the labels beside it stay."
            ) from error
        return state


def _of_learner(learner: PreferenceLearner, arrays: dict[str, np.ndarray], head: dict[str, Any]) -> LearnerSnapshot:
    return LearnerSnapshot(restored_reward(arrays, learner.reward), arrays, head)

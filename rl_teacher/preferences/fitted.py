"""What a learner gives away: a fit, how far the time before training is, and itself at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_teacher.protocols import RewardModel
from rl_teacher.records import ComparisonId


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit of the reward model, and what it learned from."""

    before: RewardModel
    after: RewardModel
    metrics: Mapping[str, float]
    """What the model says of the fit, such as predictor/holdout_accuracy (docs/metrics.md)."""
    changed: tuple[ComparisonId, ...]
    """Comparisons that were answered, revised or withdrawn since the fit before, oldest first."""


@dataclass(frozen=True, slots=True)
class PretrainProgress:
    """How far the time before training has come."""

    num_segments: int
    """Segments cut so far."""
    segments_wanted: int
    num_answered: int
    """Comparisons answered so far, those that nobody could tell included."""
    answers_wanted: int
    is_waiting: bool
    """Whether all segments are there, and answers are awaited."""


@dataclass(frozen=True, slots=True)
class LearnerSnapshot:
    """A learner at a moment, without its labels, which are in its log."""

    reward: RewardModel
    arrays: dict[str, np.ndarray]
    """The pool, and the first observation statistics."""
    values: dict[str, Any]
    """JSON values: the teacher's state, and the mean reward of the time before training."""

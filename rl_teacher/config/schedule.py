"""Settings of when to ask: docs/teachers.md has the formula of each schedule."""

import math
from dataclasses import dataclass

from rl_teacher.config.choices import choose
from rl_teacher.errors import require

ROUND_SHAPES = ("uniform", "decay", "increase")


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """How many comparisons are wanted by when; unset values follow from the label budget and the length of the run."""

    kind: str = "auto"
    """auto, annealed, hyperbolic, constant_steps, constant_seconds, rounds."""
    tau_steps: float | None = None
    """hyperbolic: steps after which the rate has halved; unset: 0.4 of the run's steps (the paper: 2e6 of 5e6)."""
    seconds_per_label: float = 3.0
    """constant_seconds: time for one label [s]."""
    steps_per_label: float | None = None
    """constant_steps: steps for one label, in place of -l; unset: the budget evenly, or 3 labels for each before it."""
    steps_per_round: int | None = None
    """rounds: steps from one round to the next; unset: a twentieth of the run's."""
    labels_per_round: int | None = None
    """rounds: labels of a round, before the shape's factor; unset: what spends the budget by the last round."""
    round_shape: str = "uniform"
    """rounds: uniform; decay, factor (T_f - T) / T_f; increase, factor T_f / (T_f - T + 1), of the run's T_f steps."""

    def __post_init__(self) -> None:
        for name, value in (("tau_steps", self.tau_steps), ("steps_per_label", self.steps_per_label)):
            require(value is None or 0 < value < math.inf, f"schedule.{name}", value, "above 0")
        require(0 < self.seconds_per_label < math.inf, "schedule.seconds_per_label", self.seconds_per_label, "above 0")
        for name, count in (("steps_per_round", self.steps_per_round), ("labels_per_round", self.labels_per_round)):
            require(count is None or count >= 1, f"schedule.{name}", count, "at least 1")
        choose("--schedule.round_shape", self.round_shape, ROUND_SHAPES)

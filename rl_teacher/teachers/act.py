"""An act of the circus: a trick that has no reward, only a judge who knows it when it sees it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rl_teacher.teachers.scripted import Script

Measure = Callable[[Float[np.ndarray, "step state"]], float]
"""Simulator states of one episode -> how well the trick was done, in the act's unit."""


@dataclass(frozen=True, slots=True)
class Act:
    """A trick, how it is told to people, who judges it, and how its success is measured.

    >>> act = Act("Reacher-v1", "Spin.", lambda left, right: "tie", lambda states: states[:, 4].mean(), "rad/s", 60.0)
    >>> act.reached(59.0), act.reached(72.0)
    (False, True)
    """

    env_id: str
    """The task whose robot does it, such as Walker-v1."""
    task: str
    """What is wanted, in one sentence for people."""
    prefer: Script
    """Which of two clips is better: it sees what a person would see in them."""
    measure: Measure
    """How well it was done in an episode. Neither the judge nor the agent knows it."""
    unit: str
    """Of the measure, in words."""
    goal: float
    """What counts as success, in that unit."""
    is_less_better: bool = False
    """Whether the goal is an upper bound, as of a distance."""
    num_labels: int = 100
    """Answers that it takes."""
    num_steps: int = 1_000_000
    """Environment steps that it takes."""

    def reached(self, value: float) -> bool:
        """Whether a measured value is a success."""
        return value <= self.goal if self.is_less_better else value >= self.goal

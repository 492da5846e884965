"""What the rows of a benchmark say: returns and scores by task, way of training and label budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rl_teacher.commands.bench.cells import ORACLE, Cell, Row
from rl_teacher.commands.bench.plan import Plan
from rl_teacher.commands.bench.scores import Floats, bootstrap_interval, interquartile_mean, mean, score

SAMPLED, MOST_LIKELY = "final_true_return", "final_true_return_deterministic"
"""Which return of a row: of the last training episodes, or of the policy's most likely actions."""


@dataclass(frozen=True, slots=True)
class Way:
    """One line of the picture: settings with an agent and a teacher."""

    settings: str
    agent: str
    teacher: str = ORACLE


@dataclass(frozen=True, slots=True)
class Overall:
    """The scores of all tasks and seeds in one number."""

    middle: float
    """Interquartile mean."""
    low: float
    """Lower end of its interval; nan where no task has two seeds."""
    high: float
    num_tasks: int
    """Tasks that have scores."""


@dataclass(frozen=True, slots=True)
class Report:
    """A plan and its finished cells."""

    plan: Plan
    rows: Mapping[Cell, Row]
    measure: str = SAMPLED
    ways: tuple[Way, ...] = field(init=False)

    def __post_init__(self) -> None:
        ways = [
            Way(name, agent, teacher)
            for name in self.plan.settings
            for agent in self.plan.agents_of(name)
            for teacher in self.plan.teachers
        ]
        object.__setattr__(self, "ways", tuple(ways))

    def name_of(self, way: Way) -> str:
        """Its settings, with agent and teacher where these differ."""
        several_agents = len({way.agent for way in self.ways}) > 1
        several_teachers = len(self.plan.teachers) > 1
        words = [way.settings, way.agent if several_agents else "", way.teacher if several_teachers else ""]
        return ", ".join(word for word in words if word)

    def cells(self, task: str, way: Way, labels: int) -> list[Row]:
        """Finished cells, a row per seed; those of the true reward are its own settings' or the reference's."""
        settings = way.settings if labels else self.plan.rl_settings(way.settings, way.agent)
        teacher = way.teacher if labels else ORACLE
        wanted = [Cell(settings, task, way.agent, labels, seed, self.plan.steps, teacher) for seed in self.plan.seeds]
        return [self.rows[cell] for cell in wanted if cell in self.rows]

    def returns(self, task: str, way: Way, labels: int) -> Floats:
        """True returns, one per finished seed."""
        values = [row.result.get(self.measure) for row in self.cells(task, way, labels)]
        return np.array([value for value in values if value is not None], np.float64)

    def scores(self, task: str, way: Way, labels: int) -> Floats:
        """Scores, one per finished seed; none where the true reward has not been run, or taught nothing."""
        true_returns = self.returns(task, way, 0)
        if not len(true_returns):
            return np.array([])
        scores = score(self.returns(task, way, labels), self.plan.random[task], float(true_returns.mean()))
        return scores[np.isfinite(scores)]

    def interval(self, task: str, way: Way, labels: int) -> tuple[float, float]:
        """95 % bootstrap interval of the mean score of a task."""
        return bootstrap_interval([self.scores(task, way, labels)], mean)

    def overall(self, way: Way, labels: int) -> Overall | None:
        """All tasks together; None without any score."""
        groups = [group for task in self.plan.tasks if len(group := self.scores(task, way, labels))]
        if not groups:
            return None
        several = max(map(len, groups)) > 1
        low, high = bootstrap_interval(groups, interquartile_mean) if several else (float("nan"), float("nan"))
        return Overall(float(interquartile_mean(np.concatenate(groups))), low, high, len(groups))

    def wall_seconds(self, way: Way, labels: int) -> Floats:
        """Wall-clock seconds of the trainings, where known."""
        rows = [row for task in self.plan.tasks for row in self.cells(task, way, labels)]
        return np.array([row.wall for row in rows if row.wall is not None], np.float64)

    def origins(self) -> dict[str, list[str]]:
        """Commits and machines of all cells of the plan that are finished, in order."""
        rows: Sequence[Row] = [self.rows[cell] for cell in self.plan.cells() if cell in self.rows]
        return {
            key: list(dict.fromkeys(row.origin[key] for row in rows if key in row.origin))
            for key in ("commit", "machine")
        }

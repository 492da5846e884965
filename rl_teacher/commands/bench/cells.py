"""A cell is one training of a benchmark; a row is a finished cell, one line of a results file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rl_teacher.config.flags import parse
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import ConfigError

ORACLE = "oracle"
RESULT_KEYS = (
    "final_true_return", "final_true_return_deterministic", "env_steps_per_second", "seconds", "labels",
    "reward_true_correlation", "comparison_accuracy_holdout",
)  # fmt: skip
"""What a row keeps of a run's summary."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Which training: two of the same are never run."""

    settings: str
    task: str
    agent: str
    labels: int
    """0: the true reward, and no teacher."""
    seed: int
    steps: int
    teacher: str = ORACLE

    @property
    def words(self) -> list[str]:
        """The flags of its command, without those of its settings."""
        how = ["-p", "rl"]
        if self.labels:
            how = ["-p", "synth", "-l", str(self.labels), "--teacher", self.teacher]
        return [*how, "-e", self.task, "-a", self.agent, "-s", str(self.seed), "-t", str(self.steps)]

    def __str__(self) -> str:
        how = f"{self.labels} labels" if self.labels else "true reward"
        by = f" of {self.teacher}" if self.labels and self.teacher != ORACLE else ""
        return f"{self.task}, {self.settings}, {self.agent}, {how}{by}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Row:
    """A finished cell."""

    cell: Cell
    flags: tuple[str, ...]
    """Flags of its settings, as given to `rl-teacher teach`."""
    result: Mapping[str, float | None]
    """Of the run's summary, RESULT_KEYS."""
    wall: float | None = None
    """Seconds of the whole process [s]; None where nobody measured."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """Of which commit and on which machine, where known."""

    def to_json(self) -> dict[str, Any]:
        """One flat object: the cell's fields, then what came out."""
        cell = asdict(self.cell)
        wall = None if self.wall is None else round(self.wall, 2)
        return {**cell, "flags": list(self.flags), "wall": wall, "result": dict(self.result), **self.origin}


def row_from_json(value: Any) -> Row:
    """The row of one line.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    cell = Cell(
        str(value["settings"]), str(value["task"]), str(value["agent"]), int(value["labels"]), int(value["seed"]),
        int(value["steps"]), str(value.get("teacher", ORACLE)),
    )  # fmt: skip
    result = {key: None if number is None else float(number) for key, number in value["result"].items()}
    if "final_true_return" not in result:
        raise KeyError("final_true_return")
    wall = None if value.get("wall") is None else float(value["wall"])
    origin = {key: str(value[key]) for key in ("commit", "machine") if value.get(key)}
    return Row(cell, tuple(map(str, value["flags"])), result, wall, origin)


def same_settings(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two lists of flags mean the same run; a flag that is gone by now means another one."""
    try:
        return one == other or _meaning(one) == _meaning(other)
    except ConfigError:
        return False


def _meaning(flags: tuple[str, ...]) -> RunConfig:
    return parse(["-p", "synth", "-e", "any", "-n", "any", *flags], "rl-teacher bench")

"""Rows by hand."""

from pathlib import Path

from rl_teacher.commands.bench.cells import Cell, Row
from rl_teacher.commands.bench.results import Results


def row(value: float, labels: int, seed: int = 1, **changes: object) -> Row:
    """A finished cell of ShortHopper with this return."""
    flags = changes.pop("flags", ())
    assert isinstance(flags, tuple)
    fields = {"settings": "base", "task": "ShortHopper-v1", "agent": "ppo", "steps": 1000} | changes
    cell = Cell(labels=labels, seed=seed, **fields)  # type: ignore[arg-type]
    result = {"final_true_return": value, "final_true_return_deterministic": value + 1}
    return Row(cell, flags, result, 60.0, {"commit": "abc1234", "machine": "2 x Processor"})


def stored(path: Path, *rows: Row) -> Results:
    """A file of them."""
    results = Results(path)
    for one in rows:
        results.append(one)
    return results

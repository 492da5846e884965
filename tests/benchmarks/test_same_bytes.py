"""The comparison of two checkouts sees every kind of difference, and none where only clocks differ."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.same_bytes import PARTS, differences

HEAD = {"version": 3, "seconds": 1.0, "iteration": 6, "metrics": {"agent/kl": 0.5, "time/elapsed_seconds": 1.0}}
OBS = np.arange(6, dtype=np.float32).reshape(2, 3)
ONES = np.ones(4, np.float32)
LEFT, RIGHT = '{"preference": "left"}\n', '{"preference": "right"}\n'


def run_folder(
    folder: Path,
    *,
    labels: str = LEFT + RIGHT,
    comparisons: str = "{}\n",
    head: Any = None,
    obs: Any = OBS,
    **agent: Any,
) -> Path:
    """What is read of a run; the arrays of the agent by name."""
    (folder / "segments").mkdir(parents=True)
    (folder / "labels.jsonl").write_text(labels)
    (folder / "comparisons.jsonl").write_text(comparisons)
    np.savez(folder / "segments" / "000000-1.npz", obs=obs)
    arrays = {f"agent/{name}": array for name, array in (agent or {"a": ONES}).items()}
    text = json.dumps({**HEAD, **(head or {})}).encode()
    np.savez(folder / "checkpoint.npz", allow_pickle=False, **{"head.json": np.frombuffer(text, np.uint8), **arrays})
    return folder


def next_float(array: np.ndarray) -> np.ndarray:
    """The same with the smallest possible change of its last value."""
    changed = array.copy()
    changed[..., -1] = np.nextafter(changed[..., -1], np.float32(99), dtype=np.float32)
    return changed


@pytest.mark.parametrize(
    ("part", "expected", "changes"),
    [
        ("labels", "line 2 is the first that differs (2 lines, 2 lines)", {"labels": LEFT + LEFT}),
        ("labels", "line 2 is the first that differs (2 lines, 1 lines)", {"labels": LEFT}),
        ("comparisons", "line 1 is the first that differs (1 lines, 1 lines)", {"comparisons": '{"id": 1}\n'}),
        ("checkpoint", "agent/a: 1 of 4 values differ", {"a": next_float(ONES)}),
        ("checkpoint", "agent/a: float32(4,) became float64(4,)", {"a": ONES.astype(np.float64)}),
        ("checkpoint", "agent/a: float32(4,) became float32(2, 2)", {"a": ONES.reshape(2, 2)}),
        ("checkpoint", "agent/b: only in the new", {"a": ONES, "b": ONES}),
        ("head", "iteration: '6' became '7'", {"head": {"iteration": 7}}),
        ("head", "agent/kl: '0.5' became '0.25'", {"head": {"metrics": {"agent/kl": 0.25}}}),
        ("segments", "000000-1.npz/obs: 2 of 6 values differ", {"obs": next_float(OBS)}),
    ],
)
def test_a_difference_is_told_where_it_is_and_nowhere_else(
    part: str, expected: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    found = differences(run_folder(tmp_path / "old"), run_folder(tmp_path / "new", **changes))
    assert found == {name: [expected] if name == part else [] for name in PARTS}


def test_clocks_and_the_number_of_the_format_are_no_difference(tmp_path: Path) -> None:
    metrics = {"agent/kl": 0.5, "time/elapsed_seconds": 2.0}
    later = run_folder(tmp_path / "new", head={"version": 4, "seconds": 2.0, "metrics": metrics})
    assert not any(differences(run_folder(tmp_path / "old"), later).values())


def test_zeros_of_two_signs_are_two_numbers(tmp_path: Path) -> None:
    zeros = np.zeros(4, np.float32)
    found = differences(run_folder(tmp_path / "old", a=zeros), run_folder(tmp_path / "new", a=-zeros))
    assert found["checkpoint"]

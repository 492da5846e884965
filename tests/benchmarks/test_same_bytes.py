"""The comparison of two checkouts sees every kind of difference, and none where only clocks differ."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.same_bytes import PARTS, differences
from rl_teacher.core.arrays import NO_END, Segments

HEAD = {"version": 3, "seconds": 1.0, "iteration": 6, "metrics": {"agent/kl": 0.5, "time/elapsed_seconds": 1.0}}
OBS = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
ONES = np.ones(4, np.float32)
LEFT, RIGHT = '{"preference": "left"}\n', '{"preference": "right"}\n'


def segments(obs: np.ndarray, *ids: str) -> Segments:
    """One for each id, all alike."""
    num, zeros = len(ids or ("s",)), np.zeros(len(ids or ("s",)), np.int64)
    steps = np.zeros((num, obs.shape[1]))
    return Segments(
        id=np.array(ids or ("s",)), obs=np.repeat(obs, num, 0), reward_action=steps[..., None],
        env_action=steps[..., None], true_reward=steps, sim_state=np.zeros((*steps.shape, 0)), env=zeros, episode=zeros,
        start=zeros, iteration=zeros, end=np.full(num, NO_END), next_obs=np.zeros((*steps.shape, 0)),
    )  # fmt: skip


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
    np.savez(folder / "segments" / "000000-1.npz", allow_pickle=False, **segments(obs).fields())
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
        ("segments", "s/obs: 2 of 6 values differ", {"obs": next_float(OBS)}),
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


def test_a_run_that_kept_segments_by_comparisons_has_the_same_ones_as_a_run_that_keeps_each_once(
    tmp_path: Path,
) -> None:
    line = '{"id": "%s", "left": "%s", "right": "%s", "step": 0, "iteration": 0%s}\n'
    pairs = [("c", "a", "b"), ("d", "b", "a")]
    where = [f', "file": "0-c.npz", "row": {row}' for row in range(2)]
    old = run_folder(tmp_path / "old", comparisons="".join(line % (*p, w) for p, w in zip(pairs, where, strict=True)))
    new = run_folder(tmp_path / "new", comparisons="".join(line % (*p, "") for p in pairs))
    sides = {"left_": segments(OBS, "a", "b"), "right_": segments(OBS, "b", "a")}
    fields = {prefix + name: array for prefix, side in sides.items() for name, array in side.fields().items()}
    np.savez(old / "segments" / "0-c.npz", allow_pickle=False, **fields)
    np.savez(new / "segments" / "0-a.npz", allow_pickle=False, **segments(OBS, "a", "b").fields())
    assert not any(differences(old, new).values())
    fields["left_obs"] = next_float(fields["left_obs"])
    np.savez(old / "segments" / "0-c.npz", allow_pickle=False, **fields)
    assert differences(old, new)["segments"] == [f"{one}/obs: 2 of 6 values differ" for one in "ab"]

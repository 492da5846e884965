"""Checkpoints: what goes in comes out; damage and newer versions are named."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.core.running_stats import RunningStats
from rl_teacher.errors import CheckpointError
from rl_teacher.storage import checkpoint as store


def stats(value: float) -> RunningStats:
    return RunningStats(jnp.ones(()) * value, jnp.full(3, value), jnp.full(3, value))


def test_a_pytree_comes_back_bit_for_bit(tmp_path: Path) -> None:
    store.save(tmp_path / "c.npz", store.pack("a", stats(0.1)), {"iteration": 7})
    arrays, head = store.load(tmp_path / "c.npz")
    back = store.unpack("a", arrays, stats(0.0))
    assert head["iteration"] == 7
    np.testing.assert_array_equal(back.mean, stats(0.1).mean)
    assert back.mean.dtype == jnp.float32


def test_nested_names_come_apart_again() -> None:
    arrays = {"x": np.ones(1), "deep/y": np.zeros(2)}
    assert store.under("p", store.nest("p", arrays)).keys() == arrays.keys()


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "c.npz"
    store.save(path, store.pack("a", stats(0.1)), {})
    data = path.read_bytes()
    path.write_bytes(data[:keep] if keep >= 0 else data[:300] + b"\xff" * 8 + data[308:])
    with pytest.raises(CheckpointError, match="damaged"):
        store.load(path)


def test_a_newer_checkpoint_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "VERSION", 99)
    store.save(tmp_path / "c.npz", {}, {})
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="format 99, this program reads 3"):
        store.load(tmp_path / "c.npz")


def test_a_checkpoint_of_another_shape_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"a/0001 is float32\(3,\), expected float32\(4,\)"):
        store.unpack("a", store.pack("a", stats(1.0)), RunningStats.of_shape((4,)))

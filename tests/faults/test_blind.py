"""The true reward is for the logs: a run without one learns the same, bit for bit."""

from pathlib import Path

import equinox as eqx
import numpy as np
import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.flags import parse
from rl_teacher.core.arrays import Rollout
from rl_teacher.rollouts.local import LocalCollector

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
WORDS = [
    "-p", "synth", "-l", "24", "-e", "ShortReacher-v1", "-n", "x", "-t", "9000", "-V", "--ppo.rollout-steps", "16",
    "--teacher", f"{ROOT}/examples/own_teacher.py:prefer_spinning",
]  # fmt: skip


def learned(folder: Path) -> dict[str, np.ndarray]:
    config = parse([*WORDS, "--runs-dir", str(folder), "--tb-dir", str(folder / "tb")])
    assert train(config) == 0
    with np.load(folder / "x" / "checkpoint.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if name.startswith(("agent/", "reward/"))}


def test_with_nan_for_the_true_reward_the_same_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeing = learned(tmp_path / "seeing")
    collect = LocalCollector.collect

    def blind(self: LocalCollector, *given: object) -> Rollout:
        rollout = collect(self, *given)  # type: ignore[arg-type]
        return eqx.tree_at(lambda one: one.true_reward, rollout, np.full_like(rollout.true_reward, np.nan))

    monkeypatch.setattr(LocalCollector, "collect", blind)
    never_seeing = learned(tmp_path / "blind")
    assert seeing.keys() == never_seeing.keys()
    assert [name for name in seeing if not np.array_equal(seeing[name], never_seeing[name])] == []

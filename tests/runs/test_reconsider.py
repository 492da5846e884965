"""Whether an agent begins anew: once, early, and where its first reward was another one."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.agents.ppo import PPO
from rl_teacher.agents.trpo import TRPO
from rl_teacher.config import PPOConfig, RunConfig, TRPOConfig
from rl_teacher.core.actions import BoxActions
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.flags import parse
from rl_teacher.protocols import Restartable
from rl_teacher.training import train


def said(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> int:
    """How often a run of nine iterations says that its agent begins anew."""
    where = ["-n", "x", "--runs-dir", str(folder), "--tb-dir", str(folder / "tb"), "-V"]
    run = ["-p", "synth", "-e", "ShortReacher-v1", "-t", "9000", "--ppo.rollout-steps", "16", *where]
    assert train(parse(RunConfig, [*run, *words], "test", "")) == 0
    return capsys.readouterr().out.count("the agent begins anew")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-l", "40", "--restart-below", "1"], 1),  # 10 labels first; 20 after a tenth of the run
        (["-l", "40", "--restart-below", "-1"], 0),
        (["-l", "40", "-L", "20", "--restart-below", "1"], 0),  # twice 20 labels are there at the end only
        (["-l", "40", "--restart-below", "1", "--reward.model", "constant"], 0),  # it never changes
        (["-l", "40", "--restart-below", "1", "-a", "sac", "--sac.updates-per-step", "0.02"], 0),  # it learns from all
    ],
    ids=["changed", "never", "too-late", "constant", "sac"],
)
def test_an_agent_begins_anew_once_and_early(
    words: list[str], expected: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(tmp_path, capsys, *words) == expected


@pytest.mark.parametrize("kind", [PPO, TRPO])
def test_it_keeps_what_it_knows_of_observations_and_nothing_else(kind: type[PPO] | type[TRPO]) -> None:
    config = {PPO: PPOConfig(hidden=(8,)), TRPO: TRPOConfig(hidden=(8,))}[kind]
    actions, key = BoxActions((-1.0,), (1.0,)), jax.random.key(5)
    old = kind.build((3,), actions, config, jax.random.key(0))  # type: ignore[arg-type]
    seen = RunningStats.of_shape((3,)).merge(jax.random.normal(key, (50, 3)), jnp.ones(50))
    old = kind(old.networks, old.opt_state, seen, old.value_stats, actions, config)  # type: ignore[arg-type]
    assert isinstance(old, Restartable)
    new = old.anew(key)
    fresh = kind.build((3,), actions, config, key)  # type: ignore[arg-type]
    np.testing.assert_array_equal(new.obs_stats.mean, seen.mean)
    assert float(new.obs_stats.count) == 50
    for got, wanted in zip(jax.tree.leaves(new.networks), jax.tree.leaves(fresh.networks), strict=True):
        np.testing.assert_array_equal(got, wanted)

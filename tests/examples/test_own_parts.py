"""The examples of docs/agents.md and docs/rewards.md: small, and they learn."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.agents import PPOConfig
from rl_teacher.config.flags import parse
from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.envs.catalog import find_env
from rl_teacher.protocols import FitData
from rl_teacher.storage.metrics import read_metrics
from rl_teacher.training.parts import fresh_agent
from rl_teacher.training.world import open_world
from tests.completed import completed
from tests.interrupted import stop_at_saves
from tests.programs import example

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[2] / "examples"
AGENT, REWARD = f"{EXAMPLES}/own_agent.py:LinearAgent", f"{EXAMPLES}/own_reward.py:LinearReward"


LinearReward = example("own_reward").LinearReward


@pytest.mark.parametrize("name", ["own_agent", "own_reward", "own_teacher", "backflip"])
def test_an_example_fits_on_a_screen(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= 50


def test_the_agent_learns_to_push_the_way_it_is_paid_for() -> None:
    settings = RunConfig(env_id="Pendulum-v1", predictor="rl", name="own", ppo=PPOConfig(num_envs=16, rollout_steps=25))
    config, _ = completed(settings)
    world = open_world(config, find_env(config.env_id))
    config, means = dataclasses.replace(config, agent=AGENT), []
    agent = fresh_agent(config, world.collector.obs_shape, world.actions, is_fixed_horizon=True)

    def reward(x: RewardInput) -> np.ndarray:  # the action that is paid best is 0.5 x the cart's position, clipped
        return -np.square(np.asarray(x.action)[..., 0] - np.clip(100 * np.asarray(x.obs)[..., 1], -0.5, 0.5))

    for iteration in range(40):
        key = jax.random.key(iteration)
        rollout = world.collector.collect(agent.actor(), 400, 25, key)
        agent, result = agent.update(rollout.blind(show_true_reward=False), reward, 0.0, key)
        means.append(float(result.predicted_reward.mean()))
    world.collector.close()
    assert np.mean(means[-5:]) > np.mean(means[:5]) + 0.05


def test_the_reward_model_finds_the_direction_that_labels_point_in() -> None:
    generator = np.random.default_rng(0)
    obs = generator.normal(size=(200, 2, 10, 3)).astype(np.float32)
    action = generator.normal(size=(200, 2, 10, 1)).astype(np.float32)
    returns = (2 * obs[..., 0] - action[..., 0]).sum(-1)  # weights (2, 0, 0, -1): direction (0.894, 0, 0, -0.447)
    target = (returns[:, 0] > returns[:, 1]).astype(np.float32)
    batch = LabeledBatch(obs=obs, action=action, true_return=returns, target=target, key=np.arange(200))
    window = RewardInput(obs.reshape(-1, 3), action.reshape(-1, 1))
    model, metrics = LinearReward(jnp.zeros(4), jnp.array(0)).fit(
        FitData(batch, window, RunningStats.of_shape((3,)), len(batch)), None, jax.random.key(0)
    )
    np.testing.assert_allclose(model.weights / jnp.linalg.norm(model.weights), [0.894, 0, 0, -0.447], atol=0.1)
    assert metrics["predictor/accuracy"] > 0.95
    assert not model.wants_fit(200)
    assert model.wants_fit(201)


WORDS = [
    "-p", "synth", "-l", "24", "-e", "Pendulum-v1", "-n", "own", "-t", "3200", "-V", "--ppo.num_envs", "16",
    "--ppo.rollout_steps", "25",
]  # fmt: skip


@pytest.mark.parametrize("own", [["--agent", AGENT], ["--reward.model", REWARD]], ids=["agent", "reward model"])
def test_by_flag_it_keeps_its_budgets_and_a_run_that_was_interrupted_ends_the_same(
    own: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert teach([*WORDS, *own, *where(whole)]) == 0
    summary = json.loads((whole / "own" / "summary.json").read_text())
    assert (summary["timesteps"], summary["labels"]) == (3200, 24)
    tag = "agent/gradient_norm" if own[0] == "--agent" else "predictor/accuracy"  # what the example reports
    assert read_metrics(whole / "own" / "metrics.jsonl")[-1][tag] is not None

    stop_at_saves(monkeypatch, False, True)
    assert teach([*WORDS, *own, *where(cut)]) == 130
    assert teach([*WORDS, *own, *where(cut), "--resume"]) == 0
    first, second = arrays(whole), arrays(cut)
    assert any(name.startswith("agent/") for name in first)
    assert [name for name in {*first, *second} if not np.array_equal(first[name], second[name])] == []
    assert (whole / "own" / "labels.jsonl").read_bytes() == (cut / "own" / "labels.jsonl").read_bytes()


def teach(words: list[str]) -> int:
    """What the command does, in this process."""
    return train(parse(words))


def where(folder: Path) -> list[str]:
    """Flags of the folders that a run writes to."""
    return ["--runs-dir", str(folder), "--tb-dir", str(folder / "tb")]


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """All arrays of the checkpoint."""
    with np.load(folder / "own" / "checkpoint.npz") as found:
        return {name: found[name] for name in found.files if name != "head.json"}

"""The examples of docs/agents.md and docs/rewards.md: small, and they learn."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rl_teacher.training.session import Session

from rl_teacher.config.agents import PPOConfig
from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.protocols import FitData
from rl_teacher.storage.folder import open_run
from rl_teacher.storage.metrics import read_metrics
from rl_teacher.teach import TeachState, teach
from rl_teacher.training.build import Run, build_run
from tests.completed import completed

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    """A module of the examples, which are no package."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LinearAgent, LinearReward = load("own_agent").LinearAgent, load("own_reward").LinearReward


@pytest.fixture
def config(tmp_path: Path) -> Iterator[RunConfig]:
    before = signal.getsignal(signal.SIGINT)
    yield completed(
        RunConfig(
            env_id="Pendulum-v1", predictor="synth", name="own", n_labels=24, num_timesteps=3200,
            ppo=PPOConfig(num_envs=16, rollout_steps=25), runs_dir=str(tmp_path / "runs"), tb_dir=str(tmp_path / "tb"),
        )
    )[0]  # fmt: skip
    signal.signal(signal.SIGINT, before)


def fresh_agent(run: Run) -> LinearAgent:
    num_obs = run.collector.obs_shape[0]
    return LinearAgent(jnp.zeros((num_obs, run.actions.size)), RunningStats.of_shape((num_obs,)))


def fresh_reward(run: Run) -> LinearReward:
    return LinearReward(jnp.zeros(run.collector.obs_shape[0] + run.actions.size), jnp.array(0))


@pytest.mark.parametrize("name", ["own_agent", "own_reward", "own_teacher", "backflip"])
def test_an_example_fits_on_a_screen(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= 50


def test_the_agent_learns_to_push_the_way_it_is_paid_for(config: RunConfig) -> None:
    run = build_run(config)
    agent, means = fresh_agent(run), []

    def reward(x: RewardInput) -> np.ndarray:  # the action that is paid best is 0.5 x the cart's position, clipped
        return -np.square(np.asarray(x.action)[..., 0] - np.clip(100 * np.asarray(x.obs)[..., 1], -0.5, 0.5))

    for iteration in range(40):
        key = jax.random.key(iteration)
        rollout = run.collector.collect(agent.actor(), 400, 25, key)
        agent, result = agent.update(rollout.blind(show_true_reward=False), reward, 0.0, key)
        means.append(float(result.predicted_reward.mean()))
    run.collector.close()
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


def test_the_loop_runs_with_both_and_keeps_its_budgets(config: RunConfig) -> None:
    run = build_run(config)
    folder, lock = open_run(config)
    session = Session(run, folder, lock, lambda line: None)
    session.start(None)
    state = teach(run, session, TeachState(0, 0, fresh_agent(run), fresh_reward(run)))
    session.checkpoint(run, state, force=True)
    restored = session.restore(run, fresh_agent(run), fresh_reward(run))
    session.close()
    run.collector.close()
    assert state.steps == 3200
    assert run.dataset.num_labels == 24
    assert restored is not None
    np.testing.assert_array_equal(restored[2].weights, state.agent.weights)
    np.testing.assert_array_equal(restored[3].weights, state.reward_model.weights)
    assert "agent/gradient_norm" in read_metrics(folder / "metrics.jsonl")[-1]

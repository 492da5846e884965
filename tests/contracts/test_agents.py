"""What the loop relies on, of every agent with every kind of action."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.core.arrays import RewardInput
from rl_teacher.protocols import Actor
from rl_teacher.protocols import Agent as AgentProtocol
from rl_teacher.rollouts.local import LocalCollector
from tests.probes.agents import ACTIONS, AGENTS, NUM_ENVS, ROLLOUT_STEPS, Agent, build, collect
from tests.probes.envs import BOX, PROBES, ProbeEnvs

OBS = np.random.default_rng(0).normal(size=(NUM_ENVS, 2)).astype(np.float32)


@pytest.fixture(params=[(kind, family) for kind in AGENTS for family in ACTIONS], ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[Agent, str]:
    kind, family = request.param
    return build(kind, ACTIONS[family]), family


def reward(x: RewardInput) -> jax.Array:
    return jnp.asarray(x.obs)[..., 0] * jnp.asarray(x.action)[..., 0]


def learn(agent: Agent, family: str, seed: int = 0, progress: float = 0.0) -> Agent:
    collector = LocalCollector(ProbeEnvs(PROBES["action by observation"], ACTIONS[family], NUM_ENVS), ACTIONS[family])
    rollout = collect(agent, collector, seed)
    return agent.update(rollout.blind(show_true_reward=False), reward, progress, jax.random.key(seed))[0]


def test_it_has_the_protocols_shape(case: tuple[Agent, str]):
    agent, _ = case
    assert isinstance(agent, AgentProtocol)
    assert isinstance(agent.actor(), Actor)


def test_its_actor_gives_one_action_per_environment_in_policy_units(case: tuple[Agent, str]):
    agent, family = case
    actor = agent.actor()
    noise = actor.noise(jax.random.key(0), ROLLOUT_STEPS, NUM_ENVS)
    assert noise.shape[:2] == (ROLLOUT_STEPS, NUM_ENVS)
    for action in (actor.act(OBS, noise[0]), actor.mode(OBS)):
        assert isinstance(action, np.ndarray)
        assert action.shape == ((NUM_ENVS, 1) if ACTIONS[family] == BOX else (NUM_ENVS,))
        # the rest of the system can turn it into the environment's units
        assert len(ACTIONS[family].to_env(ACTIONS[family].clamp(action))) == NUM_ENVS


def test_the_same_noise_gives_the_same_action_and_other_noise_another(case: tuple[Agent, str]):
    agent, _ = case
    actor = agent.actor()
    noise = actor.noise(jax.random.key(0), ROLLOUT_STEPS, NUM_ENVS)
    np.testing.assert_array_equal(actor.act(OBS, noise[0]), actor.act(OBS, noise[0]))
    assert (actor.act(OBS, noise[0]) != actor.act(OBS, noise[1])).any()


def test_environments_do_not_influence_each_others_actions(case: tuple[Agent, str]):
    agent, family = case
    actor = learn(agent, family).actor()
    noise = actor.noise(jax.random.key(0), 1, NUM_ENVS)[0]
    order = np.random.default_rng(1).permutation(NUM_ENVS)
    np.testing.assert_allclose(actor.act(OBS[order], noise[order]), actor.act(OBS, noise)[order], atol=1e-6)


def test_an_update_leaves_the_old_agent_as_it_was(case: tuple[Agent, str]):
    agent, family = case
    before = [np.array(leaf) for leaf in jax.tree.leaves(agent)]
    new = learn(agent, family)
    for leaf, old in zip(jax.tree.leaves(agent), before, strict=True):
        np.testing.assert_array_equal(leaf, old)
    assert any((np.asarray(a) != b).any() for a, b in zip(jax.tree.leaves(new), before, strict=True))
    assert jax.tree.structure(new) == jax.tree.structure(agent)
    for leaf, old in zip(jax.tree.leaves(new), before, strict=True):
        assert (leaf.shape, leaf.dtype) == (old.shape, old.dtype)


def test_the_reward_is_asked_once_for_the_whole_rollout_and_reported_as_it_was(case: tuple[Agent, str]):
    agent, family = case
    calls: list[RewardInput] = []

    def counting(x: RewardInput) -> jax.Array:
        calls.append(x)
        return reward(x)

    collector = LocalCollector(ProbeEnvs(PROBES["action"], ACTIONS[family], NUM_ENVS), ACTIONS[family])
    rollout = collect(agent, collector, 0)
    blind = rollout.blind(show_true_reward=False)
    _, result = agent.update(blind, counting, 0.0, jax.random.key(0))
    assert len(calls) == 1
    assert calls[0] is blind.reward_input
    np.testing.assert_array_equal(result.predicted_reward, reward(blind.reward_input))
    assert {"agent/kl", "agent/entropy", "agent/policy_loss", "agent/value_loss", "agent/explained_variance"} <= set(
        result.metrics
    )
    for name, value in result.metrics.items():
        assert name.startswith("agent/")
        assert np.isfinite(float(value))


@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_it_learns_at_the_beginning_and_at_the_end_of_a_run(case: tuple[Agent, str], progress: float):
    agent, family = case
    new = learn(agent, family, progress=progress)
    assert (np.asarray(new.networks.value.weights[0]) != np.asarray(agent.networks.value.weights[0])).any()


def test_its_arrays_are_all_of_it(case: tuple[Agent, str]):
    agent, family = case
    trained = learn(agent, family)
    saved = [np.array(leaf) for leaf in jax.tree.leaves(trained)]
    # another agent of the same build, filled with the saved arrays
    restored = jax.tree.unflatten(jax.tree.structure(agent), [jnp.asarray(array) for array in saved])
    noise = trained.actor().noise(jax.random.key(0), 1, NUM_ENVS)[0]
    np.testing.assert_array_equal(restored.actor().act(OBS, noise), trained.actor().act(OBS, noise))
    for a, b in zip(
        jax.tree.leaves(learn(restored, family, 5)), jax.tree.leaves(learn(trained, family, 5)), strict=True
    ):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()

"""What an update must and must not do, for PPO and TRPO alike."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.core.arrays import BlindRollout, RewardInput, Rollout
from rl_teacher.rewards.true_reward import TrueReward
from rl_teacher.rollouts.local import LocalCollector
from tests.probes.agents import ACTIONS, AGENTS, NUM_ENVS, ROLLOUT_STEPS, TRPO_CONFIG, Agent, build, collect
from tests.probes.envs import PROBES, ProbeEnvs

PROBE = PROBES["action by observation"]
BOTH = [(kind, family) for kind in AGENTS for family in ACTIONS]


def rollout_of(agent: Agent, family: str, seed: int = 0, num_steps: int = NUM_ENVS * ROLLOUT_STEPS) -> Rollout:
    collector = LocalCollector(ProbeEnvs(PROBE, ACTIONS[family], NUM_ENVS, seed), ACTIONS[family])
    return collect(agent, collector, seed, num_steps)


def learned_reward(x: RewardInput) -> jax.Array:
    """A reward that looks at what a learned one may look at."""
    return jnp.asarray(x.action)[..., 0] * jnp.asarray(x.obs)[..., 0]


def updated(agent: Agent, rollout: BlindRollout, seed: int = 1) -> Agent:
    return agent.update(rollout, learned_reward, 0.5, jax.random.key(seed))[0]


def leaves(agent: Agent) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(agent)]


def assert_same_bytes(one: Agent, other: Agent) -> None:
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(("kind", "family"), BOTH)
def test_the_same_seed_gives_the_same_bytes(kind: str, family: str):
    agents = []
    for _ in range(2):
        agent = build(kind, ACTIONS[family], seed=3)
        agents.append(updated(agent, rollout_of(agent, family).blind(show_true_reward=False)))
    assert_same_bytes(*agents)
    other = updated(build(kind, ACTIONS[family], seed=4), rollout_of(agents[0], family).blind(show_true_reward=False))
    assert any(a.tobytes() != b.tobytes() for a, b in zip(leaves(agents[0]), leaves(other), strict=True))


@pytest.mark.parametrize(("kind", "family"), BOTH)
def test_what_stands_in_padding_never_influences_an_update(kind: str, family: str):
    agent = build(kind, ACTIONS[family])
    clean = rollout_of(agent, family, num_steps=NUM_ENVS * ROLLOUT_STEPS - 3 * NUM_ENVS - 5)
    padding = ~clean.counted
    assert padding.sum() == 3 * NUM_ENVS + 5

    def garbage(array: np.ndarray, value: float) -> np.ndarray:
        spoiled = array.copy()
        spoiled[padding] = value
        return spoiled

    spoiled = dataclasses.replace(
        clean,
        obs=garbage(clean.obs, np.nan),
        action=garbage(clean.action, np.nan if family == "gaussian" else 1),
        final_obs=garbage(clean.final_obs, np.inf),
        reward_action=garbage(clean.reward_action, np.nan),
        terminated=garbage(clean.terminated, True),
        truncated=garbage(clean.truncated, True),
    )
    expected, found = (updated(agent, rollout.blind(show_true_reward=False)) for rollout in (clean, spoiled))
    assert_same_bytes(expected, found)
    assert all(np.isfinite(leaf).all() for leaf in leaves(found))


@pytest.mark.parametrize("kind", AGENTS)
def test_a_rollout_of_padding_changes_no_weight(kind: str):
    agent = build(kind, ACTIONS["gaussian"])
    rollout = rollout_of(agent, "gaussian")
    # a few updates first: the optimizer has momentum
    agent = updated(updated(agent, rollout.blind(show_true_reward=False)), rollout.blind(show_true_reward=False))
    nothing = dataclasses.replace(rollout, counted=np.zeros_like(rollout.counted))
    after = updated(agent, nothing.blind(show_true_reward=False))
    for a, b in zip(jax.tree.leaves(agent.networks), jax.tree.leaves(after.networks), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", AGENTS)
def test_a_blind_agent_cannot_see_the_true_reward(kind: str):
    agent = build(kind, ACTIONS["gaussian"])
    rollout = rollout_of(agent, "gaussian")
    hidden = dataclasses.replace(rollout, true_reward=np.full_like(rollout.true_reward, np.nan))
    blind = hidden.blind(show_true_reward=False)
    assert "true_reward" not in {field.name for field in dataclasses.fields(BlindRollout)}
    assert blind.reward_input.true_reward is None
    assert_same_bytes(updated(agent, blind), updated(agent, rollout.blind(show_true_reward=False)))
    assert all(np.isfinite(leaf).all() for leaf in leaves(updated(agent, blind)))


def test_only_the_view_of_p_rl_shows_the_true_reward():
    agent = build("ppo", ACTIONS["gaussian"])
    rollout = rollout_of(agent, "gaussian")
    np.testing.assert_array_equal(TrueReward()(rollout.blind(show_true_reward=True).reward_input), rollout.true_reward)
    with pytest.raises(AssertionError, match="shows the true reward"):
        TrueReward()(rollout.blind(show_true_reward=False).reward_input)


@pytest.mark.parametrize(("kind", "family"), BOTH)
def test_the_scale_of_the_reward_does_not_change_the_policy(kind: str, family: str):
    agent = build(kind, ACTIONS[family])
    rollout = rollout_of(agent, family).blind(show_true_reward=False)
    # The critic of a fresh agent says something other than 0; let it have said it in the reward's unit.
    silent = eqx.tree_at(
        lambda a: (a.networks.value.weights[-1], a.networks.value.biases[-1]), agent, replace_fn=jnp.zeros_like
    )
    small, large = (
        silent.update(rollout, lambda x, f=factor: f * learned_reward(x), 0.5, jax.random.key(1))[0]
        for factor in (1.0, 1024.0)
    )
    for a, b in zip(jax.tree.leaves(small.networks.policy), jax.tree.leaves(large.networks.policy), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("family", ACTIONS)
def test_trpos_divergence_stays_below_its_limit_while_the_reward_keeps_changing(family: str):
    agent = build("trpo", ACTIONS[family])
    collector = LocalCollector(ProbeEnvs(PROBE, ACTIONS[family], NUM_ENVS), ACTIONS[family])
    moved = 0
    for i in range(12):
        sign = (-1.0) ** i
        rollout = collect(agent, collector, i)
        new, result = agent.update(
            rollout.blind(show_true_reward=False), lambda x, s=sign: s * learned_reward(x), 0.0, jax.random.key(i)
        )
        kl = float(result.metrics["agent/kl"])
        assert kl <= TRPO_CONFIG.max_kl
        moved += kl > 0.1 * TRPO_CONFIG.max_kl
        x = (agent if i else new).obs_stats.normalize(jnp.asarray(rollout.obs.reshape(-1, 2)))
        family_of = ACTIONS[family].distribution
        independent = family_of.kl(
            agent.networks.policy(x), agent.networks.log_std, new.networks.policy(x), new.networks.log_std
        ).mean()
        assert float(independent) == pytest.approx(kl, rel=1e-2, abs=1e-6)
        agent = new
    assert moved >= 10


@pytest.mark.parametrize("kind", AGENTS)
def test_a_constant_reward_leaves_everything_finite(kind: str):
    agent = build(kind, ACTIONS["gaussian"])
    for i in range(3):
        rollout = rollout_of(agent, "gaussian", i).blind(show_true_reward=False)
        agent, result = agent.update(rollout, lambda x: jnp.zeros(x.action.shape[:2]), 0.0, jax.random.key(i))
    assert all(np.isfinite(leaf).all() for leaf in leaves(agent))
    assert all(np.isfinite(float(value)) for name, value in result.metrics.items() if "explained" not in name)


@pytest.mark.parametrize("kind", AGENTS)
def test_observations_are_normalized_as_they_were_acted_with(kind: str):
    agent = build(kind, ACTIONS["gaussian"])
    first = rollout_of(agent, "gaussian", 0)
    agent = updated(agent, first.blind(show_true_reward=False))
    assert float(agent.obs_stats.count) == NUM_ENVS * ROLLOUT_STEPS
    np.testing.assert_allclose(agent.obs_stats.mean, first.obs.reshape(-1, 2).mean(0), atol=1e-6)
    # the actor's own mode equals the policy on observations normalized by the agent's statistics
    obs = np.array([[1.0, 0.0]] * NUM_ENVS, np.float32)
    expected = agent.networks.policy(agent.obs_stats.normalize(jnp.asarray(obs)))
    np.testing.assert_allclose(agent.actor().mode(obs), expected, atol=1e-6)

"""SAC: its densities, its replay, and what it does when the reward changes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.agents.replay import Replay, transitions
from rl_teacher.agents.sac import SAC, _novelty, _sample, _values
from rl_teacher.config.agents import SACConfig
from rl_teacher.core.arrays import LAST, LIVED, BlindRollout, RewardInput, next_observations
from rl_teacher.core.networks import orthogonal_mlp
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.rewards.true_reward import TrueReward
from rl_teacher.rollouts.local import LocalCollector
from tests.probes.envs import BOX, DISCOUNT, PROBES, ProbeEnvs

NUM_ENVS, ROLLOUT_STEPS = 16, 8
CONFIG = SACConfig(
    num_envs=NUM_ENVS, rollout_steps=ROLLOUT_STEPS, hidden=(32,), discount=DISCOUNT, batch_size=64,
    learning_rate=3e-3, alpha_learning_rate=1e-9, init_alpha=1e-3, target_rate=0.05, replay_steps=2000,
    recent_share=0.5, recent_steps=500, explore_steps=0, updates_per_step=0.5,
)  # fmt: skip


def build(config: SACConfig = CONFIG, *, with_true_reward: bool = True) -> SAC:
    return SAC.build(
        (2,), BOX, config, jax.random.key(0), num_timesteps=10**6, with_true_reward=with_true_reward
    )  # fmt: skip


def train(name: str, num_updates: int) -> SAC:
    agent, collector = build(), LocalCollector(ProbeEnvs(PROBES[name], BOX, NUM_ENVS), BOX)
    for i in range(num_updates):
        rollout = collector.collect(agent.actor(), NUM_ENVS * ROLLOUT_STEPS, ROLLOUT_STEPS, jax.random.key(i))
        agent, _ = agent.update(rollout.blind(show_true_reward=True), TrueReward(), 0.0, jax.random.key(1000 + i))
    return agent


def rollout_of(agent: SAC, name: str = "action", seed: int = 0) -> BlindRollout:
    collector = LocalCollector(ProbeEnvs(PROBES[name], BOX, NUM_ENVS, seed), BOX)
    steps = NUM_ENVS * ROLLOUT_STEPS
    return collector.collect(agent.actor(), steps, ROLLOUT_STEPS, jax.random.key(seed)).blind(show_true_reward=False)


@pytest.mark.parametrize("name", [name for name, probe in PROBES.items() if probe.values])
def test_the_critics_learn_the_known_value(name: str):
    agent = train(name, 40)
    for obs, value in PROBES[name].values:
        x = agent.obs_stats.normalize(jnp.array([obs], jnp.float32))
        action, _ = _sample(agent.learner.policy, x, jnp.zeros((1, 1)))
        np.testing.assert_allclose(_values(agent.learner.critics, x, action)[:, 0], value, atol=0.15)


@pytest.mark.parametrize("name", [name for name, probe in PROBES.items() if probe.best])
def test_the_policy_finds_the_best_action(name: str):
    agent = train(name, 40)
    for obs, best in PROBES[name].best:
        assert agent.actor().mode(np.array([obs], np.float32))[0, 0] == pytest.approx(best, abs=0.15)


def test_the_density_of_a_squashed_action_integrates_to_one():
    policy = orthogonal_mlp((2, 8, 2), "relu", last_scale=1.0, key=jax.random.key(3))
    noise = jnp.linspace(-6.0, 6.0, 4001)[:, None]
    action, log_prob = _sample(policy, jnp.ones((4001, 2)), noise)
    area = np.trapezoid(np.exp(np.asarray(log_prob, np.float64)), np.asarray(action[:, 0], np.float64))
    assert area == pytest.approx(1.0, abs=1e-3)
    assert np.abs(action).max() <= 1


def test_old_steps_are_scored_with_todays_reward():
    agent = build(with_true_reward=False)
    rollout = rollout_of(agent)
    for sign in (1.0, -1.0):
        for i in range(30):  # the same steps again and again: only the reward differs
            agent, _ = agent.update(
                rollout, lambda x, sign=sign: sign * jnp.asarray(x.action)[..., 0], 0.0, jax.random.key(i)
            )
        assert sign * agent.actor().mode(np.zeros((1, 2), np.float32))[0, 0] > 0.5


def test_critics_begin_anew_when_the_reward_is_another_and_only_then():
    agent = build(with_true_reward=False)
    rollout, reset = rollout_of(agent), []
    for factor in (1.0, 1.0, 2.0, -1.0, -1.0):
        agent, result = agent.update(
            rollout, lambda x, f=factor: f * jnp.asarray(x.action)[..., 0], 0.0, jax.random.key(0)
        )
        reset.append(float(result.metrics["agent/critic_reset"]))
    assert reset == [0, 0, 0, 1, 0]


def test_while_it_explores_no_reward_moves_it_and_then_the_critics_begin_anew():
    config = dataclasses.replace(CONFIG, explore_steps=2 * NUM_ENVS * ROLLOUT_STEPS)
    rewards = [lambda x: jnp.asarray(x.action)[..., 0], lambda x: -jnp.asarray(x.action)[..., 0]]
    rollout = rollout_of(build(config, with_true_reward=False))
    agents = [build(config, with_true_reward=False)] * 2
    for turn, (exploring, reset) in enumerate([(1, 0), (1, 0), (0, 1), (0, 0)]):
        for which, reward in enumerate(rewards):
            agents[which], result = agents[which].update(rollout, reward, 0.0, jax.random.key(turn))
            assert float(result.metrics["agent/exploring"]) == exploring
            assert float(result.metrics["agent/critic_reset"]) == reset
        same = [bool((a == b).all()) for a, b in zip(*(jax.tree.leaves(one.learner) for one in agents), strict=True)]
        assert all(same) == bool(exploring)
    assert build(config).explores is False, "the true reward needs no exploring"


def test_novelty_is_the_distance_to_the_fifth_neighbor():
    stats = RunningStats(jnp.ones(()), jnp.zeros(1), jnp.ones(1) - 1e-8)
    others = jnp.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    distance = _novelty(stats, jnp.array([[[0.0], [2.0]]]), others)  # itself is the first, so the sixth counts
    np.testing.assert_allclose(distance[0, 0] / distance[0, 1], 5.0 / 3.0, rtol=1e-5)
    assert float(distance.std()) == pytest.approx(1.0, abs=1e-4)


def hand_made() -> BlindRollout:
    """Two environments, three steps, of which the second one has made two; the first one's episode ends at step 1."""
    obs = np.arange(6, dtype=np.float32).reshape(3, 2, 1)
    counted = np.array([[True, True], [True, True], [True, False]])
    ended = np.array([[False, False], [True, False], [False, False]])
    final_obs = np.zeros((3, 2, 1), np.float32)
    final_obs[1, 0] = 99
    action = obs / 10
    return BlindRollout(
        obs=obs, action=action, last_obs=np.array([[50.0], [51.0]], np.float32), final_obs=final_obs,
        terminated=ended, truncated=np.zeros_like(ended), counted=counted, reward_input=RewardInput(obs, action),
    )  # fmt: skip


def test_a_step_is_followed_by_the_next_or_the_last_observation_of_its_episode():
    steps = transitions(hand_made())
    np.testing.assert_array_equal(steps.obs[:, 0], [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(steps.next_obs[:, 0], [2, 3, 99, 51, 50])
    np.testing.assert_array_equal(steps.terminated, [False, False, True, False, False])
    np.testing.assert_array_equal(steps.reward_input.obs, steps.obs)


def test_replayed_steps_know_whether_they_ended_an_episode_where_ends_are_shown():
    rollout = hand_made()
    phase = np.where(rollout.terminated, LAST, LIVED).astype(np.int8)
    follows = next_observations(rollout)
    reward_input = dataclasses.replace(rollout.reward_input, phase=phase, next_obs=follows)
    shown = dataclasses.replace(rollout, reward_input=reward_input)
    np.testing.assert_array_equal(transitions(shown).reward_input.phase, [LIVED, LIVED, LAST, LIVED, LIVED])
    np.testing.assert_array_equal(transitions(shown).reward_input.next_obs[:, 0], [2, 3, 99, 51, 50])
    replay = Replay.build(7, (1,), 1, with_true_reward=False, shows_ends=True).add(shown).add(shown)
    # five steps twice in a ring of seven: rows 0..2 hold the end of the second time, rows 3 and 4 that of the first
    np.testing.assert_array_equal(np.asarray(replay.steps.obs)[:, 0], [2, 3, 4, 3, 4, 0, 1])
    assert np.asarray(replay.steps.reward_input.phase).tolist() == [LAST, LIVED, LIVED, LIVED, LIVED, LIVED, LIVED]
    without = Replay.build(7, (1,), 1, with_true_reward=False, shows_ends=False)
    assert len(jax.tree.leaves(replay)) == len(jax.tree.leaves(without)) + 2


def test_replayed_steps_are_paid_for_how_they_end():
    agent = SAC.build((2,), BOX, CONFIG, jax.random.key(0), num_timesteps=10**6, shows_ends=True)
    collector = LocalCollector(ProbeEnvs(PROBES["terminated"], BOX, NUM_ENVS), BOX)
    for i in range(40):
        rollout = collector.collect(agent.actor(), NUM_ENVS * ROLLOUT_STEPS, ROLLOUT_STEPS, jax.random.key(i))
        blind = rollout.blind(show_true_reward=False, show_ends=True)
        agent, _ = agent.update(blind, lambda x: jnp.asarray(x.phase == LAST, jnp.float32), 0.0, jax.random.key(i))
    # episodes of three steps, of which the last one is paid 1; the discount is a half
    for step, value in ((0, 0.25), (1, 0.5), (2, 1.0)):
        x = agent.obs_stats.normalize(jnp.array([[0.0, step]], jnp.float32))
        action, _ = _sample(agent.learner.policy, x, jnp.zeros((1, 1)))
        np.testing.assert_allclose(_values(agent.learner.critics, x, action)[:, 0], value, atol=0.15)


def test_the_ring_forgets_the_oldest():
    replay = Replay.build(7, (1,), 1, with_true_reward=False, shows_ends=False)
    replay = replay.add(hand_made()).add(hand_made())
    assert (replay.size, int(replay.num_written)) == (7, 10)
    np.testing.assert_array_equal(np.asarray(replay.steps.obs)[:, 0], [2, 3, 4, 3, 4, 0, 1])
    tiny = Replay.build(2, (1,), 1, with_true_reward=False, shows_ends=False).add(hand_made())
    assert sorted(np.asarray(tiny.steps.obs)[:, 0]) == [3, 4]


def test_a_share_of_each_minibatch_is_new():
    replay = Replay.build(1000, (1,), 1, with_true_reward=False, shows_ends=False)
    for _ in range(30):
        replay = replay.add(hand_made())
    rows = np.asarray(replay.draw(jax.random.key(0), (50, 40), recent_share=0.25, num_recent=10))
    age = 149 - rows
    assert (age[:, :10] < 10).all()
    assert age[:, 10:].max() > 140
    assert age.min() == 0


def test_the_same_seed_gives_the_same_bytes_and_the_old_agent_stays():
    agent = build(with_true_reward=False)
    before = [np.array(leaf) for leaf in jax.tree.leaves(agent)]
    rollout = rollout_of(agent)
    one, other = (agent.update(rollout, lambda x: jnp.asarray(x.obs)[..., 0], 0.0, jax.random.key(5))[0] for _ in "ab")
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    for leaf, old in zip(jax.tree.leaves(agent), before, strict=True):
        np.testing.assert_array_equal(leaf, old)

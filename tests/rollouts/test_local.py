import jax
import numpy as np
import pytest

from rl_teacher.core.actions import BoxActions
from rl_teacher.core.arrays import Rollout
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from tests.probes.envs import BOX, CHOICE, Probe, ProbeEnvs

NUM_ENVS, CAPACITY = 3, 8
# The reward tells which context, step and action it is of.
COUNTING = Probe(
    5, lambda context, step, action: 100.0 * context + 10.0 * step + action, shows_context=True, shows_step=True
)


def collector_of(probe: Probe = COUNTING, actions=BOX) -> LocalCollector:
    return LocalCollector(ProbeEnvs(probe, actions, NUM_ENVS), actions)


def collect(collector: LocalCollector, num_steps: int, seed: int = 0, actions=BOX) -> Rollout:
    return collector.collect(RandomActor(actions), num_steps, CAPACITY, jax.random.key(seed))


@pytest.mark.parametrize("num_steps", [1, 2, 3, 4, 22, 23, 24])
def test_exactly_as_many_steps_count_as_were_wanted(num_steps: int):
    rollout = collect(collector_of(), num_steps)
    assert rollout.num_steps == num_steps
    assert rollout.counted.shape == (CAPACITY, NUM_ENVS)
    # row by row: the first environments make the surplus step
    np.testing.assert_array_equal(rollout.counted.ravel()[:num_steps], True)


@pytest.mark.parametrize("actions", [BOX, CHOICE])
def test_a_step_holds_what_was_seen_done_and_earned_in_it(actions):
    rollout = collect(collector_of(actions=actions), 24, actions=actions)
    context, step = rollout.obs[..., 0], rollout.obs[..., 1]
    np.testing.assert_array_equal(rollout.sim_state, np.stack([context, step], -1))
    np.testing.assert_array_equal(rollout.episode_step, step)
    done = rollout.env_action[..., 0] if actions == BOX else 2.0 * (rollout.env_action - CHOICE.start) - 1.0
    np.testing.assert_allclose(rollout.true_reward, 100 * context + 10 * step + done, rtol=1e-6)
    if actions == BOX:
        np.testing.assert_array_equal(rollout.reward_action, rollout.action)
    else:
        np.testing.assert_array_equal(rollout.reward_action.argmax(-1), rollout.action)
        np.testing.assert_array_equal(rollout.env_action, rollout.action + CHOICE.start)


def test_an_episode_ends_with_its_own_last_observation_and_the_next_row_is_of_the_next_one():
    rollout = collect(collector_of(), 24)
    # episodes of 5 steps: rows 0..4, then 5..7
    np.testing.assert_array_equal(np.argwhere(rollout.ended), [[4, 0], [4, 1], [4, 2]])
    np.testing.assert_array_equal(rollout.final_obs[4, :, 1], 5)
    np.testing.assert_array_equal(rollout.final_obs[4, :, 0], rollout.obs[4, :, 0])
    np.testing.assert_array_equal(np.delete(rollout.final_obs, 4, 0), 0)
    np.testing.assert_array_equal(rollout.episode[:, 0], [0, 0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(rollout.episode_step[:, 0], [0, 1, 2, 3, 4, 0, 1, 2])


def test_rollouts_follow_each_other_without_a_gap():
    collector = collector_of()
    first, second = collect(collector, 24), collect(collector, 24, seed=1)
    np.testing.assert_array_equal(first.last_obs, second.obs[0])
    np.testing.assert_array_equal(second.episode_step[:, 0], [3, 4, 0, 1, 2, 3, 4, 0])
    np.testing.assert_array_equal(second.episode[:, 0], [1, 1, 2, 2, 2, 2, 2, 3])


def test_an_environment_that_stops_a_step_earlier_last_saw_what_it_saw_before_that_step():
    # 7 steps of 3 environments: only the first makes a third step
    rollout = collect(collector_of(), 7)
    np.testing.assert_array_equal(rollout.last_obs[:, 1], [3, 2, 2])
    # 13 steps: the first environment's episode of 5 ends, the others' do not
    rollout = collect(collector_of(), 13)
    np.testing.assert_array_equal(rollout.terminated[4], [True, False, False])
    np.testing.assert_array_equal(rollout.last_obs[:, 1], [0, 4, 4])


def test_truncations_are_not_terminations():
    truncating = Probe(5, COUNTING.reward, truncates=True)
    rollout = collect(collector_of(truncating), 24)
    assert not rollout.terminated.any()
    assert rollout.truncated[4].all()


def test_a_restart_begins_new_episodes():
    collector = collector_of()
    collect(collector, 6)
    collector.restart(5)
    rollout = collect(collector, 6)
    np.testing.assert_array_equal(rollout.episode_step[:2], [[0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(rollout.episode[:2], 1)


def test_random_actions_fill_the_bounds_evenly():
    noise = RandomActor(BOX).noise(jax.random.key(0), 100, 100)
    assert noise.shape == (100, 100, 1)
    # uniform on [-1, 1]: deviation 1 / sqrt 3; four standard errors of the mean are 4 * 0.577 / 100
    assert abs(noise.mean()) < 0.024
    assert noise.std() == pytest.approx(3**-0.5, abs=0.01)
    choices = RandomActor(CHOICE).noise(jax.random.key(0), 100, 100)
    assert set(np.unique(choices).tolist()) == {0, 1}
    assert choices.mean() == pytest.approx(0.5, abs=0.02)


def fields(rollout: Rollout) -> list[np.ndarray]:
    return jax.tree.leaves(rollout)


def test_a_restored_collector_goes_on_bit_for_bit():
    spec = find_env("ShortHopper-v1")

    def hopper() -> LocalCollector:
        envs = make_envs(spec, NUM_ENVS, seed=3, num_threads=1, stagger=True)
        space = envs.single_action_space
        return LocalCollector(envs, BoxActions(tuple(map(float, space.low)), tuple(map(float, space.high))))

    def go(collector: LocalCollector, seed: int) -> Rollout:
        actions = BoxActions((-1.0,) * 3, (1.0,) * 3)
        return collector.collect(RandomActor(actions), 40 * NUM_ENVS, 40, jax.random.key(seed))

    uninterrupted = hopper()
    go(uninterrupted, 0)
    snapshot = uninterrupted.snapshot()
    assert all(isinstance(array, np.ndarray) for array in snapshot.values())
    expected = [go(uninterrupted, seed) for seed in (1, 2)]
    resumed = hopper()
    go(resumed, 7)  # elsewhere, before it is restored
    resumed.restore(snapshot)
    found = [go(resumed, seed) for seed in (1, 2)]
    for one, other in zip(expected, found, strict=True):
        for a, b in zip(fields(one), fields(other), strict=True):
            assert a.tobytes() == b.tobytes()
    for collector in (uninterrupted, resumed):
        collector.close()


def test_every_second_environment_holds_its_random_actions_for_a_while():
    plain, held = (RandomActor(BOX, hold).noise(jax.random.key(0), 400, 20) for hold in (1.0, 8.0))
    np.testing.assert_array_equal(held[:, ::2], plain[:, ::2])
    np.testing.assert_array_equal(held[0], plain[0])
    changes = (np.diff(held[:, 1::2], axis=0) != 0).any(-1).mean()
    assert changes == pytest.approx(1 / 8, abs=0.02)  # 3,990 steps: a standard error of 0.005
    assert set(np.unique(held[:, 1::2])) <= set(np.unique(plain[:, 1::2]))
    choices = RandomActor(CHOICE, 8.0).noise(jax.random.key(0), 400, 20)
    assert (np.diff(choices[:, 1::2], axis=0) == 0).mean() > 0.85

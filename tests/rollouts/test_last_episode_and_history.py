"""What is kept of episodes so that they can be drawn: simulator states, or the actions since the reset."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from rl_teacher.core.actions import DiscreteActions
from rl_teacher.core.arrays import NO_END
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.errors import VideoFault
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.rollouts.last_episode import LastEpisode
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.video.replayed import play
from tests.rollouts.test_local import COUNTING, collect, collector_of

SEED = 5


def cartpole(num_envs: int = 3) -> LocalCollector:
    return LocalCollector(make_envs(find_env("CartPole-v1"), num_envs, seed=SEED), DiscreteActions(2, 0))


def history_of(collector: LocalCollector, num_rollouts: int, num_kept: int = 2) -> tuple[ActionHistory, list]:
    history, rollouts = ActionHistory(num_kept, lambda iteration, env, episode: reset_seed(SEED, env, episode)), []
    for iteration in range(1, num_rollouts + 1):
        rollouts.append(collector.collect(RandomActor(DiscreteActions(2, 0)), 30, 10, jax.random.key(iteration)))
        history.add(rollouts[-1], iteration)
    return history, rollouts


def test_what_is_handed_out_is_the_whole_episode_across_rollouts():
    collector, last = collector_of(), LastEpisode(max_steps=100)
    found = [last.add(collect(collector, 3 * 3), iteration) for iteration in range(4)]  # episodes have 5 steps
    assert [one is not None for one in found] == [False, True, False, True]
    np.testing.assert_array_equal(found[1].sim_state[:, 1], [0, 1, 2, 3, 4])  # the second column counts steps
    assert (found[1].env, found[1].episode, found[1].start, found[1].iteration) == (0, 0, 0, 1)
    assert found[3].episode == 1


def test_what_ended_for_good_says_so_and_what_ran_out_of_time_does_not():
    for truncates, end in ((False, 5), (True, NO_END)):
        last = LastEpisode(max_steps=100)
        found = last.add(collect(collector_of(replace(COUNTING, truncates=truncates)), 6 * 3), 0)
        assert (len(found), found.end) == (5, end)


def test_a_long_episode_leaves_its_end():
    last = LastEpisode(max_steps=2)
    found = last.add(collect(collector_of(), 6 * 3), 0)
    np.testing.assert_array_equal(found.sim_state[:, 1], [3, 4])
    assert found.start == 3


@pytest.mark.render
def test_what_the_history_recorded_plays_to_the_same_observations():
    history, (_, second, third) = history_of(cartpole(), 3)
    checked = 0
    for iteration, rollout in ((2, second), (3, third)):
        for time, env in np.argwhere(rollout.counted)[::7]:
            start, episode = int(rollout.episode_step[time, env]), int(rollout.episode[time, env])
            found = history.find(iteration, int(env), episode, start + 1)
            assert found is not None
            # play() compares the observation before step `start` with what was seen
            frames = play(find_env("CartPole-v1"), found.seed, found.actions, start, rollout.obs[time, env])
            assert frames.shape == (1, 400, 600, 3)
            checked += 1
    assert checked == 10


@pytest.mark.render
def test_an_environment_that_plays_otherwise_is_found_out():
    history, (first,) = history_of(cartpole(), 1)
    found = history.find(1, 0, 0, 3)
    assert found is not None
    with pytest.raises(VideoFault, match="led elsewhere"):
        play(find_env("CartPole-v1"), found.seed + 1, found.actions, 2, first.obs[2, 0])


def test_old_rollouts_and_beginnings_that_were_not_seen_are_not_on_the_tape():
    collector = cartpole()
    before = collector.collect(RandomActor(DiscreteActions(2, 0)), 12, 10, jax.random.key(0))  # 4 steps each
    assert not before.ended.any()
    history, _ = history_of(collector, 3)
    assert history.find(1, 0, 0, 1) is None  # forgotten: two are kept
    assert history.find(2, 0, 0, 1) is None  # the first four steps of the first episode are unknown


def test_no_pictures_no_clip():
    with pytest.raises(VideoFault, match="rgb_array"):
        play(
            replace(find_env("CartPole-v1"), canonical_id="tests.probes.nothing:Nothing-v0"),
            0,
            np.zeros(1, np.int64),
            0,
            np.zeros(1),
        )

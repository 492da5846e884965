import numpy as np
import pytest

from rl_teacher.core.arrays import Segments
from rl_teacher.preferences.pool import Pool
from rl_teacher.preferences.segments import by_id, cut_segments, overlap, placeable
from tests.preferences.rollouts import ENVS, TIME, pool, rollout

LENGTH = 6


def cut(source=None, num: int = 10, seed: int = 0, length: int = LENGTH, iteration: int = 4) -> Segments:
    source = rollout() if source is None else source
    return cut_segments(source, length, num, np.random.default_rng(seed), origin="run", iteration=iteration)


def test_a_segment_may_start_where_all_its_steps_count_and_belong_to_one_episode():
    fits = placeable(rollout({0: [4, 7, 29]}), LENGTH)
    assert fits.shape == (TIME - LENGTH + 1, ENVS)
    # episode 0 has 4 steps; episode 1 is 4..10, so starts 4 and 5; episode 2 from 11 on
    np.testing.assert_array_equal(np.flatnonzero(fits[:, 0]), [4, 5, *range(11, 35)])
    assert fits[:, 1:].all()


def test_an_episode_of_exactly_a_segment_has_room_for_one():
    assert np.flatnonzero(placeable(rollout({0: [6, 6, 28]}), LENGTH)[:, 0])[:3].tolist() == [0, 6, 12]


def test_nothing_is_cut_from_padding():
    # 10 rows of 3 environments and one step more
    fits = placeable(rollout(num_counted=31), LENGTH)
    assert fits.sum(0).tolist() == [6, 5, 5]


@pytest.mark.parametrize("length", [TIME + 1, TIME])
def test_a_segment_longer_than_the_rollout_does_not_fit(length: int):
    assert len(cut(length=length)) == (ENVS if length == TIME else 0)


def test_segments_lie_in_one_episode_and_all_their_arrays_are_aligned():
    source = rollout({0: [7, 13, 20], 2: [6, 6, 6, 22]})
    segments = cut(source, num=12)
    assert len(segments) == 12
    for row in range(12):
        env, time = int(segments.env[row]), segments.obs[row, :, 0].astype(int)
        np.testing.assert_array_equal(np.diff(time), 1)
        assert len(np.unique(source.episode[time, env])) == 1
        assert segments.episode[row] == source.episode[time[0], env]
        assert segments.start[row] == source.episode_step[time[0], env]
        np.testing.assert_array_equal(segments.obs[row, :, 1], env)
        np.testing.assert_array_equal(segments.sim_state[row], segments.obs[row])
        np.testing.assert_array_equal(segments.reward_action[row, :, 0], time)
        np.testing.assert_array_equal(segments.env_action[row, :, 0], 2 * time)
        np.testing.assert_allclose(segments.true_reward[row], time + env / 10, rtol=1e-6)
    np.testing.assert_array_equal(segments.iteration, 4)


def test_segments_do_not_overlap_while_there_is_room():
    # 40 steps hold at least 3 segments of 6 wherever they are put: 40 // (2 * 6 - 1)
    segments = cut(num=9)
    assert len(segments) == 9
    assert not any(overlap(segments, i, j) for i in range(9) for j in range(i))


def test_when_room_is_short_segments_overlap_but_never_repeat():
    segments = cut(num=60)
    assert len(segments) == 60
    assert len(set(segments.id.tolist())) == 60


def test_no_more_are_cut_than_fit():
    assert len(cut(rollout({e: [6, 5, 5, 5, 5, 5, 5, 4] for e in range(ENVS)}), num=10)) == ENVS


def test_places_are_even_over_all_that_fit():
    starts = np.concatenate([cut(num=1, seed=seed).obs[:, 0, 0] for seed in range(600)])
    # 35 starts, 600 draws: 17.1 each
    counts = np.bincount(starts.astype(int), minlength=35)
    assert len(counts) == 35
    assert ((counts - 600 / 35) ** 2 / (600 / 35)).sum() < 70  # chi squared of 34 degrees: 99.97 %


def test_ids_are_of_run_iteration_and_place():
    assert cut().id.tolist() == cut().id.tolist()
    assert not set(cut().id.tolist()) & set(cut(iteration=5).id.tolist())
    everything = {
        (int(e), float(t)): i
        for seed in (0, 1)
        for s in [cut(num=60, seed=seed)]
        for e, t, i in zip(s.env, s.obs[:, 0, 0], s.id, strict=True)
    }
    assert len(set(everything.values())) == len(everything)
    again = cut(num=60, seed=1)
    assert all(
        everything[int(e), float(t)] == i for e, t, i in zip(again.env, again.obs[:, 0, 0], again.id, strict=True)
    )


def test_overlap_is_sharing_a_step_of_one_episode():
    segments = pool(4, env=np.array([0, 0, 0, 1]), start=np.array([0, 3, 4, 0]))
    # four steps each: 0..3 and 3..6 share step 3; 0..3 and 4..7 share none; another environment never
    assert overlap(segments, 0, 1)
    assert not overlap(segments, 0, 2)
    assert overlap(segments, 1, 2)
    assert not overlap(segments, 0, 3)
    assert overlap(segments, 0, 0)


def test_teachers_see_segments_by_id():
    segments = pool(3)
    seen = by_id(segments)
    assert list(seen) == ["segment 0", "segment 1", "segment 2"]
    np.testing.assert_array_equal(seen["segment 2"].true_reward, [2, 2, 2, 2])


def test_the_pool_keeps_the_newest_iterations():
    kept = Pool(2)
    assert kept.segments() is None
    parts = [cut(num=3, iteration=i) for i in range(3)]
    for part in parts:
        kept.add(part)
    segments = kept.segments()
    assert segments is not None
    assert segments.id.tolist() == [*parts[1].id.tolist(), *parts[2].id.tolist()]
    kept.add(cut(length=TIME + 1))  # an iteration without segments drops nothing
    assert kept.segments().id.tolist() == segments.id.tolist()


def test_a_restored_pool_holds_the_same():
    kept, other = Pool(12), Pool(12)
    for i in range(12):
        kept.add(cut(num=2, iteration=i))
    other.restore(kept.snapshot())
    for name, array in kept.segments().fields().items():
        np.testing.assert_array_equal(other.segments().fields()[name], array)

"""Segments that run into the end of their episode: where they lie, and what is in them, counted by hand."""

import dataclasses

import numpy as np
import pytest

from rl_teacher.core.arrays import ENDED, LAST, LIVED, NO_END, Rollout, Segments, concatenate, next_observations
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.pool import Pool
from rl_teacher.preferences.segments import cut_segments, ends_within
from rl_teacher.preferences.window import window
from rl_teacher.records import Comparison, Label, Preference
from tests.preferences.rollouts import ENVS, TIME, pool, rollout

LENGTH = 6
FALLS = {0: [4, 7, 29]}
"""Environment 0 ends at steps 3 and 10; the others go on."""


def cut(source: Rollout, num: int = 9, seed: int = 0, *, shows_ends: bool = True) -> Segments:
    generator = np.random.default_rng(seed)
    return cut_segments(source, LENGTH, num, generator, origin="run", iteration=4, shows_ends=shows_ends)


def truncated_at(source: Rollout, time: int) -> Rollout:
    """The same, but what ended at `time` was stopped by a time limit."""
    terminated, truncated = source.terminated.copy(), source.truncated.copy()
    truncated[time], terminated[time] = terminated[time], False
    return dataclasses.replace(source, terminated=terminated, truncated=truncated)


def test_ends_are_counted_in_steps_that_are_still_lived() -> None:
    found = ends_within(rollout(FALLS), LENGTH)
    # episode 0 has steps 0..3, episode 1 has 4..10, of whose 7 steps a segment of 6 sees none of the end from step 4 on
    assert found[:11, 0].tolist() == [4, 3, 2, 1, NO_END, 6, 5, 4, 3, 2, 1]
    assert (found[11:, 0] == NO_END).all()
    assert (found[:, 1:] == NO_END).all()


def test_a_time_limit_is_no_end() -> None:
    found = ends_within(truncated_at(rollout(FALLS), 10), LENGTH)
    assert found[:11, 0].tolist() == [4, 3, 2, 1, *[NO_END] * 7]


def test_what_ends_in_the_padding_has_not_ended() -> None:
    # 24 steps of 3 environments: times 0..7 count, the end at time 10 does not
    found = ends_within(rollout(FALLS, num_counted=24), LENGTH)
    assert found[:11, 0].tolist() == [4, 3, 2, 1, *[NO_END] * 7]


def test_a_third_of_the_segments_run_into_an_end() -> None:
    # 9 places run into one: times 0..3 and 6..10 of environment 0; of 9 segments a third are 3
    for seed in range(5):
        ends = cut(rollout(FALLS), seed=seed).end
        assert len(ends) == 9
        assert ((ends != NO_END) & (ends < LENGTH)).sum() == 3


def test_where_ends_are_rare_all_of_them_are_shown() -> None:
    ends = cut(rollout({0: [1, 39]})).end  # one place: the only step of the first episode
    assert sorted(ends.tolist()) == [NO_END] * 8 + [1]


def test_where_no_episode_is_as_long_as_a_segment_all_segments_end() -> None:
    short = rollout({env: [5] * 8 for env in range(ENVS)})
    ends = cut(short).end
    assert len(ends) == 9
    assert ((ends >= 1) & (ends <= 5)).all()
    assert len(cut(short, shows_ends=False)) == 0
    assert len(cut(truncated_at(short, slice(None)))) == 0, "time limits alone leave nothing to show"


def test_a_segment_shows_its_episode_and_then_the_simulator_standing_still() -> None:
    source = rollout(FALLS)
    before = source.obs.copy()
    segments = cut(source, num=30)
    for row in range(len(segments)):
        lived, env = int(segments.end[row]), int(segments.env[row])
        lived = LENGTH if lived == NO_END else lived
        times = segments.sim_state[row, :, 0].astype(int)
        first = int(times[0])
        assert times.tolist() == [first + min(step, lived - 1) for step in range(LENGTH)]
        assert segments.start[row] == source.episode_step[first, env]
        assert segments.episode[row] == source.episode[first, env]
        for name in ("obs", "reward_action", "env_action", "true_reward"):
            shown = getattr(segments, name)[row]
            np.testing.assert_array_equal(shown[:lived], getattr(source, name)[first : first + lived, env])
            np.testing.assert_array_equal(shown[lived:], 0)
        follows = segments.next_obs[row, :, 0]  # the time; a final observation is 0, and so is all that comes after it
        last = 0 if segments.end[row] != NO_END else min(times[-1] + 1, TIME - 1)
        assert follows.tolist() == [*(times[:lived] + 1)[:-1], last, *[0] * (LENGTH - lived)]
    assert (segments.end != NO_END).any()
    np.testing.assert_array_equal(source.obs, before)


def test_ids_are_of_the_place_whether_ends_are_shown_or_not() -> None:
    source = rollout(FALLS)

    def ids(segments: Segments) -> dict[tuple[int, int], str]:
        places = zip(segments.env.tolist(), segments.sim_state[:, 0, 0].astype(int).tolist(), strict=True)
        return dict(zip(places, segments.id.tolist(), strict=True))

    with_ends, without = ids(cut(source, num=60)), ids(cut(source, num=60, shows_ends=False))
    common = with_ends.keys() & without.keys()
    assert len(common) > 10
    assert all(with_ends[place] == without[place] for place in common)
    assert len(set(with_ends.values())) == len(with_ends)
    assert cut(source).id.tolist() == cut(source).id.tolist()


def test_where_nothing_ends_segments_are_as_they_always_were() -> None:
    segments = cut(truncated_at(rollout(FALLS), slice(None)))
    assert (segments.end == NO_END).all()
    assert "end" not in segments.fields()
    assert segments.reward_input().phase is None


def test_the_last_step_is_lived_and_what_follows_is_not() -> None:
    segments = pool(5, end=np.array([NO_END, 1, 2, 4, 3]))
    assert segments.phase().tolist() == [
        [LIVED] * 4, [LAST, ENDED, ENDED, ENDED], [LIVED, LAST, ENDED, ENDED], [LIVED, LIVED, LIVED, LAST],
        [LIVED, LIVED, LAST, ENDED],
    ]  # fmt: skip
    np.testing.assert_array_equal(segments.reward_input().phase, segments.phase())
    assert [segments.row(i).end for i in range(5)] == [NO_END, 1, 2, 4, 3]


def test_what_is_observed_after_a_step_may_be_shown_without_ends() -> None:
    source = truncated_at(rollout(FALLS), slice(None))
    plain, after = (
        cut_segments(
            source, LENGTH, 30, np.random.default_rng(0), origin="run", iteration=4, shows_ends=False, shows_after=shows
        )
        for shows in (False, True)
    )
    assert plain.id.tolist() == after.id.tolist()
    assert (after.end == NO_END).all()
    assert (plain.next_obs.shape[2], after.reward_input().phase) == (0, None)
    np.testing.assert_array_equal(after.next_obs[:, :-1], after.obs[:, 1:])

    shown = source.blind(show_true_reward=False, show_after=True).reward_input
    np.testing.assert_array_equal(shown.next_obs, next_observations(source))
    assert (shown.phase, shown.true_reward) == (None, None)
    frames = window([source], shows_ends=False, shows_after=True)
    np.testing.assert_array_equal(frames.next_obs, next_observations(source)[source.counted])
    assert frames.phase is None


def test_agents_are_shown_ends_only_where_they_are_to_be_shown() -> None:
    source = truncated_at(rollout(FALLS), 10)
    phase = source.blind(show_true_reward=False, show_ends=True).reward_input.phase
    assert np.argwhere(phase == LAST).tolist() == [[3, 0]]
    assert (phase[np.arange(TIME) != 3] == LIVED).all()
    assert source.blind(show_true_reward=False, show_ends=False).reward_input.phase is None
    follows = source.blind(show_true_reward=False, show_ends=True).reward_input.next_obs
    np.testing.assert_array_equal(follows[:-1, 1], source.obs[1:, 1])
    np.testing.assert_array_equal(follows[-1], source.last_obs)
    np.testing.assert_array_equal(follows[[3, 10], 0], source.final_obs[[3, 10], 0])  # ended, and ran out of time
    assert source.blind(show_true_reward=False, show_ends=False).reward_input.next_obs is None


@pytest.mark.parametrize("ended", ["neither", "right"])
def test_labels_have_phases_once_a_segment_with_a_label_ended(ended: str) -> None:
    left, right = pool(2), pool(2, end=np.array([NO_END, 3]) if ended == "right" else None)
    dataset = Dataset()
    dataset.add([Comparison(f"{i}a", f"left {i}", f"right {i}", 0) for i in range(2)], left, right)
    dataset.label([Label("0a", Preference.LEFT, "x", "")])
    assert not dataset.shows_ends
    assert dataset.labeled().phase is None
    dataset.label([Label("1a", Preference.LEFT, "x", "")])
    assert dataset.shows_ends == (ended == "right")
    if ended == "right":
        assert dataset.labeled().phase.tolist() == [[[0] * 4, [0] * 4], [[0] * 4, [LIVED, LIVED, LAST, ENDED]]]


def test_a_restored_pool_knows_which_episodes_ended() -> None:
    kept, other = Pool(3), Pool(3)
    parts = [pool(2), pool(2, end=np.array([2, NO_END])), pool(1)]
    for part in parts:
        kept.add(part)
    snapshot = kept.snapshot()
    assert sorted(name for name in snapshot if name.endswith("end")) == ["1/end"]
    other.restore(snapshot)
    assert other.segments().end.tolist() == [NO_END, NO_END, 2, NO_END, NO_END]
    for name, array in concatenate(parts).fields().items():
        np.testing.assert_array_equal(other.segments().fields()[name], array)

"""A sample of a data set: all of a small one, an even choice of a large one, and what was seen of the whole."""

from collections.abc import Iterator

import numpy as np
import pytest

from rl_teacher.data.episodes import Episode, EpisodeSet
from rl_teacher.data.sample import take_sample
from rl_teacher.errors import DataDamaged


def set_of(lengths: list[int], terminated: int = -1) -> EpisodeSet:
    """Episodes whose observations say their number."""

    def read() -> Iterator[Episode]:
        for number, num in enumerate(lengths):
            obs = np.full((num, 2), number, np.float32)
            ended = np.arange(num) == (num - 1 if number == terminated else -1)
            yield Episode(
                number, obs, obs, np.zeros((num, 1), np.float32), np.zeros(num), ended, np.zeros(num, bool), 0
            )

    return EpisodeSet("made", "transitions", "", (2,), None, sum(lengths), read)


def test_of_a_small_set_all_is_kept_and_told() -> None:
    found = take_sample(set_of([3, 5, 5], terminated=0), seed=1)
    assert list(found.episodes) == [0, 1, 2]
    assert (found.num_episodes, found.num_steps, found.longest, found.ends) == (3, 13, 5, True)
    assert not take_sample(set_of([3, 5, 5]), seed=1).ends


@pytest.mark.parametrize(("lengths", "is_even"), [([4, 4, 4], True), ([4, 4, 2], True), ([4, 3, 4], False)])
def test_episodes_of_one_length_are_even_whatever_is_left_for_the_last(lengths: list[int], is_even: bool) -> None:
    assert take_sample(set_of(lengths), seed=1).is_even == is_even


def test_of_a_large_set_each_episode_is_kept_as_often_as_any_other() -> None:
    # 40 episodes of 5 steps, 50 steps are kept: 10 episodes each time, so each in a quarter of 400 samples,
    # 100 times; the standard deviation is sqrt(400 * 1/4 * 3/4) = 8.7, and 5 of them are 43
    counts = np.zeros(40)
    for seed in range(400):
        kept = take_sample(set_of([5] * 40), seed, most_steps=50)
        assert sum(map(len, kept.episodes.values())) == 50
        assert kept.num_steps == 200
        counts[list(kept.episodes)] += 1
    assert np.abs(counts - 100).max() < 43


def test_bytes_are_a_limit_too_and_two_episodes_are_kept_in_any_case() -> None:
    # an episode of 10 steps has 2 * 10 * 2 * 4 bytes of observations and 40 of actions: 200
    assert len(take_sample(set_of([10] * 9), seed=1, most_bytes=1000).episodes) == 5
    assert len(take_sample(set_of([10] * 9), seed=1, most_bytes=1).episodes) == 2


def test_the_same_seed_keeps_the_same_and_another_one_others() -> None:
    one, same, other = (list(take_sample(set_of([5] * 40), seed, most_steps=50).episodes) for seed in (1, 1, 2))
    assert one == same != other


def test_what_is_kept_holds_on_to_nothing_else() -> None:
    whole = np.zeros((1000, 2), np.float32)

    def read() -> Iterator[Episode]:
        yield Episode(0, whole[:4], whole[:4], whole[:4], np.zeros(4), np.zeros(4, bool), np.zeros(4, bool), 0)

    found = take_sample(EpisodeSet("made", "d4rl", "", (2,), None, 4, read), seed=1)
    assert found.episodes[0].obs.base is None


def test_what_is_no_number_is_named_by_its_step() -> None:
    def read() -> Iterator[Episode]:
        obs = np.zeros((4, 2))
        obs[2, 1] = np.nan
        yield Episode(7, obs, obs, np.zeros((4, 1)), np.zeros(4), np.zeros(4, bool), np.zeros(4, bool), 0)

    with pytest.raises(DataDamaged, match="episode 7, step 2: its observation holds a nan"):
        take_sample(EpisodeSet("made", "d4rl", "", (2,), None, 4, read), seed=1)
    with pytest.raises(DataDamaged, match="holds no step at all"):
        take_sample(set_of([]), seed=1)

"""Where most answers are ties, half of the clips that are asked about are rare ones."""

import dataclasses

import numpy as np
import pytest

from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import Segments
from rl_teacher.preferences import rarity as rare
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.rarity import FEWEST_ANSWERS, LEAST_CANDIDATES, is_mostly_tied, rarity, with_rare_ones
from rl_teacher.preferences.rounds import next_round
from rl_teacher.records import Comparison, Label, Preference, make_id
from tests.preferences.rollouts import pool

NUM = 40
RARE = [3, 17]


def usual_but_two() -> Segments:
    """Segments whose numbers are 0 or 1, but for a moment of two of them."""
    drawn = pool(NUM)
    obs = np.random.default_rng(0).integers(0, 2, (*drawn.obs.shape[:2], 5)).astype(np.float32)
    obs[RARE, 2, 1] = 9.0
    return dataclasses.replace(drawn, obs=obs)


def answered(num_ties: int, num_decisive: int) -> Dataset:
    dataset, segments = Dataset(), pool(2)
    num = num_ties + num_decisive
    asked = [Comparison(make_id("run", i), "segment 0", "segment 1", 0) for i in range(num)]
    rows = np.zeros(num, np.int64)
    dataset.add(asked, segments.take(rows), segments.take(rows + 1))
    said = [Preference.TIE] * num_ties + [Preference.LEFT] * num_decisive
    dataset.label([Label(one.id, preference, "someone", "") for one, preference in zip(asked, said, strict=True)])
    return dataset


def test_what_is_seldom_seen_is_rare_however_short() -> None:
    found = rarity(usual_but_two())
    assert sorted(np.argsort(-found)[:2].tolist()) == RARE


def test_rarity_by_hand() -> None:
    obs = np.zeros((4, 4, 1), np.float32)
    obs[2, 3] = 4.0  # mean 1/4, variance 15/16
    np.testing.assert_allclose(rarity(dataclasses.replace(pool(4), obs=obs)), [1 / 15, 1 / 15, 15.0, 1 / 15], rtol=1e-5)


def test_what_is_seen_once_is_rarer_than_several_things_at_once_that_are_seen_often() -> None:
    drawn = pool(NUM, length=25)
    obs = (np.random.default_rng(0).random((NUM, 25, 20)) < 1 / 50).astype(np.float32)
    obs[..., 0] = 0
    obs[7, 11, 0] = 1  # in one step of a thousand
    assert np.argmax(rarity(dataclasses.replace(drawn, obs=obs))) == 7


def test_pictures_are_rare_in_the_same_way() -> None:
    segments = usual_but_two()
    bytes_of = (segments.obs * 20).astype(np.uint8)[..., None, None].repeat(8, -2).repeat(8, -1)
    np.testing.assert_allclose(rarity(dataclasses.replace(segments, obs=bytes_of)), rarity(segments), rtol=1e-4)


def test_half_of_the_chosen_are_the_rarest_and_none_comes_twice() -> None:
    segments = usual_but_two()
    chosen = with_rare_ones(segments, 10, np.random.default_rng(1))
    assert len(set(chosen.id.tolist())) == 20
    assert {"segment 3", "segment 17"} <= set(chosen.id.tolist())
    assert len(with_rare_ones(segments, 1, np.random.default_rng(1))) == LEAST_CANDIDATES
    assert len(with_rare_ones(segments, 99, np.random.default_rng(1))) == NUM


@pytest.mark.parametrize(
    ("ties", "decisive", "expected"),
    [(0, 0, False), (FEWEST_ANSWERS - 1, 0, False), (FEWEST_ANSWERS, 0, True), (30, 10, False), (31, 9, True)],
)
def test_it_depends_on_the_share_of_ties(ties: int, decisive: int, expected: bool) -> None:
    assert is_mostly_tied(answered(ties, decisive)) is expected


@pytest.mark.parametrize("is_tied", [False, True])
def test_rounds_ask_about_rare_clips_where_most_answers_are_ties(is_tied: bool, monkeypatch) -> None:
    monkeypatch.setattr(rare, "LEAST_CANDIDATES", 4)
    dataset = answered(30, 0) if is_tied else answered(0, 30)
    num_rounds = 0
    for seed in range(8):
        asked = next_round(usual_but_two(), 2, None, dataset, SelectionConfig(), np.random.default_rng(seed))
        assert asked is not None
        num_rounds += not {"segment 3", "segment 17"}.isdisjoint([*asked.left.id, *asked.right.id])
    assert num_rounds == 8 if is_tied else num_rounds < 5

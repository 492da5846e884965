import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import RewardInput, Segments
from rl_teacher.preferences import selection
from rl_teacher.preferences.segments import overlap
from rl_teacher.preferences.selection import disagreement, first_pairs, mutual_information, select_pairs
from rl_teacher.protocols import FitData
from tests.preferences.rollouts import pool


class KnownReturns:
    """A reward model whose members' returns of segment i are known: row i of a table."""

    def __init__(self, returns: list[list[float]]) -> None:
        self._returns = np.array(returns, np.float32)
        self.sizes: set[int] = set()
        """Segments of each call."""

    def __call__(self, x: RewardInput) -> np.ndarray:
        raise AssertionError("selection looks at members")

    def member_returns(self, x: RewardInput) -> np.ndarray:
        self.sizes.add(len(x.action))
        return self._returns[np.asarray(x.action)[:, 0, 0].astype(int)].T

    def wants_fit(self, num_changes: int) -> bool:
        return False

    def fit(self, data: FitData, num_steps: int | None, key: object) -> tuple["KnownReturns", dict[str, float]]:
        return self, {}


def select(
    segments: Segments, num: int, rule: str = "uniform", reward: KnownReturns | None = None,
    asked: frozenset[frozenset[str]] = frozenset(), seed: int = 0,
) -> list[tuple[int, int]]:  # fmt: skip
    config = SelectionConfig(rule=rule)
    return select_pairs(segments, num, reward, asked, config, np.random.default_rng(seed))


def test_disagreement_matches_hand_computation():
    # 0.2, 0.4, 0.9: mean 0.5, deviation sqrt((0.09 + 0.01 + 0.16) / 3)
    probability = np.array([[0.2, 0.5], [0.4, 0.5], [0.9, 0.5]])
    np.testing.assert_allclose(disagreement(probability), [0.294392, 0.0], atol=1e-6)


def test_mutual_information_matches_hand_computation():
    # members sure of opposite answers: ln 2; agreed that nobody knows: 0
    np.testing.assert_allclose(mutual_information(np.array([[1.0, 0.5], [0.0, 0.5]])), [0.693147, 0.0], atol=1e-6)
    # 0.25 and 0.75: ln 2 - h(0.25) = 0.693147 - 0.562335
    np.testing.assert_allclose(mutual_information(np.array([[0.25], [0.75]])), [0.130812], atol=1e-6)


def test_disagreement_asks_where_the_members_differ_most():
    # Two members agree on segments 0..3, and see opposite worths in 4 and 5: only that pair splits them fully.
    reward = KnownReturns([[i, i] for i in range(4)] + [[5, -5], [-5, 5]])
    for rule in ("disagreement", "mutual_info"):
        best = select(pool(6), 3, rule, reward)[0]  # 30 candidates: all 15 pairs are among them
        assert set(best) == {4, 5}


def test_probabilities_are_of_the_right_segments_in_the_right_order():
    # Without a tie in disagreement: one member is sure that row i beats row 0, the other is indifferent.
    reward = KnownReturns([[0.0, 0.0]] + [[0.0, 0.5 * i] for i in range(1, 9)])
    best = select(pool(9), 8, "disagreement", reward)[0]
    assert set(best) == {0, 8}


def test_huge_returns_do_not_overflow():
    reward = KnownReturns([[1e6 * i, -1e6 * i] for i in range(6)])
    assert len(select(pool(6), 2, "disagreement", reward)) == 2


@pytest.mark.parametrize(("rows", "size"), [(9, 8), (0, 1)])
def test_segments_too_large_for_one_call_are_scored_in_several(rows, size, monkeypatch):
    segments = pool(40)
    known = KnownReturns(np.random.default_rng(0).normal(size=(40, 3)).tolist())
    at_once = select(segments, 8, "disagreement", known)
    known.sizes.clear()
    monkeypatch.setattr(selection, "MOST_BYTES", rows * segments.obs[:1].nbytes)
    assert select(segments, 8, "disagreement", known) == at_once
    assert known.sizes == {size}


def test_before_anything_is_learned_every_rule_is_uniform():
    assert select(pool(20), 3, "disagreement", None) == select(pool(20), 3, "uniform", None)


@given(
    num=st.integers(1, 12),
    size=st.integers(0, 14),
    seed=st.integers(0, 100),
    rule=st.sampled_from(["uniform", "disagreement"]),
)
def test_pairs_never_repeat_overlap_or_were_asked(num: int, size: int, seed: int, rule: str):
    # two environments; starts so dense that many segments overlap
    segments = pool(size, env=np.arange(size) % 2, start=np.arange(size))
    asked = frozenset(
        frozenset((f"segment {i}", f"segment {j}"))
        for i, j in itertools.combinations(range(size), 2)
        if (i + j) % 3 == 0
    )
    reward = KnownReturns([[i % 3, i % 5] for i in range(size)])
    pairs = select(segments, num, rule, reward, asked, seed)
    assert len(pairs) <= num
    used = [row for pair in pairs for row in pair]
    assert len(used) == len(set(used))
    for left, right in pairs:
        assert not overlap(segments, left, right)
        assert frozenset((f"segment {left}", f"segment {right}")) not in asked


def test_all_that_are_wanted_come_back_when_there_is_plenty():
    for seed in range(20):
        assert len(select(pool(128), 30, seed=seed)) == 30


@pytest.mark.parametrize("size", [0, 1])
def test_fewer_than_two_segments_make_no_pair(size: int):
    assert select(pool(size), 3) == []


def test_when_every_pair_was_asked_there_is_none():
    every = frozenset(frozenset((f"segment {i}", f"segment {j}")) for i, j in itertools.combinations(range(5), 2))
    assert select(pool(5), 2, asked=every) == []


def test_the_last_unasked_pair_is_found():
    every = {frozenset((f"segment {i}", f"segment {j}")) for i, j in itertools.combinations(range(5), 2)}
    last = frozenset(("segment 1", "segment 3"))
    assert [set(pair) for pair in select(pool(5), 2, asked=frozenset(every - {last}))] == [{1, 3}]


def test_sides_are_random_whoever_is_newer_or_better():
    reward = KnownReturns([[0, 0, 0], [5, 0, -5]])
    lefts = [select(pool(2), 1, "disagreement", reward, seed=seed)[0][0] for seed in range(200)]
    # four standard errors: 4 * sqrt(0.25 / 200) = 0.14
    assert abs(np.mean(lefts) - 0.5) < 0.14


def test_uniform_pairs_are_uniform():
    pairs = [frozenset(select(pool(5), 1, seed=seed)[0]) for seed in range(1000)]
    counts = np.array([pairs.count(frozenset(pair)) for pair in itertools.combinations(range(5), 2)])
    assert ((counts - 100) ** 2 / 100).sum() < 30  # chi squared of 9 degrees: 99.96 %


def test_the_first_pairs_are_i_and_i_plus_n_as_in_the_seed():
    assert first_pairs(pool(6), 3) == [(0, 3), (1, 4), (2, 5)]


def test_first_pairs_that_overlap_take_the_next_that_fits():
    segments = pool(6, env=np.array([0, 1, 2, 0, 4, 5]))
    # 0 overlaps 3, so it takes 4; 1 takes 3, 2 takes 5
    assert first_pairs(segments, 3) == [(0, 4), (1, 3), (2, 5)]


def test_a_first_segment_without_partner_does_not_stop_the_others():
    segments = pool(4, env=np.array([0, 1, 0, 0]))
    assert first_pairs(segments, 2) == [(1, 2)]

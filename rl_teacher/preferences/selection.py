"""Which pairs of segments to compare: uniform, by disagreement, or by mutual information."""

from collections.abc import Callable, Collection

import numpy as np
from jaxtyping import Float

from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import Segments
from rl_teacher.preferences.segments import overlap
from rl_teacher.protocols import RewardModel

Pair = tuple[int, int]
Score = Callable[[Float[np.ndarray, "member pair"]], Float[np.ndarray, " pair"]]


def disagreement(probability: Float[np.ndarray, "member pair"]) -> Float[np.ndarray, " pair"]:
    """Standard deviation over members of P(left preferred) [1].

    Source: Christiano et al. 2017, arXiv:1706.03741, section 2.2.4.
    """
    return np.asarray(probability.std(axis=0))


def mutual_information(probability: Float[np.ndarray, "member pair"]) -> Float[np.ndarray, " pair"]:
    """Information that the answer gives about which member is right [nats]: h(mean P) - mean h(P).

    Source: Biyik et al. 2019, arXiv:1910.04365, in closed form for a finite ensemble.
    """
    return np.asarray(binary_entropy(probability.mean(axis=0)) - binary_entropy(probability).mean(axis=0))


def binary_entropy(p: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Entropy of a coin [nats]; 0 at 0 and 1."""
    q = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-(q * np.log(q) + (1 - q) * np.log1p(-q)))


MOST_BYTES = 1 << 25
"""Of observations that are scored in one call: pictures of a thousand segments would fill the memory."""
SCORES: dict[str, Score | None] = {
    "uniform": None,
    "disagreement": disagreement,
    "mutual_info": mutual_information,
}


def select_pairs(
    pool: Segments,
    num: int,
    reward: RewardModel | None,
    asked: Collection[frozenset[str]],
    config: SelectionConfig,
    generator: np.random.Generator,
) -> list[Pair]:
    """At most `num` pairs of rows (left, right) of the pool, the best of `candidates` times as many.

    Never a segment with itself, never two that overlap, never a pair that was asked, no segment twice in a round.
    Sides are random. Fewer come back when the pool is too small.

    Args:
        reward: scores the candidates; None (nothing learned yet) selects uniformly.
    """
    score = SCORES[config.rule]
    if score is None or reward is None:
        return _disjoint(_candidates(pool, num * 4, asked, generator), num)
    pairs = _candidates(pool, num * config.candidates, asked, generator)
    if not pairs:
        return []
    probability = _probabilities(pool, pairs, reward)
    ranked = np.argsort(-score(probability), kind="stable")
    return _disjoint([pairs[i] for i in ranked], num)


def first_pairs(pool: Segments, num: int) -> list[Pair]:
    """The first pairs, as in the program of 2017: segment i with i + num; overlapping ones with the next that fits."""
    pairs, free = [], list(range(num, len(pool)))
    for i in range(num):
        partner = next((j for j in free if not overlap(pool, i, j)), None)
        if partner is None:
            continue
        free.remove(partner)
        pairs.append((i, partner))
    return pairs


def _candidates(
    pool: Segments, num: int, asked: Collection[frozenset[str]], generator: np.random.Generator
) -> list[Pair]:
    """Up to `num` different admissible pairs, drawn uniformly; gives up after as many failures as tries."""
    size, pairs, seen = len(pool), [], set()
    if size < 2:
        return []
    for left, right in generator.integers(0, size, (4 * num + 64, 2)).tolist():
        key = frozenset((str(pool.id[left]), str(pool.id[right])))
        if left == right or key in asked or key in seen or overlap(pool, left, right):
            continue
        seen.add(key)
        pairs.append((left, right))
        if len(pairs) == num:
            break
    return pairs


def _disjoint(pairs: list[Pair], num: int) -> list[Pair]:
    """The first `num` pairs in which no segment comes twice."""
    used: set[int] = set()
    chosen: list[Pair] = []
    for left, right in pairs:
        if len(chosen) == num:
            break
        if left not in used and right not in used:
            used |= {left, right}
            chosen.append((left, right))
    return chosen


def _probabilities(pool: Segments, pairs: list[Pair], reward: RewardModel) -> Float[np.ndarray, "member pair"]:
    """P(left preferred) by each member. Segments are scored once each, and padded to a power of two."""
    rows, place = np.unique(np.array(pairs), return_inverse=True)
    padded = np.resize(rows, 1 << (len(rows) - 1).bit_length())
    size = min(len(padded), 1 << (max(1, MOST_BYTES // max(1, pool.obs[:1].nbytes)).bit_length() - 1))
    parts = [padded[at : at + size] for at in range(0, len(padded), size)]
    returns = np.concatenate([reward.member_returns(pool.take(part).reward_input()) for part in parts], 1)
    left, right = place.reshape(-1, 2).T
    gap = returns[:, left] - returns[:, right]
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(gap, -50.0, 50.0))))

"""Clips that show what is seldom seen: to ask about where most clips are worth the same, and answers are ties."""

import numpy as np
from jaxtyping import Float

from rl_teacher.core.arrays import Segments
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.window import stats_of

MOST_TIED = 0.75
"""Share of ties among the answers above which clips are chosen [1]."""
FEWEST_ANSWERS = 20
"""Fewer say nothing of that share."""
RARE_SHARE = 0.5
"""Share of the chosen clips that are rare ones; the others are as they come [1]."""
CANDIDATES = 2
"""Clips among which pairs are drawn, for each wanted pair: so most of the rare ones are shown."""
LEAST_CANDIDATES = 16
"""Clips among which few pairs are drawn, so that one rare clip is not asked about in each of many rounds."""
FARTHEST = 1000.0
"""A number counts at most so many variances: as one that is seen in one step of so many."""


def is_mostly_tied(dataset: Dataset) -> bool:
    """Whether the answers so far say little, as most of them are ties."""
    num = dataset.num_labels
    return num >= FEWEST_ANSWERS and dataset.num_decisive < (1 - MOST_TIED) * num


def with_rare_ones(pool: Segments, num_pairs: int, generator: np.random.Generator) -> Segments:
    """Segments for so many pairs: half of them the rarest of the pool, the others drawn at random.

    In MinAtar's Freeway random actions cross the road in 3 of 100 clips; all 45 of 1,600 are among the rarest 80.
    """
    num = min(len(pool), max(LEAST_CANDIDATES, CANDIDATES * num_pairs))
    order = np.argsort(-rarity(pool), kind="stable")
    num_rare = round(RARE_SHARE * num)
    drawn = generator.permutation(order[num_rare:])[: num - num_rare]
    return pool.take(generator.permutation(np.concatenate([order[:num_rare], drawn])))


def rarity(pool: Segments) -> Float[np.ndarray, " segment"]:
    """How far the most unusual step of each segment is from what is usual in the pool [variances]."""
    stats = stats_of(pool.obs.reshape(-1, *pool.obs.shape[2:]))
    mean, variance = np.asarray(stats.mean), np.asarray(stats.variance) + 1e-8
    steps = pool.obs.reshape(*pool.obs.shape[:2], -1)
    return np.array([np.minimum(np.square(one - mean) / variance, FARTHEST).mean(1).max() for one in steps])

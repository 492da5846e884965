"""Clips whose worth is known, and somebody who compares them, now and then by mistake."""

import itertools
from collections.abc import Sequence

import numpy as np

from rl_teacher.ranking.answers import Answer
from rl_teacher.records import Preference


def answer(better: str, worse: str, number: int = 0, *, preference: Preference = Preference.LEFT) -> Answer:
    """`better` was said to be better, in a comparison of its own."""
    return Answer(f"{better}>{worse} {number}", better, worse, preference)


def all_pairs(clips: str) -> list[Answer]:
    """Every pair of letters, each answered once, as if the last letter were the best."""
    return [answer(better, worse) for worse, better in itertools.combinations(clips, 2)]


def kendall_tau(clips: Sequence[str], worth: dict[str, float]) -> float:
    """Of an order, worst first, and the true one: pairs that agree less those that do not, of all pairs [1]."""
    signs = [np.sign(worth[better] - worth[worse]) for worse, better in itertools.combinations(clips, 2)]
    return float(np.mean(signs))


class Judge:
    """Compares clips by their worth; a share of the answers is wrong."""

    def __init__(self, worth: dict[str, float], mistakes: float, seed: int) -> None:
        self.worth, self._mistakes = worth, mistakes
        self._generator = np.random.default_rng(seed)

    def compare(self, comparison: str, left: str, right: str) -> Answer:
        """An answer to one comparison."""
        is_left = (self.worth[left] > self.worth[right]) == (self._generator.random() >= self._mistakes)
        return Answer(comparison, left, right, Preference.LEFT if is_left else Preference.RIGHT)


def random_answers(num_clips: int, num: int, seed: int, mistakes: float = 0.1) -> tuple[list[Answer], dict[str, float]]:
    """Random pairs of clips, and what the clips are worth."""
    generator = np.random.default_rng(seed)
    worth = {f"clip {i}": float(value) for i, value in enumerate(generator.permutation(num_clips))}
    judge = Judge(worth, mistakes, seed)
    pairs = [generator.choice(list(worth), 2, replace=False).tolist() for _ in range(num)]
    return [judge.compare(f"pair {i}", left, right) for i, (left, right) in enumerate(pairs)], worth

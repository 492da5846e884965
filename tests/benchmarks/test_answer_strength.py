"""What the benchmark of answer strength hands to a fit."""

import numpy as np
import pytest

from benchmarks.answer_strength import doubled, gain, ignored, softened
from rl_teacher.core.arrays import LabeledBatch

TARGET = np.array([1.0, 0.0, 1.0], np.float32)
STRONG = np.array([True, False, False])


def batch() -> LabeledBatch:
    return LabeledBatch(
        obs=np.zeros((3, 2, 4, 1), np.float32), action=np.zeros((3, 2, 4, 1), np.float32),
        true_return=np.zeros((3, 2), np.float32), target=TARGET, key=np.arange(3),
    )  # fmt: skip


def test_a_weak_preference_is_drawn_towards_a_tie_and_a_strong_one_stays() -> None:
    np.testing.assert_allclose(softened(0.75)(batch(), STRONG).target, [1.0, 0.25, 0.75])


def test_a_strong_preference_counts_twice() -> None:
    found = doubled(batch(), STRONG)
    assert found.key.tolist() == [0, 1, 2, 0]
    assert found.target.tolist() == [1.0, 0.0, 1.0, 1.0]


def test_todays_fit_is_told_nothing() -> None:
    assert ignored(batch(), STRONG).target.tolist() == TARGET.tolist()


def test_a_gain_is_measured_on_the_same_answers() -> None:
    # differences 0.1 and 0.3: mean 0.2, standard deviation 0.141421, over the root of two 0.1
    assert gain([0.6, 0.9], [0.5, 0.6]) == pytest.approx((0.2, 0.1))

"""`rl-teacher fit`: what it fits where episodes end within the labeled clips."""

import dataclasses

import numpy as np

from rl_teacher.commands.fitting import fitted, lived_frames
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LAST, LIVED, NO_END
from tests.rewards.synthetic_labels import ACT, OBS, STEPS, comparisons, ending, some_ends

CONFIG = RewardModelConfig(joint_features=64)


def test_frames_after_an_end_are_no_frames() -> None:
    labeled = ending(comparisons(2), np.array([[NO_END, 2], [1, NO_END]]))
    found = lived_frames(labeled)
    # 6 + 2 steps of the first comparison, 1 + 6 of the second
    np.testing.assert_array_equal(found.phase, [*[LIVED] * 6, LIVED, LAST, LAST, *[LIVED] * 6])
    lived = [labeled.obs[0, 0], labeled.obs[0, 1, :2], labeled.obs[1, 0, :1], labeled.obs[1, 1]]
    np.testing.assert_array_equal(found.obs, np.concatenate(lived))
    assert found.action.shape == (15, ACT)


def test_without_ends_all_frames_are_there_and_have_no_phase() -> None:
    labeled = comparisons(3)
    assert lived_frames(labeled).phase is None
    np.testing.assert_array_equal(lived_frames(labeled).obs, labeled.obs.reshape(3 * 2 * STEPS, OBS))


def test_a_fit_learns_from_the_ends_that_the_labels_show() -> None:
    labeled = ending(comparisons(60), some_ends(60), of_end=-10.0)
    _, report = fitted(labeled, CONFIG, center=False, num_steps=100, seed=1)
    _, blind = fitted(dataclasses.replace(labeled, phase=None), CONFIG, center=False, num_steps=100, seed=1)
    assert report["return_correlation"] > 0.93
    assert report["return_correlation"] > blind["return_correlation"] + 0.1

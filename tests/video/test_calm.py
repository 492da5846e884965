"""The camera's path: known where it can be known, and calmer than the body's."""

import numpy as np
import pytest

from rl_teacher.video.calm import calm_path


def test_a_camera_that_moves_steadily_goes_on_so_from_the_first_frame_to_the_last() -> None:
    steady = np.stack([np.linspace(0, 7, 60), np.linspace(2, -1, 60)], axis=1)
    np.testing.assert_allclose(calm_path(steady, 40, 1.0), steady, atol=1e-12)


def test_a_swing_twice_a_second_is_taken_out() -> None:
    # Gaussian weights of 0.25 s leave exp(-2 (pi 0.25 s 2/s)^2) = exp(-4.93) = 0.7 % of a swing of 2 per second.
    seconds = np.arange(120) / 40
    swing = 0.3 * np.sin(2 * np.pi * 2 * seconds)[:, None]
    middle = calm_path(swing, 40, 1.0)[40:-40]
    assert np.abs(middle).max() == pytest.approx(0, abs=0.01 * 0.3 + 0.002)


def test_both_directions_of_time_give_the_same_path() -> None:
    path = np.random.default_rng(1).normal(size=(50, 2)).cumsum(axis=0)
    np.testing.assert_allclose(calm_path(path[::-1], 20, 9.0)[::-1], calm_path(path, 20, 9.0), atol=1e-12)


def test_the_body_is_never_further_away_than_it_may_be() -> None:
    jump = np.concatenate([np.zeros((20, 1)), np.full((20, 1), 5.0)])
    camera = calm_path(jump, 20, 0.4)
    assert np.abs(camera - jump).max() == pytest.approx(0.4)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 4])
def test_clips_of_few_frames_have_a_camera_too(num_frames: int) -> None:
    path = np.arange(float(num_frames))[:, None] * 0.1
    np.testing.assert_allclose(calm_path(path, 40, 1.0), path, atol=1e-12)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_teacher.core.frame_stacks import FrameStacks, packed


def stacked(segments: int, steps: int, size: int, channels: int, seed: int = 0) -> np.ndarray:
    """Observations (segment, step, 3, 2, size * channels) by their definition."""
    frames = np.random.default_rng(seed).integers(0, 256, (segments, steps + size - 1, 3, 2, channels), np.uint8)
    rows = [np.concatenate([frames[:, t + ahead] for ahead in range(size)], -1) for t in range(steps)]
    return np.stack(rows, 1)


@given(st.integers(1, 3), st.integers(2, 6), st.integers(2, 5), st.integers(1, 3), st.integers(0, 99))
def test_what_was_packed_comes_back_byte_for_byte(segments: int, steps: int, size: int, channels: int, seed: int):
    obs = stacked(segments, steps, size, channels, seed)
    stacks = packed(obs)
    assert stacks is not None
    assert (stacks.shape, stacks.dtype, len(stacks)) == (obs.shape, obs.dtype, len(obs))
    np.testing.assert_array_equal(np.asarray(stacks), obs)


def test_single_frames_take_a_quarter_of_the_memory():
    obs = stacked(8, 97, 4, 1)
    stacks = packed(obs)
    assert stacks is not None
    assert stacks.size == 4
    assert stacks.frames.nbytes == obs.nbytes * 100 / (4 * 97)


def test_the_first_frames_of_an_episode_may_be_the_same():
    obs = stacked(1, 5, 3, 1)
    obs[0, 0] = obs[0, 0][..., -1:]
    obs[0, 1] = np.concatenate([obs[0, 0, ..., 1:], obs[0, 1, ..., -1:]], -1)
    obs[0, 2] = np.concatenate([obs[0, 1, ..., 1:], obs[0, 2, ..., -1:]], -1)
    stacks = packed(obs)
    assert stacks is not None
    np.testing.assert_array_equal(np.asarray(stacks), obs)


@pytest.mark.parametrize(
    "obs",
    [
        np.random.default_rng(0).integers(0, 256, (2, 5, 3, 2, 4), np.uint8),  # no stacks
        stacked(2, 5, 4, 1).astype(np.float32),
        stacked(2, 5, 4, 1)[:, :1],  # a single step tells nothing
        stacked(2, 5, 4, 1)[..., -1:],  # one frame each
        np.zeros((2, 5, 7), np.uint8),
        np.zeros((0, 5, 3, 2, 4), np.uint8),
    ],
)
def test_other_observations_stay_as_they_are(obs: np.ndarray):
    assert packed(obs) is None


def test_one_step_that_does_not_follow_is_enough():
    obs = stacked(2, 5, 4, 1)
    obs[1, 3, 0, 0, 0] ^= 1
    assert packed(obs) is None


def test_parts_are_made_as_of_an_array():
    obs = stacked(6, 5, 3, 2).reshape(3, 2, 5, 3, 2, 6)
    frames = packed(obs.reshape(6, 5, 3, 2, 6))
    assert frames is not None
    stacks = FrameStacks(frames.frames.reshape(3, 2, 7, 3, 2, 2), 3)
    rows, sides, steps = np.array([[[2]], [[0]]]), np.arange(2)[None, :, None], np.array([[[0, 4, -1]]])
    for index in (1, slice(1, 3), np.array([2, 0, 2]), (np.array([2, 1]), 1), (rows, sides, steps), (0, 1, 4)):
        np.testing.assert_array_equal(stacks[index], obs[index])


@pytest.mark.parametrize("index", [(0, 1, 5), (0, 1, np.array([0, -6])), (0, 1, slice(2)), (0, 1, 2, 0)])
def test_what_is_not_there_is_an_index_error(index: tuple[object, ...]):
    stacks = FrameStacks(np.zeros((3, 2, 7, 3, 2, 2), np.uint8), 3)
    with pytest.raises(IndexError, match=r"stacks of frames \(3, 2, 5, 3, 2, 6\): got"):
        stacks[index]

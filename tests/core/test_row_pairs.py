import numpy as np
import pytest

from rl_teacher.core.frame_stacks import FrameStacks
from rl_teacher.core.row_pairs import RowPairs

ROWS = np.random.default_rng(0).integers(0, 256, (4, 5, 3, 2, 1), np.uint8)
PAIRS = RowPairs([(ROWS[0], ROWS[1]), (ROWS[2], ROWS[0]), (ROWS[3], ROWS[3])])
WHOLE = np.stack([ROWS[[0, 1]], ROWS[[2, 0]], ROWS[[3, 3]]])
FIRST, SIDE, STEP = np.ix_([2, 0], [0, 1], [4, 1, 1])


@pytest.mark.parametrize(
    "index",
    [
        2, -1, slice(1, 3), slice(None, None, -1), [1, 1, 0], np.array([[0], [2]]), np.array([True, False, True]),
        (1,), (1, 0), (2, 1, 3), (-1, -1, -1), (FIRST, SIDE, STEP), (np.array([0, 2]), 1), (1, np.array([1, 0]), 2),
    ],
)  # fmt: skip
def test_an_index_gives_what_it_gives_of_the_whole_array(index):
    np.testing.assert_array_equal(PAIRS[index], WHOLE[index])
    assert PAIRS[index].dtype == WHOLE.dtype


def test_it_looks_like_the_whole_array():
    assert (PAIRS.shape, PAIRS.dtype, PAIRS.ndim, len(PAIRS)) == (WHOLE.shape, WHOLE.dtype, WHOLE.ndim, len(WHOLE))
    np.testing.assert_array_equal(np.asarray(PAIRS), WHOLE)
    assert np.asarray(PAIRS, np.float32).dtype == np.float32


def test_rows_are_not_copied_until_they_are_asked_for():
    rows = np.zeros((2, 5, 3), np.uint8)
    pairs = RowPairs([(rows[0], rows[1])])
    rows[1, 4, 2] = 7
    assert pairs[0, 1, 4].tolist() == [0, 0, 7]


@pytest.mark.parametrize("index", [3, (0, 2), (0, 0, 5), (0, slice(None)), (slice(None), 0)])
def test_other_indexes_are_errors(index):
    with pytest.raises(IndexError):
        PAIRS[index]


@pytest.mark.parametrize("index", [1, slice(0, 2), (FIRST, SIDE, np.minimum(STEP, 3)), (2, 1)])
def test_stacks_of_frames_in_pairs_are_those_of_the_whole_array(index):
    np.testing.assert_array_equal(FrameStacks(PAIRS, 2)[index], FrameStacks(WHOLE, 2)[index])
    np.testing.assert_array_equal(np.asarray(FrameStacks(PAIRS, 2)), np.asarray(FrameStacks(WHOLE, 2)))

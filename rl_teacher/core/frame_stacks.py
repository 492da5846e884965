"""Pictures that hold the newest few frames each, kept as single frames: a quarter of the memory for stacks of four.

Nobody has to say that observations are stacks: it is read off them, and what comes back is equal, byte for byte.
"""

from typing import Any

import numpy as np
from jaxtyping import Num, UInt8

from rl_teacher.core.row_pairs import RowPairs

MOST_FRAMES = 16
"""Of a stack."""


class FrameStacks:
    """Observations (..., step, height, width, channels) whose channels are the newest frames, oldest first.

    Looks like an array of all observations; indexing, or `np.asarray`, makes those that are wanted.

    >>> frames = np.arange(5, dtype=np.uint8).reshape(1, 5, 1, 1, 1)
    >>> stacks = FrameStacks(frames, 2)  # (0 1), (1 2), (2 3), (3 4)
    >>> stacks.shape, stacks[0, 2].ravel().tolist()
    ((1, 4, 1, 1, 2), [2, 3])
    """

    def __init__(self, frames: UInt8[np.ndarray, "..."] | RowPairs, size: int) -> None:
        """Stacks of `size` frames.

        Args:
            frames: (..., step + size - 1, height, width, channels of a frame).
            size: frames of a stack, >= 1.
        """
        self.frames = frames
        self.size = size
        *front, num, height, width, channels = frames.shape
        self.shape = (*front, num - size + 1, height, width, size * channels)

    @property
    def ndim(self) -> int:
        """Axes of the observations."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the observations: bytes."""
        return self.frames.dtype

    def __len__(self) -> int:
        return len(self.frames)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        whole = _stacked(np.asarray(self.frames), self.size)
        return whole if dtype is None else whole.astype(dtype)

    def __getitem__(self, index: Any) -> np.ndarray:
        """Observations made where `index` says: of some axes in front of that of steps, or of all and of steps.

        Raises:
            IndexError: it goes on into the picture, or steps are a slice.
        """
        parts = index if isinstance(index, tuple) else (index,)
        if len(parts) < self.ndim - 3:
            return _stacked(self.frames[index], self.size)
        if len(parts) > self.ndim - 3 or isinstance(parts[-1], slice):
            raise IndexError(
                f"stacks of frames {self.shape}: got index {index}, expected numbers of at most each step."
            )
        num = self.shape[-4]
        steps = np.asarray(parts[-1])
        steps = np.where(steps < 0, steps + num, steps)
        if ((steps < 0) | (steps >= num)).any():
            raise IndexError(f"stacks of frames {self.shape}: got step {parts[-1]}, expected one of {num}.")
        return np.concatenate([self.frames[(*parts[:-1], steps + ahead)] for ahead in range(self.size)], -1)


def packed(obs: Num[np.ndarray, "..."]) -> FrameStacks | None:
    """Observations (segment, step, height, width, channels) as single frames; None if they are no stacks of frames."""
    if obs.ndim != 5 or obs.dtype != np.uint8 or obs.shape[1] < 2 or not obs.size:
        return None
    channels = obs.shape[-1]
    for size in range(min(MOST_FRAMES, channels), 1, -1):
        if channels % size:
            continue
        new = channels // size
        if np.array_equal(obs[:, 1:, ..., :-new], obs[:, :-1, ..., new:]):
            first = np.moveaxis(obs[:, 0].reshape(*obs.shape[:1], *obs.shape[2:4], size, new), 3, 1)
            return FrameStacks(np.concatenate([first, obs[:, 1:, ..., -new:]], 1), size)
    return None


def _stacked(frames: UInt8[np.ndarray, "..."], size: int) -> UInt8[np.ndarray, "..."]:
    num = frames.shape[-4] - size + 1
    return np.concatenate([frames[..., ahead : ahead + num, :, :, :] for ahead in range(size)], -1)

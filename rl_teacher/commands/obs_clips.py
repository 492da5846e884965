"""Clips of observations that are pictures: what the agent saw, enlarged."""

import numpy as np
import numpy.typing as npt

from rl_teacher.core.segment import Segment
from rl_teacher.training.clip_content import ENDING_HOLD_SECONDS, num_still
from rl_teacher.video.jobs import Frames

LEAST_PX = 240
"""Smaller pictures are enlarged, each pixel a square [pixels]."""
COLORS = (1, 3, 4)
"""Sizes of the axis of a picture's colors: gray, RGB, or four gray ones in a row, as Atari's agents see them."""


def picture_like(shape: tuple[int, ...], dtype: npt.DTypeLike) -> bool:
    """Whether observations are pictures: bytes of (height, width), or with an axis of 1 or 3 colors, or 4 in a row."""
    if np.dtype(dtype) != np.uint8 or min(shape, default=0) < 1:
        return False
    return (len(shape) == 2 and min(shape) > 4) or (
        len(shape) == 3 and (shape[2] in (1, 3, 4) or shape[0] in (1, 3, 4))
    )


def as_picture(obs: np.ndarray) -> np.ndarray:
    """An observation as RGB, (height, width, 3); of several in a row, the newest; small ones enlarged."""
    array = obs[..., None] if obs.ndim == 2 else obs
    if array.shape[2] not in COLORS:
        array = np.moveaxis(array, 0, 2)
    colors = array[..., :3] if array.shape[2] == 3 else np.repeat(array[..., -1:], 3, axis=2)
    times = max(1, -(-LEAST_PX // max(colors.shape[:2])))
    return np.ascontiguousarray(colors.repeat(times, 0).repeat(times, 1))


def drawn_from_obs(segment: Segment) -> Frames:
    """The observations of a segment, one behind the other."""
    pictures = np.stack([as_picture(obs) for obs in segment.obs[: num_lived(segment)]])
    return Frames(pictures, num_still(segment), ENDING_HOLD_SECONDS)


def num_lived(segment: Segment) -> int:
    """Steps of a segment until its episode ended."""
    return len(segment) - (num_still(segment) or 0)

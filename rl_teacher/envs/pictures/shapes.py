"""Which observations are pictures, and how they become what agents see: bytes, channels last, at most 96 pixels."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box

LARGEST = 96
"""Width and height of what agents see, at most [pixels]."""
LEAST = 8
"""Width and height of a picture, at least: MiniGrid's 7 x 7 x 3 are names of things and no brightness."""
STACKED = 4
"""Frames in an observation, of environments that show one at a time. Source: Mnih et al. 2015."""
FRAME_CHANNELS = (1, 3, 4)
"""Of one frame: grey, colors, colors and one more."""
ON = 255
"""What True becomes."""


class PictureShape(NamedTuple):
    """How the pictures of an environment are read."""

    axes: str
    """In what order they come: 'hw', 'hwc', 'chw', or 'khwc' for several frames."""
    stride: int
    """Pixels on a side of the blocks that are averaged."""
    frame: tuple[int, int, int]
    """Height, width and channels of what comes out."""
    frame_stack: int
    """How many of these an observation has; 1 where the environment stacks them itself."""


def picture_shape(space: Any) -> PictureShape | None:
    """How to read the observations of a space; None if they are no pictures.

    Pictures are bytes, or planes of True and False; both sides have at least 8 pixels.
    """
    if not isinstance(space, Box) or space.dtype not in (np.uint8, np.bool_):
        return None
    shape = space.shape
    if len(shape) == 2:
        axes = "hw"
    elif len(shape) == 3:
        axes = "hwc" if shape[2] <= min(shape[:2]) else "chw"
    elif len(shape) == 4:
        axes = "khwc"
    else:
        return None
    sizes = dict(zip(axes, shape, strict=True))
    height, width, depth = sizes["h"], sizes["w"], sizes.get("c", 1) * sizes.get("k", 1)
    if min(height, width) < LEAST or depth == 0:
        return None
    stride = -(-max(height, width) // LARGEST)
    is_one = space.dtype == np.uint8 and "k" not in sizes and depth in ((1, 3) if axes == "chw" else FRAME_CHANNELS)
    return PictureShape(axes, stride, (-(-height // stride), -(-width // stride), depth), STACKED if is_one else 1)


def frame_of(obs: npt.NDArray[Any], shape: PictureShape) -> npt.NDArray[np.uint8]:
    """A picture as agents see it, uint8 of shape `shape.frame`; blocks at the edge may hold fewer pixels."""
    if obs.dtype == np.bool_:
        obs = obs * np.uint8(ON)
    if shape.axes == "khwc":
        obs = np.moveaxis(obs, 0, 2).reshape(*obs.shape[1:3], -1)
    elif shape.axes == "chw":
        obs = np.moveaxis(obs, 0, 2)
    elif shape.axes == "hw":
        obs = obs[..., None]
    return np.asarray(obs if shape.stride == 1 else _averaged(obs, shape.stride), np.uint8)


def _averaged(picture: npt.NDArray[Any], stride: int) -> npt.NDArray[Any]:
    """Means of blocks, rounded."""
    rows, columns = (np.arange(0, side, stride) for side in picture.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.uint32), rows, 0), columns, 1)
    counts = np.outer(np.minimum(stride, picture.shape[0] - rows), np.minimum(stride, picture.shape[1] - columns))
    return np.asarray((sums + counts[..., None] // 2) // counts[..., None])

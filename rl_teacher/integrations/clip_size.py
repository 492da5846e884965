"""Pictures as small as clips are, made where the environment is: from another process a large one is slow to come."""

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from rl_teacher.envs.gymnasium.returned import Odd
from rl_teacher.errors import VideoFault
from rl_teacher.video.clip_size import SMALL_PX
from rl_teacher.video.replayed import picture

CLIP_SIZE = "clip_size"
"""Among the metadata of an environment that draws at the size of a clip."""


class ClipSize(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Draws for people at the size of a clip; for environments in processes of their own, where people teach.

    `make_vec_env("CartPole-v1", 8, wrapper_class=ClipSize, vec_env_cls=SubprocVecEnv)`
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.metadata = {**env.metadata, CLIP_SIZE: True}
        self.is_drawn = True
        """Whether `clip_picture` draws: in a vector environment each is asked, and few are wanted."""

    def clip_picture(self) -> npt.NDArray[np.uint8] | None:
        """What it looks like now, (height, width, 3)."""
        return at_clip_size(self.env.render()) if self.is_drawn else None


def at_clip_size(drawn: Any) -> npt.NDArray[np.uint8]:
    """What an environment drew, with at most SMALL_PX pixels a side: of a larger picture blocks of pixels are averaged.

    To leave out rows would be quicker, and would lose lines: CartPole's track is one pixel high.

    Raises:
        VideoFault: it is no picture.
    """
    try:
        whole = picture(drawn)
    except Odd as odd:
        raise VideoFault(f"{odd}.") from odd
    stride = -(-max(whole.shape[:2]) // SMALL_PX)
    if stride == 1:
        return whole
    height, width = (side // stride * stride for side in whole.shape[:2])
    total = np.full((height // stride, width // stride, 3), stride**2 // 2, np.uint32)
    for row, column in np.ndindex(stride, stride):
        total += whole[row:height:stride, column:width:stride]
    return np.asarray(total // stride**2, np.uint8)

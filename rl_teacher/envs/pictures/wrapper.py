"""Pictures: an environment whose pictures are made ready for agents."""

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box

from rl_teacher.envs.gymnasium.returned import observation
from rl_teacher.envs.pictures.shapes import PictureShape, frame_of
from rl_teacher.envs.pictures.stacks import FrameStacker


class Pictures(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Observes uint8 (height, width, frames * channels): the newest frames, the oldest of them first.

    Args:
        env: observes pictures.
        shape: how they are read.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], shape: PictureShape) -> None:
        super().__init__(env)
        self._shape, self._space = shape, env.observation_space
        self._stack = FrameStacker(1, shape.frame, shape.frame_stack)
        height, width, channels = shape.frame
        self.observation_space = Box(0, 255, (height, width, channels * shape.frame_stack), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode, whose first frame is repeated.

        Raises:
            Odd: what the environment observes is none of its pictures.
        """
        result: Any = self.env.reset(seed=seed, options=options)
        if not isinstance(result, tuple | list) or len(result) != 2:
            return result  # whoever looks at it says what is wrong
        self._stack.start(self._frame(result), np.ones(1, np.bool_))
        return self._stack.stacked[0].copy(), result[1]

    def step(self, action: Any) -> Any:
        """As the environment's own, with the newest frame added.

        Raises:
            Odd: what the environment observes is none of its pictures.
        """
        result: Any = self.env.step(action)
        if not isinstance(result, tuple | list) or len(result) != 5:
            return result
        self._stack.push(self._frame(result))
        return self._stack.stacked[0].copy(), *result[1:]

    def _frame(self, result: Any) -> npt.NDArray[np.uint8]:
        assert isinstance(self._space, Box), self._space
        return frame_of(observation(result, self._space), self._shape)[None]

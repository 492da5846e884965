"""Play a segment of a Gymnasium environment again, and let the environment draw it."""

import warnings
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rl_teacher.errors import VideoFault

LARGEST = 640
"""Pictures with a longer side are thinned out [pixels]."""


def play(
    env_id: str, seed: int, actions: NDArray[Any], start: int, obs: NDArray[Any], *, has_ended: bool = False
) -> NDArray[np.uint8]:
    """Pictures of steps start .. len(actions) - 1 of an episode, each before its step; after an end one more.

    Args:
        env_id: Gymnasium's id, perhaps with a module before it.
        seed: of the reset.
        actions: from the episode's first step on, discrete ones counted from 0.
        start: first step that is drawn.
        obs: the observation before step `start`, to be sure that this is what happened.
        has_ended: the last step ended the episode for good: the state that it led to is drawn too.

    Raises:
        VideoFault: it cannot draw, or playing it again led elsewhere.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            env: gymnasium.Env[Any, Any] = gymnasium.make(env_id, render_mode="rgb_array", disable_env_checker=True)
        except Exception as error:  # whatever an environment raises when it is asked for pictures
            raise VideoFault(f"env {env_id!r}: no render_mode 'rgb_array': {error}") from error
    first = int(getattr(env.action_space, "start", 0))
    try:
        seen, _ = env.reset(seed=seed)
        frames, is_over = [], False
        for step, action in enumerate(actions):
            if step == start and not np.array_equal(np.asarray(seen, obs.dtype), obs):
                raise _led_elsewhere(env_id)
            if step >= start:
                frames.append(_picture(env.render(), env_id))
            seen, _, is_over, *_ = env.step(action + first)
        if has_ended:
            if not is_over:
                raise _led_elsewhere(env_id)
            frames.append(_picture(env.render(), env_id))
    finally:
        env.close()
    return np.stack(frames)


def _led_elsewhere(env_id: str) -> VideoFault:
    return VideoFault(
        f"env {env_id!r}: playing the same actions from the same seed led elsewhere, so its segments "
        "cannot be drawn. Make reset(seed=) decide everything."
    )


def _picture(drawn: Any, env_id: str) -> NDArray[np.uint8]:
    if not isinstance(drawn, np.ndarray) or drawn.ndim != 3:
        raise VideoFault(f"env {env_id!r}: render() gave {type(drawn).__name__}, expected a picture.")
    stride = -(-max(drawn.shape[:2]) // LARGEST)
    return np.ascontiguousarray(drawn[::stride, ::stride, :3], dtype=np.uint8)

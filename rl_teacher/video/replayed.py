"""Play a segment of an environment again that is no task, and let the environment draw it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rl_teacher.envs.gymnasium.faults import what_was_raised
from rl_teacher.envs.gymnasium.making import close_env
from rl_teacher.envs.gymnasium.returned import Odd
from rl_teacher.envs.single import make_single
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import MissingExtra, RlTeacherError, VideoFault
from rl_teacher.oneline import shown

LARGEST = 640
"""Pictures with a longer side are thinned out [pixels]."""
TO_DO = (
    "Clips need pictures: list 'rgb_array' in metadata['render_modes'], take render_mode in the constructor, and "
    "return an array of uint8 and shape (height, width, 3) from render()"
)


@contextmanager
def drawing(spec: EnvSpec) -> Iterator[gymnasium.Env[Any, Any]]:
    """An environment that draws itself, closed at the end.

    Args:
        spec: of one that is no task.

    Raises:
        VideoFault: it cannot be made, or raised something inside the `with` block, whatever it is.
    """
    env_id = spec.canonical_id
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            env = make_single(spec, "rgb_array", partial(gymnasium.make, disable_env_checker=True))
    except (KeyboardInterrupt, MissingExtra):
        raise
    except BaseException as error:
        what = f"making it with render_mode 'rgb_array' raised {what_was_raised(error)}"
        raise VideoFault(f"env {env_id!r}: {what}. {TO_DO}.") from error
    try:
        yield env
    except (RlTeacherError, KeyboardInterrupt, GeneratorExit):
        raise
    except Odd as odd:
        raise VideoFault(f"env {env_id!r}: {odd}.") from odd
    except BaseException as error:
        what = f"while it was drawn, it raised {what_was_raised(error)}"
        raise VideoFault(f"env {env_id!r}: {what}. {TO_DO}.") from error
    finally:
        close_env(env)


def play(
    spec: EnvSpec, seed: int, actions: NDArray[Any], start: int, obs: NDArray[Any], *, has_ended: bool = False
) -> NDArray[np.uint8]:
    """Pictures of steps start .. len(actions) - 1 of an episode, each before its step; after an end one more.

    Args:
        spec: of one that is no task.
        seed: of the reset.
        actions: from the episode's first step on, as the environment was given them.
        start: first step that is drawn.
        obs: the observation before step `start`, to be sure that this is what happened.
        has_ended: the last step ended the episode for good: the state that it led to is drawn too.

    Raises:
        VideoFault: it cannot draw, or playing it again led elsewhere.
    """
    if spec.kind == "atari":
        return _screens(spec, seed, actions, start, obs)
    env_id = spec.canonical_id
    with drawing(spec) as env:
        seen, _ = env.reset(seed=seed)
        frames, is_over = [], False
        for step, action in enumerate(actions.astype(env.action_space.dtype, copy=False)):
            if step == start and not _is_same(seen, obs):
                raise _led_elsewhere(env_id)
            if step >= start:
                frames.append(thinned(picture(env.render())))
            seen, _, is_over, *_ = env.step(action)
        if has_ended:
            if not is_over:
                raise _led_elsewhere(env_id)
            frames.append(thinned(picture(env.render())))
        return np.stack(frames)


def _screens(spec: EnvSpec, seed: int, actions: NDArray[Any], start: int, obs: NDArray[Any]) -> NDArray[np.uint8]:
    """The same for a game of Atari, whose episodes never end for good: only its screen is played again."""
    from rl_teacher.envs.games.lookup import atari_sheet
    from rl_teacher.envs.games.screen import play_screen

    pictures = play_screen(atari_sheet(spec), seed, actions, start, obs)
    if pictures is None:
        raise _led_elsewhere(spec.canonical_id)
    return pictures


def _led_elsewhere(env_id: str) -> VideoFault:
    return VideoFault(
        f"env {env_id!r}: playing the same actions from the same seed led elsewhere, so its segments "
        "cannot be drawn. Make reset(seed=) decide everything."
    )


def first_picture(spec: EnvSpec) -> NDArray[np.uint8]:
    """What an environment draws after a reset, (1, height, width, 3): to find out whether it can draw at all.

    Raises:
        VideoFault: it cannot.
    """
    with drawing(spec) as env:
        env.reset(seed=0)
        return thinned(picture(env.render()))[None]


def picture(drawn: Any) -> NDArray[np.uint8]:
    """What render() returned, as RGB of shape (height, width, 3); transparency is left out.

    Raises:
        Odd: it is no picture.
    """
    is_picture = isinstance(drawn, np.ndarray) and drawn.ndim == 3 and drawn.size and drawn.shape[2] in (3, 4)
    if not is_picture or (drawn.dtype != np.uint8 and not _is_of_bytes(drawn)):
        raise Odd(f"render() returned {shown(drawn)}. {TO_DO}")
    return np.ascontiguousarray(drawn[..., :3], dtype=np.uint8)


def thinned(drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture of at most LARGEST pixels a side: rows and columns of a larger one are left out."""
    stride = -(-max(drawn.shape[:2]) // LARGEST)
    return np.ascontiguousarray(drawn[::stride, ::stride])


def _is_of_bytes(drawn: NDArray[Any]) -> bool:
    return drawn.dtype.kind in "iu" and np.array_equal(drawn, drawn.astype(np.uint8))


def _is_same(seen: Any, obs: NDArray[Any]) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array_equal(np.asarray(seen, obs.dtype), obs)

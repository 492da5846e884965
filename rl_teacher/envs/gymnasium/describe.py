"""What must be known of an environment, read off one that exists: single, or many side by side."""

import contextlib
import numbers
from typing import Any, NamedTuple

import gymnasium
from gymnasium.vector import VectorEnv

from rl_teacher.envs.spec import EnvSpec
from rl_teacher.oneline import shown

DEFAULT_FPS = 30
"""Frames per second of a clip where the environment's metadata does not say."""
MOST_FPS = 1000
"""Beyond it, render_fps is no rate of pictures: a clip of 1.5 s would have thousands of steps."""


class ReadOff(NamedTuple):
    """What a made environment says of itself."""

    clip_fps: int
    note: str
    """What the user should know of it, after a space; empty if there is nothing."""


def read_off(env: Any) -> ReadOff:
    """Frames per second of clips, by the metadata of a made environment; where they are odd, a default that is said."""
    metadata = metadata_of(env)
    if metadata is None:
        return _default("Its metadata is no dict")
    fps = metadata.get("render_fps")
    if fps is None:
        return ReadOff(DEFAULT_FPS, "")
    if isinstance(fps, bool) or not isinstance(fps, numbers.Real) or not 1 <= float(fps) <= MOST_FPS:
        return _default(f"Its metadata has render_fps {shown(fps)}, expected a number from 1 to {MOST_FPS}")
    return ReadOff(int(float(fps)), "")


def metadata_of(env: Any) -> dict[str, Any] | None:
    """What an environment says of itself; empty if it says nothing, None if it is not what Gymnasium asks for."""
    try:
        found = getattr(env, "metadata", None)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a property that raises
        return None
    if found is None:
        return {}
    return dict(found) if isinstance(found, dict) else None


def _default(why: str) -> ReadOff:
    return ReadOff(DEFAULT_FPS, f" {why}: clips have {DEFAULT_FPS} steps per second.")


def gymnasium_spec(env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any], name: str | None = None) -> EnvSpec:
    """The EnvSpec of an environment that exists, whether or not any id can make it again.

    Args:
        env: made, single or vector.
        name: what to call it; its id by default, or the name of its class.
    """
    single = _one_of(env)
    registered = getattr(single, "spec", None)
    found_id = str(registered.id) if registered is not None else type(single.unwrapped).__name__
    called, found, horizon = name or found_id, read_off(single), _limit(single)
    length = "unlimited length" if horizon is None else f"at most {horizon} steps"
    return EnvSpec(
        env_id=called,
        canonical_id=called,
        is_task=False,
        horizon=horizon,
        is_fixed_horizon=False,
        clip_fps=found.clip_fps,
        dt=None,
        description=f"'{called}' is an environment that was handed in, episodes of {length}.{found.note}",
    )


def _one_of(env: Any) -> Any:
    """A single environment of those side by side, where they can be reached; else what was given."""
    copies = getattr(env.unwrapped, "envs", None) if isinstance(env, VectorEnv) else None
    return copies[0] if copies else env


def _limit(env: Any) -> int | None:
    """Most steps of an episode, where a TimeLimit or the registered spec says so."""
    registered = getattr(env, "spec", None)
    steps = None if registered is None else registered.max_episode_steps
    with contextlib.suppress(AttributeError):
        steps = env.get_wrapper_attr("_max_episode_steps")
    return None if steps is None else int(steps)

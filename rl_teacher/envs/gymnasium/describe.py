"""What must be known of an environment, read off one that exists: single, or many side by side."""

import contextlib
import math
import numbers
from typing import Any, NamedTuple, TypeGuard

import gymnasium
from gymnasium.vector import VectorEnv

from rl_teacher.envs.spec import EnvSpec
from rl_teacher.oneline import asked, shown

DEFAULT_FPS = 30
"""Frames per second of a clip where the environment's metadata does not say."""
MOST_FPS = 1000
"""Beyond it, render_fps is no rate of pictures: a clip of 1.5 s would have thousands of steps."""
LEAST_DT = 1 / MOST_FPS
"""Below it, dt is no time of a step [s]: an agent would look ahead more than 1,600 of them."""
RAISED = object()


class ReadOff(NamedTuple):
    """What a made environment says of itself."""

    clip_fps: int
    note: str
    """What the user should know of it, after a space; empty if there is nothing."""
    dt: float | None
    """Simulated time of a step [s], where the environment has one."""


def read_off(env: Any) -> ReadOff:
    """Frames per second of clips, by the metadata of a made environment, and the simulated time of its steps.

    Where the frames per second are odd, a default takes their place, and the note says so.
    """
    dt, metadata = step_seconds(env), metadata_of(env)
    if metadata is None:
        return ReadOff(DEFAULT_FPS, _default("Its metadata is no dict"), dt)
    fps = metadata.get("render_fps")
    if fps is None:
        return ReadOff(DEFAULT_FPS, "", dt)
    if not _is_number(fps) or not 1 <= float(fps) <= MOST_FPS:
        why = f"Its metadata has render_fps {shown(fps)}, expected a number from 1 to {MOST_FPS}"
        return ReadOff(DEFAULT_FPS, _default(why), dt)
    return ReadOff(int(float(fps)), "", dt)


def step_seconds(env: Any) -> float | None:
    """Simulated time of a step [s], where an environment says it as those of MuJoCo do: as `dt`.

    Agents look ahead in seconds (`config.agents.discount_of`): Hopper-v5, of 8 ms a step, learns to leap and to crash
    where they look ahead 100 steps.
    """
    dt = asked(lambda: getattr(env.unwrapped, "dt", None), None)  # a property may raise
    return float(dt) if _is_number(dt) and LEAST_DT <= float(dt) < math.inf else None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def metadata_of(env: Any) -> dict[str, Any] | None:
    """What an environment says of itself; empty if it says nothing, None if it is not what Gymnasium asks for."""
    found: Any = asked(lambda: getattr(env, "metadata", None), RAISED)
    if found is None:
        return {}
    return dict(found) if isinstance(found, dict) else None


def _default(why: str) -> str:
    return f" {why}: clips have {DEFAULT_FPS} steps per second."


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
        dt=found.dt,
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

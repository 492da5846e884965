"""Look up ids of Gymnasium: one environment is made, read off, and closed again."""

import importlib
import os
import re
import sys
from importlib.util import find_spec
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec as GymnasiumSpec
from gymnasium.envs.registration import find_highest_version, parse_env_id, registry

from rl_teacher.envs.close_matches import did_you_mean
from rl_teacher.envs.gymnasium.describe import read_off
from rl_teacher.envs.gymnasium.faults import what_was_raised
from rl_teacher.envs.gymnasium.making import close_env, make_env, register_late
from rl_teacher.envs.pictures.shapes import PictureShape, picture_shape
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import UnknownEnv
from rl_teacher.oneline import asked, said

ROBOTICS = ("Fetch", "HandReach", "HandManipulate", "AdroitHand", "AntMaze_", "PointMaze_", "FrankaKitchen")
PACKAGES = {
    "MiniGrid-": ("minigrid", "minigrid"),
    "BabyAI-": ("minigrid", "minigrid"),
    "MiniWorld-": ("miniworld", "miniworld"),
    "highway-": ("highway_env", "highway-env"),
    "dm_control/": ("shimmy", "shimmy[dm-control]"),
    "Meta-World/": ("metaworld", "metaworld"),
    "PyFlyt/": ("PyFlyt.gym_envs", "PyFlyt"),
    "Panda": ("panda_gym", "panda-gym"),
    **dict.fromkeys(ROBOTICS, ("gymnasium_robotics", "gymnasium-robotics")),
}
"""Beginning of an id -> the module that registers such ids, and what to install for it."""


def find_gymnasium(env_id: str, reason: str, task_ids: list[str]) -> EnvSpec:
    """The Gymnasium environment `env_id`, 'Id-v1' or 'module:Id-v1'.

    Args:
        env_id: as the user wrote it.
        reason: why it was looked up here, for the description.
        task_ids: ids of tasks that the user may have meant.

    Raises:
        UnknownEnv: there is none of this name, or its module cannot be imported.
        ConfigError: it needs a package that is not installed.
        EnvFault: it cannot be built.
    """
    module, colon, name = env_id.rpartition(":")
    if colon:
        _import(module, env_id)
        register_late(env_id if name.rpartition("-v")[2].isdigit() else f"{env_id}-v1")
    spec = _registered(name)
    if spec is None:
        raise UnknownEnv(f"no environment named '{env_id}'.{_advice(module, name, task_ids)} docs/envs.md lists all.")
    canonical_id = f"{module}{colon}{spec.id}"
    env = make_env(canonical_id)
    found = read_off(env)
    space = asked(lambda: env.observation_space, None)
    pictures = picture_shape(space)
    close_env(env)
    horizon = "unlimited length" if spec.max_episode_steps is None else f"at most {spec.max_episode_steps} steps"
    return EnvSpec(
        env_id=env_id,
        canonical_id=canonical_id,
        is_task=False,
        kind="gymnasium" if pictures is None else "pictures",
        frame_stack=1 if pictures is None else pictures.frame_stack,
        horizon=spec.max_episode_steps,
        is_fixed_horizon=False,
        clip_fps=found.clip_fps,
        dt=found.dt,
        description=(
            f"'{env_id}' is the Gymnasium environment {canonical_id}, episodes of {horizon} ({reason})."
            f"{_seen(space, pictures)}{found.note}"
        ),
    )


def _seen(space: Any, pictures: PictureShape | None) -> str:
    """What is made of its pictures, after a space; empty if it has none."""
    if pictures is None:
        return ""
    size = " x ".join(map(str, pictures.frame))
    newest = f"the newest {pictures.frame_stack} of them" if pictures.frame_stack > 1 else "one of them, as it comes,"
    return f" Agents see its pictures {space.shape} as {size} bytes, {newest} in an observation (docs/games.md)."


def _advice(module: str, name: str, task_ids: list[str]) -> str:
    """What to write instead of an id that nobody has registered, after a space."""
    for start, (package, wheel) in PACKAGES.items():
        if name.startswith(start) and not module:
            is_there = find_spec(package.partition(".")[0]) is not None
            state = "is installed" if is_there else f"is not installed: pip install {wheel!r}"
            return (
                f" Ids that begin with '{start}' are registered by {package}, which {state}. Use -e {package}:{name}."
            )
    namespace, slash, _ = name.partition("/")
    if slash and not module and namespace not in {spec.namespace for spec in registry.values()}:
        return f" Nothing has registered '{namespace}/'. Write the module that does before a colon: -e module:{name}."
    return did_you_mean(name, [*task_ids, *registry])


def _import(module: str, env_id: str) -> None:
    if not all(part.isidentifier() for part in module.split(".")):
        stem = re.sub(r"\W", "_", re.split(r"[/\\]", module.removesuffix(".py"))[-1]).strip("_") or "my_envs"
        raise UnknownEnv(
            f"no environment named '{env_id}': '{module}' is no module name. Write it as in an import, such as "
            f"'{stem}:{env_id.rpartition(':')[2]}', and start in its folder or add that to PYTHONPATH."
        )
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)  # the user's own file; last, so that it hides no installed package
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UnknownEnv(
            f"no environment named '{env_id}': cannot import '{module}', which should register it: {said(error)}. "
            "Install it, start from the folder that it is in, or add that folder to PYTHONPATH."
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UnknownEnv(
            f"no environment named '{env_id}': importing '{module}', which should register it, raised "
            f"{what_was_raised(error)}. Fix it, then run the command again."
        ) from error


def _registered(name: str) -> GymnasiumSpec | None:
    """The spec of this name, of the newest version if `name` has none."""
    try:
        namespace, base, version = parse_env_id(name)
    except gymnasium.error.Error:
        return None
    if version is None and name not in registry:
        newest = find_highest_version(namespace, base)
        name = name if newest is None else f"{name}-v{newest}"
    return registry.get(name)

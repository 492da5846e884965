"""Look up ids of Gymnasium, without building an environment."""

import importlib
import os
import re
import sys
import warnings
from importlib.util import find_spec
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec as GymnasiumSpec
from gymnasium.envs.registration import find_highest_version, load_env_creator, parse_env_id, registry

from rl_teacher.envs.close_matches import did_you_mean
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError, UnknownEnv

DEFAULT_FPS = 30
"""Frames per second of a clip where the environment's metadata does not say."""
MUJOCO_MODULE = "gymnasium.envs.mujoco"


def find_gymnasium(env_id: str, reason: str, task_ids: list[str]) -> EnvSpec:
    """The Gymnasium environment `env_id`, 'Id-v1' or 'module:Id-v1'.

    Args:
        env_id: as the user wrote it.
        reason: why it was looked up here, for the description.
        task_ids: ids of tasks that the user may have meant.

    Raises:
        UnknownEnv: there is none of this name, or its module cannot be imported.
        ConfigError: it needs a package that is not installed.
    """
    module, colon, name = env_id.rpartition(":")
    if colon:
        _import(module, env_id)
    spec = _registered(name)
    if spec is None:
        known = [*task_ids, *registry]
        raise UnknownEnv(f"no environment named '{env_id}'.{did_you_mean(name, known)} docs/envs.md lists all.")
    canonical_id = f"{module}{colon}{spec.id}"
    horizon = "unlimited length" if spec.max_episode_steps is None else f"at most {spec.max_episode_steps} steps"
    return EnvSpec(
        env_id=env_id,
        canonical_id=canonical_id,
        is_task=False,
        horizon=spec.max_episode_steps,
        is_fixed_horizon=False,
        clip_fps=int(_metadata(spec, env_id).get("render_fps") or DEFAULT_FPS),
        dt=None,
        description=f"'{env_id}' is the Gymnasium environment {canonical_id}, episodes of {horizon} ({reason}).",
    )


def missing_package(env_id: str, error: Exception) -> ConfigError:
    """The error for an environment that cannot import something."""
    extras = "for MuJoCo environments: pip install 'gymnasium[mujoco]'; for Box2D: pip install 'gymnasium[box2d]'"
    return ConfigError(f"env '{env_id}' needs a package that is not installed: {error} ({extras}).")


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
            f"no environment named '{env_id}': cannot import '{module}', which should register it: {error}. "
            "Install it, start from the folder that it is in, or add that folder to PYTHONPATH."
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


def _metadata(spec: GymnasiumSpec, env_id: str) -> dict[str, Any]:
    """The metadata of the environment's class; empty if it is made by a function."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # as errors, those of Box2D crash Python
            creator: Any = load_env_creator(spec.entry_point) if isinstance(spec.entry_point, str) else spec.entry_point
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        raise missing_package(env_id, error) from error
    if isinstance(spec.entry_point, str) and spec.entry_point.startswith(MUJOCO_MODULE) and not find_spec("imageio"):
        raise missing_package(env_id, ImportError("No module named 'imageio'"))
    return creator.metadata if isinstance(creator, type) and issubclass(creator, gymnasium.Env) else {}

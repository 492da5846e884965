"""Make an environment of Gymnasium, and read off the made one what agents must know."""

import importlib
import warnings
from importlib.util import find_spec
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import DependencyNotInstalled, InvalidMetadata
from gymnasium.spaces import Box, Discrete

from rl_teacher.envs.gymnasium.faults import env_fault, missing_package, what_was_raised
from rl_teacher.envs.gymnasium.unsupported import unsupported_observations
from rl_teacher.errors import RlTeacherError, UnsupportedSpace
from rl_teacher.oneline import shown

AnyEnv = gymnasium.Env[Any, Any]
MUJOCO_MODULE = "gymnasium.envs.mujoco"


def make_env(env_id: str, **given: Any) -> AnyEnv:
    """One environment.

    Args:
        env_id: 'Id-v1' or 'module:Id-v1'.
        **given: to its constructor, such as render_mode.

    Raises:
        ConfigError: it needs a package that is not installed.
        EnvFault: it cannot be built.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 'Hopper-v4 is out of date': the user chose it
        warnings.filterwarnings("ignore", ".*metadata.*render_(modes|fps)", UserWarning)  # `read_off` says what matters
        try:
            require_imageio(env_id)
            return gymnasium.make(env_id, disable_env_checker=True, **given)
        except (RlTeacherError, KeyboardInterrupt):
            raise
        except (ImportError, DependencyNotInstalled) as error:
            raise missing_package(env_id, error) from error
        except BaseException as error:
            part = "metadata" if isinstance(error, InvalidMetadata) else "make"
            raise env_fault(env_id, part, f"making it raised {what_was_raised(error)}") from error


def register_late(env_id: str) -> None:
    """MinAtar's module registers its environments only when it is told to."""
    module, _, name = env_id.rpartition(":")
    if module == "minatar.gym" and name not in gymnasium.registry:
        importlib.import_module(module).register_envs()


def require_imageio(env_id: str) -> None:
    """Gymnasium's MuJoCo environments import it when they draw, and say nothing of it when they are made."""
    registered = gymnasium.registry.get(env_id.rpartition(":")[2])
    entry = None if registered is None else registered.entry_point
    if isinstance(entry, str) and entry.startswith(MUJOCO_MODULE) and not find_spec("imageio"):
        raise ImportError("No module named 'imageio'")


def close_env(env: AnyEnv) -> None:
    """Close an environment; one that fails to is left as it is."""
    try:
        env.close()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return


def spaces_of(env: AnyEnv, env_id: str) -> tuple[Box, Box | Discrete]:
    """Observation and action space of a made environment, as it declares them.

    Raises:
        EnvFault: it has none.
        UnsupportedSpace: observations are not a Box, or actions neither a Box nor Discrete.
    """
    spaces = []
    for name in ("observation_space", "action_space"):
        try:
            space = getattr(env, name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise env_fault(env_id, "spaces", f"its {name} raised {what_was_raised(error)}") from error
        if not isinstance(space, gymnasium.Space):
            raise env_fault(env_id, "spaces", f"its {name} is {shown(space)}, which is no space")
        spaces.append(space)
    observation, action = spaces
    if not isinstance(observation, Box):
        raise unsupported_observations(env_id, observation)
    if not isinstance(action, Box | Discrete):
        raise UnsupportedSpace(
            f"env {env_id!r}: actions are {shown(action)}, expected a Box or Discrete. "
            "Write a gymnasium.ActionWrapper that maps one of these to it, and register that."
        )
    return observation, action


def observed_as(space: Box) -> Box:
    """The space of what agents see: bytes stay bytes, all else becomes float32."""
    if space.dtype == np.uint8:
        return space
    with np.errstate(over="ignore", invalid="ignore"):  # the largest float64 becomes infinity
        return Box(space.low.astype(np.float32), space.high.astype(np.float32), dtype=np.float32)

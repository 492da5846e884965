"""What somebody else's environment did wrong, in one line: where, what, and what Gymnasium asks for instead."""

import os
import traceback
from pathlib import Path

import gymnasium

import rl_teacher
from rl_teacher.envs.finite import NOTHING_LOST
from rl_teacher.errors import ConfigError, EnvFault
from rl_teacher.oneline import raised, said

ASKED = {
    "make": "gymnasium.make() builds it without further arguments: give them as `kwargs` where you register it",
    "reset": "Gymnasium asks for reset(*, seed=None, options=None) that returns (observation, info)",
    "step": "Gymnasium asks for step(action) that returns (observation, reward, terminated, truncated, info)",
    "spaces": "Gymnasium asks for observation_space and action_space, the same in every copy and at all times",
    "metadata": "Gymnasium asks for a dict `metadata` with render_fps, a number of frames per second",
}
"""Part of an environment -> what it should be like."""
OTHERS = tuple(os.path.join(Path(str(module.__file__)).parent, "") for module in (gymnasium, rl_teacher))
"""Folders, to their last slash, whose lines are not the environment's own."""


def env_fault(env_id: str, part: str, what: str, *, place: str = "") -> EnvFault:
    """The error for an environment.

    Args:
        env_id: as the user wrote it.
        part: one of ASKED.
        what: it did, such as "step() returned 4 values".
        place: which copy of the environment, and when, if that is known.
    """
    return EnvFault(f"env {env_id!r}{place and ', '}{place}: {what}. {ASKED[part]}. {NOTHING_LOST}")


def missing_package(env_id: str, error: Exception) -> ConfigError:
    """The error for an environment that cannot import something."""
    extras = "for MuJoCo environments: pip install 'gymnasium[mujoco]'; for Box2D: pip install 'gymnasium[box2d]'"
    return ConfigError(f"env '{env_id}' needs a package that is not installed: {said(error)} ({extras}).")


def what_was_raised(error: BaseException) -> str:
    """Type and message of an exception in one line, and the deepest line of the environment's own."""
    own = _own_lines(error) or _own_lines(error.__cause__)  # gymnasium.make() wraps a TypeError
    return raised(error, f"{own[-1].filename}, line {own[-1].lineno}" if own else "")


def _own_lines(error: BaseException | None) -> list[traceback.FrameSummary]:
    """Where an exception passed through code that is neither Gymnasium's nor ours, the deepest last."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    return [frame for frame in frames if not frame.filename.startswith((*OTHERS, "<"))]

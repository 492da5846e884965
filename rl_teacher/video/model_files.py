"""Load any MuJoCo model for rendering, and say what is wrong with it. The tasks' own models cannot fail: envs/tasks."""

from pathlib import Path
from typing import Any

import mujoco

from rl_teacher.envs.tasks.mujoco_warnings import CaughtWarnings
from rl_teacher.errors import VideoFault


def load_model(path: Path) -> Any:
    """The compiled mujoco.MjModel of the XML file `path`.

    Raises:
        VideoFault: there is no such file, or MuJoCo cannot compile it.
    """
    if not path.is_file():
        raise VideoFault(f"model {str(path)!r}: there is no such file. Give the path of a MuJoCo XML file.")
    try:
        with CaughtWarnings():
            return mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        raise VideoFault(f"model {str(path)!r}: MuJoCo cannot compile it: {error}") from error

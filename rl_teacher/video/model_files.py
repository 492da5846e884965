"""Load a MuJoCo model for rendering, without the warnings that MuJoCo would write into the working directory."""

from pathlib import Path
from typing import Any

import mujoco

from rl_teacher.errors import VideoFault


def load_model(path: Path) -> Any:
    """The compiled mujoco.MjModel of the XML file `path`.

    Raises:
        VideoFault: there is no such file, or MuJoCo cannot compile it.
    """
    if not path.is_file():
        raise VideoFault(f"model {str(path)!r}: there is no such file. Give the path of a MuJoCo XML file.")
    previous = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda _: None)  # otherwise: a line on stderr and a MUJOCO_LOG.TXT
    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        raise VideoFault(f"model {str(path)!r}: MuJoCo cannot compile it: {error}") from error
    finally:
        mujoco.set_mju_user_warning(previous)

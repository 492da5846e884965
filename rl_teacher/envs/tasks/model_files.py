"""Load a task's MuJoCo model from the copies in models/."""

from typing import Any

import mujoco

from rl_teacher.envs.tasks.mujoco_warnings import CaughtWarnings
from rl_teacher.envs.tasks.task import MODELS


def load_model(model_file: str) -> Any:
    """The compiled mujoco.MjModel of `models/<model_file>`; warnings of the compiler are dropped."""
    with CaughtWarnings():
        return mujoco.MjModel.from_xml_path(str(MODELS / model_file))

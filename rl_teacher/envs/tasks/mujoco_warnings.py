"""Catch MuJoCo's warnings, which it would print and write to MUJOCO_LOG.TXT in the working directory."""

import mujoco


class CaughtWarnings:
    """While entered, MuJoCo's warnings go to `messages` and nowhere else; on exit the handler from before is back.

    MuJoCo has one handler per process. Do not enter from two Python threads at once.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._previous: object = None

    def __enter__(self) -> None:
        self._previous = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(self.messages.append)

    def __exit__(self, *_: object) -> None:
        mujoco.set_mju_user_warning(self._previous)

"""Whether clips of an environment can be drawn here: found out before anybody is asked to look at any."""

from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import VideoFault
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.jobs import ClipJob, FirstPicture
from rl_teacher.video.replayed import TO_DO
from rl_teacher.video.workers import ClipWorkers

NAME = "first picture"
SECONDS = 60.0
"""After which an environment that draws its first picture is given up [s]."""


def require_pictures(spec: EnvSpec) -> None:
    """Draw one picture as clips will be drawn: a task's by what works here, another's by itself, in a clip worker.

    Raises:
        VideoFault: it cannot be drawn; says what to do.
    """
    if spec.is_task:
        choose_backend()
        return
    with ClipWorkers(1, backend=None, job_seconds=SECONDS) as workers:
        workers.submit(ClipJob(NAME, FirstPicture(spec), spec.clip_fps, with_webm=False))
        while not (results := workers.poll(1.0)):
            pass
    if results[0].clip is None:
        reason = results[0].reason
        if not reason.startswith("env "):  # it took its process with it, or hangs
            reason = f"env {spec.canonical_id!r}: while its first picture was drawn, {reason}. {TO_DO}."
        raise VideoFault(f"-p human: people would have nothing to compare: {reason}")

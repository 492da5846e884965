"""People as the teacher of somebody's training script: a feedback server, which is found or started."""

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from rl_teacher.config.run import RunConfig
from rl_teacher.core.segment import Segment
from rl_teacher.people.attach import attach, detach
from rl_teacher.people.audience import Audience
from rl_teacher.people.connection import connect
from rl_teacher.people.feedback_session import FeedbackSession
from rl_teacher.records import ComparisonId
from rl_teacher.storage.folder import require_folders
from rl_teacher.storage.names import experiment_name, slug
from rl_teacher.teachers.human import HumanTeacher
from rl_teacher.video.jobs import Content


class People:
    """Everybody who opens the labeling page.

    Args:
        config: complete. The server knows the run from here on.
        log: gets lines for people, the link among them.

    Raises:
        ServerFault: the server cannot be reached, or says no.
        RunExists: it has an experiment of this name, and the run is not resumed.
    """

    def __init__(self, config: RunConfig, log: Callable[[str], None]) -> None:
        self._named = dataclasses.replace(config, name=slug(config.name))
        require_folders(self._named)
        self._log = log
        self._connection = connect(self._named, experiment_name(self._named.name), log)
        self.clip_px = config.human.clip_px
        """Width and height of clips that are drawn from states [pixels]; None: as this machine can."""
        self.life = uuid.uuid4().hex
        """A name of this process, so that no id that it makes was used before a crash."""
        self._session: FeedbackSession | None = None

    def attach(
        self, folder: Path, content: Callable[[Segment], Content], fps: int, backend: str | None
    ) -> tuple[HumanTeacher, Audience]:
        """The teacher, and whom to tell how the lesson goes.

        Args:
            folder: of the run.
            content: what a clip worker draws a segment from.
            fps: frames per second of a clip.
            backend: what draws simulator states; None where there are pictures already.
        """
        self._session = attach(
            self._connection, folder, self._named, content=content, fps=fps, backend=backend, log=self._log
        )
        audience = Audience(self._session, self._connection.label_link)
        self._log(f"Compare clips at {audience.label_link}")
        return HumanTeacher(self._session, self._named.human), audience

    def close(self, still_open: Sequence[ComparisonId], *, is_done: bool) -> None:
        """Leave the server; nobody is asked any more if the run is over."""
        if self._session is not None:
            detach(self._session, still_open, is_done=is_done)
        self._connection.close()

"""A run folder and a connection become a feedback session at work; and its end."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rl_teacher.config.run import RunConfig
from rl_teacher.core.segment import Segment
from rl_teacher.people.client.outbox import Outbox
from rl_teacher.people.connection import Connection
from rl_teacher.people.feedback_session import FeedbackSession
from rl_teacher.people.restore import restore
from rl_teacher.people.uploader import ClipUploader, SentIds
from rl_teacher.records import ComparisonId
from rl_teacher.storage.names import COMPARISONS
from rl_teacher.video.jobs import Content
from rl_teacher.video.workers import ClipWorkers

OUTBOX, SENT = "outbox", "sent.jsonl"
"""In the run folder: what waits for the server, and the ids of what went there."""


def attach(
    connection: Connection,
    folder: Path,
    config: RunConfig,
    *,
    content: Callable[[Segment], Content],
    fps: int,
    backend: str | None,
    log: Callable[[str], None],
) -> FeedbackSession:
    """A session of a run folder, at work: whoever gets it hands it to `detach`.

    A run that is resumed where its folder is not gets back first what the server has of it.

    Args:
        connection: to the experiment.
        folder: of the run; it exists.
        config: complete.
        content: what a clip worker draws a segment from.
        fps: frames per second of a clip, one frame per step.
        backend: what `choose_backend` said; None where environments draw themselves.
        log: gets lines for people.

    Raises:
        ServerFault: it cannot be reached, and the folder lacks what it alone has.
    """
    if config.resume and not connection.is_new and not (folder / COMPARISONS).exists():
        restore(connection.client, folder, log)
    sent = SentIds(folder / SENT)
    if connection.is_new:
        sent.clear()
    outbox = Outbox(folder / OUTBOX, connection.client)
    workers = ClipWorkers(config.human.clip_workers, backend=backend)
    uploader = ClipUploader(workers, outbox, sent, fps, config.human.webm)
    session = FeedbackSession(connection.client, outbox, uploader, content, connection.revive)
    session.start()
    return session


def detach(session: FeedbackSession, open_ids: Sequence[ComparisonId], *, is_done: bool) -> None:
    """Close a session.

    Args:
        session: of the run.
        open_ids: comparisons that nobody has answered; when the run is over, nobody is asked any more.
        is_done: whether it is over, and not only stopped.
    """
    if is_done:
        session.take_back(open_ids)
    session.close(is_done=is_done)

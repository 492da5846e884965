"""A small server, and sessions that speak to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from small_server import InstantWorkers, SmallServer, frames, segment, wait_for

from rl_teacher.core.segment import Segment
from rl_teacher.people.client.messages import Prediction
from rl_teacher.people.client.outbox import Outbox
from rl_teacher.people.feedback_session import FeedbackSession
from rl_teacher.people.uploader import ClipUploader, SentIds
from rl_teacher.records import Comparison, Label, Preference
from rl_teacher.video.jobs import Content

SEGMENTS = {name: segment(i) for i, name in enumerate("abcd")}
AB, BC, CD = (Comparison(left + right, left, right, 100 + i) for i, (left, right) in enumerate(("ab", "bc", "cd")))
PREDICTION = Prediction("ab", 5, 0.75, (0.5,), (0.25,))


class Rig:
    """A server, and the parts of sessions that speak to it."""

    def __init__(self, folder: Path) -> None:
        self.server, self.workers, self.folder = SmallServer(), InstantWorkers(), folder
        self.sessions: list[FeedbackSession] = []

    def session(
        self,
        *,
        content: Callable[[Segment], Content] = frames,
        revive: Callable[[], None] = lambda: None,
        max_bytes: int = 1024**3,
    ) -> FeedbackSession:
        """One at work, with the files that earlier ones left."""
        client = self.server.client()
        outbox = Outbox(self.folder / "outbox", client, max_bytes=max_bytes)
        uploader = ClipUploader(self.workers, outbox, SentIds(self.folder / "sent.jsonl"), 20, False)  # type: ignore[arg-type]
        self.sessions.append(FeedbackSession(client, outbox, uploader, content, revive))
        self.sessions[-1].start()
        return self.sessions[-1]

    def ask(self, session: FeedbackSession, *comparisons: Comparison) -> None:
        """Ask, and wait until people can see all of it."""
        session.ask(comparisons, SEGMENTS)
        wait_for(lambda: {one.id for one in comparisons} <= self.server.comparisons.keys())

    def beat(self, session: FeedbackSession, state: str) -> dict[str, Any]:
        """The first heartbeat that says `state`, which is a new one."""
        session.report(state, 7, {})
        return dict(wait_for(lambda: [one for one in self.server.heartbeats if one["state"] == state])[0])


def collect(session: FeedbackSession, num: int) -> list[Label]:
    """The next `num` labels, and those that came with the last of them."""
    labels: list[Label] = []
    while len(labels) < num:
        came = session.answers(timeout_s=20.0)
        assert came, f"{num} labels were expected, {len(labels)} came"
        labels += came
    return labels


def said(labels: list[Label]) -> list[tuple[str, Preference | None, str]]:
    return [(one.comparison, one.preference, one.labeler) for one in labels]


def taken_back(*comparisons: str) -> list[tuple[str, Preference | None, str]]:
    return [(one, Preference.TAKEN_BACK, "trainer") for one in comparisons]

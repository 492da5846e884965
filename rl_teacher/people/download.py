"""Everything that people were asked and said, back from the server: it alone holds the whole preference data."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rl_teacher.errors import ServerFault
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.messages import ClipSpec
from rl_teacher.records import Comparison, Label, SegmentId


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment as the server keeps it."""

    id: SegmentId
    clip: ClipSpec
    arrays: dict[str, np.ndarray]
    """obs, actions as the reward model sees them, and where known state and true_reward; each by step."""


@dataclass(frozen=True, slots=True)
class Download:
    """The answered comparisons of an experiment, in the order of their first answers, with all labels."""

    comparisons: Sequence[Comparison]
    segments: dict[SegmentId, StoredSegment]
    labels: Sequence[Label]
    """Oldest first."""


def download(client: FeedbackClient, say: Callable[[str], None]) -> Download:
    """Fetch all that was answered and may be trained on.

    Raises:
        ServerFault: the server cannot be reached, or what it sent makes no sense.
    """
    events = [event for event in client.all_labels() if event.trains]
    clips = dict(client.clips())
    comparisons: dict[str, Comparison] = {}
    segments: dict[SegmentId, StoredSegment] = {}
    for event in events:
        if event.comparison in comparisons:
            continue
        for side in (event.left, event.right):
            if side not in clips:
                raise ServerFault(f"comparison {event.comparison}: the server knows no clip {side}. Is its disk whole?")
            if side not in segments:
                segments[side] = StoredSegment(side, clips[side], _arrays(client, clips[side]))
        step = max(clips[event.left].step, clips[event.right].step)
        comparisons[event.comparison] = Comparison(event.comparison, event.left, event.right, step)
        if len(comparisons) % 50 == 0:
            say(f"Fetched {len(comparisons)} comparisons")
    return Download(list(comparisons.values()), segments, [event.label for event in events])


def _arrays(client: FeedbackClient, clip: ClipSpec) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(client.get_blob(clip.arrays)), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}

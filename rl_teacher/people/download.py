"""Everything that people were asked and said, back from the server: it alone holds the whole preference data."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rl_teacher.core.arrays import NO_END, Segments
from rl_teacher.errors import ServerFault
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.messages import ClipSpec
from rl_teacher.records import Comparison, Label, SegmentId

Arrays = dict[str, np.ndarray]
"""Of one segment, as the server keeps it: obs, actions as the reward model sees them, and where known state and
true_reward; each by step."""


@dataclass(frozen=True, slots=True)
class Download:
    """The answered comparisons of an experiment, in the order of their first answers, with all labels."""

    comparisons: Sequence[Comparison]
    left: Segments
    """Row by row as the comparisons; what the server does not know is 0."""
    right: Segments
    labels: Sequence[Label]
    """Oldest first."""


def download(client: FeedbackClient, log: Callable[[str], None]) -> Download | None:
    """Fetch all that was answered and may be trained on; None: nothing was.

    Args:
        client: of the experiment.
        log: hears now and then how far it is.

    Raises:
        ServerFault: the server cannot be reached, or what it sent makes no sense.
    """
    events = [event for event in client.all_labels() if event.trains]
    clips = dict(client.clips())
    comparisons: dict[str, Comparison] = {}
    arrays: dict[SegmentId, Arrays] = {}
    for event in events:
        if event.comparison in comparisons:
            continue
        for side in (event.left, event.right):
            if side not in clips:
                raise ServerFault(f"comparison {event.comparison}: the server knows no clip {side}. Is its disk whole?")
            if side not in arrays:
                arrays[side] = _arrays(client, clips[side])
        step = max(clips[event.left].step, clips[event.right].step)
        comparisons[event.comparison] = Comparison(event.comparison, event.left, event.right, step)
        if len(comparisons) % 50 == 0:
            log(f"Fetched {len(comparisons)} comparisons")
    if not comparisons:
        return None
    found = list(comparisons.values())
    left = _rows([one.left for one in found], clips, arrays)
    right = _rows([one.right for one in found], clips, arrays)
    return Download(found, left, right, [event.label for event in events])


def _arrays(client: FeedbackClient, clip: ClipSpec) -> Arrays:
    with np.load(io.BytesIO(client.get_blob(clip.arrays)), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _rows(ids: Sequence[SegmentId], clips: dict[SegmentId, ClipSpec], arrays: dict[SegmentId, Arrays]) -> Segments:
    """The segments `ids`, at least one, in rows of equal length."""
    length = min(len(arrays[one]["actions"]) for one in ids)

    def rows(name: str, width: int) -> np.ndarray:
        empty = np.zeros((length, width))
        return np.stack([arrays[one].get(name, empty)[:length] for one in ids])

    def meta(name: str, unknown: int = 0) -> np.ndarray:
        return np.array([int(clips[one].meta.get(name, unknown)) for one in ids], np.int64)

    actions, follows = rows("actions", 0), all("next_obs" in arrays[one] for one in ids)
    return Segments(
        id=np.array(ids, dtype="U36"), obs=rows("obs", 0), reward_action=actions, env_action=actions,
        true_reward=rows("true_reward", 1).reshape(len(ids), length), sim_state=rows("state", 0),
        env=meta("env"), episode=meta("episode"), start=meta("start"), iteration=meta("iteration"),
        end=meta("end", NO_END), next_obs=rows("next_obs", 0) if follows else np.zeros((len(ids), length, 0)),
    )  # fmt: skip

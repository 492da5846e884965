"""Preference data that came back from the server, as the arrays that the learning core works on."""

import numpy as np

from rl_teacher.core.arrays import Segments
from rl_teacher.people.download import Download, StoredSegment


def as_segments(download: Download) -> tuple[Segments, Segments]:
    """Left and right segments of all comparisons, a row each."""
    left, right = (
        [download.segments[getattr(comparison, side)] for comparison in download.comparisons]
        for side in ("left", "right")
    )
    return _rows(left), _rows(right)


def _rows(stored: list[StoredSegment]) -> Segments:
    """Rows of equal length; what the server does not know is 0."""
    length = min(len(one.arrays["actions"]) for one in stored)

    def array(name: str, width: int) -> np.ndarray:
        empty = np.zeros((length, width))
        return np.stack([one.arrays.get(name, empty)[:length] for one in stored])

    def meta(name: str) -> np.ndarray:
        return np.array([int(one.clip.meta.get(name, 0)) for one in stored], np.int64)

    actions = array("actions", 0)
    return Segments(
        id=np.array([one.id for one in stored], dtype="U36"), obs=array("obs", 0), reward_action=actions,
        env_action=actions, true_reward=array("true_reward", 1).reshape(len(stored), length),
        sim_state=array("state", 0), env=meta("env"), episode=meta("episode"), start=meta("start"),
        iteration=meta("iteration"),
    )  # fmt: skip

"""The pool: segments of the newest iterations, which may be asked about."""

from collections import deque
from collections.abc import Mapping

import numpy as np

from rl_teacher.core.arrays import Segments, concatenate


class Pool:
    """Segments of the last few iterations."""

    def __init__(self, num_iterations: int) -> None:
        self._parts: deque[Mapping[str, np.ndarray]] = deque(maxlen=num_iterations)
        """The fields of each iteration's segments: pictures as single frames."""

    def add(self, segments: Segments) -> None:
        """Take in an iteration's segments, dropping the oldest iteration's."""
        if len(segments):
            self._parts.append(segments.fields())

    def segments(self) -> Segments | None:
        """All of them, oldest first; None while there are none."""
        return concatenate([Segments.from_fields(part) for part in self._parts]) if self._parts else None

    def snapshot(self) -> dict[str, np.ndarray]:
        """For a checkpoint."""
        return {f"{i}/{name}": a for i, part in enumerate(self._parts) for name, a in part.items()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """From a checkpoint."""
        self._parts.clear()
        for i in sorted({int(name.split("/")[0]) for name in snapshot}):
            prefix = f"{i}/"
            own = {name.removeprefix(prefix): a for name, a in snapshot.items() if name.startswith(prefix)}
            self._parts.append(own)

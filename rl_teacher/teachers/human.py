"""People as a teacher: a queue of open comparisons that stays short, and fresh."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rl_teacher.config.run import HumanConfig
from rl_teacher.core.segment import Segment
from rl_teacher.records import Comparison, ComparisonId, Label, SegmentId
from rl_teacher.teachers.pending import TeacherState

IDLE_SECONDS = 120.0
"""Without an answer for so long, nobody is there, and the queue is renewed at a quarter of the rate [s]."""
RENEWED_SHARE = 1 / 3
"""Share of the queue that is renewed at once."""
OLD = 4
"""While answers alone renew the queue, what has been open for so many times `refresh_seconds` goes."""


class Questions(Protocol):
    """Where people are asked; nothing here waits for them. people/feedback_session.py has the real one."""

    @property
    def has_room(self) -> bool:
        """Whether new questions make sense now."""
        ...

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[SegmentId, Segment]) -> None:
        """Put comparisons to people."""
        ...

    def take_back(self, ids: Sequence[ComparisonId]) -> None:
        """Ask nobody else; a label TAKEN_BACK comes for each that nobody answers any more."""
        ...

    def answers(self, timeout_s: float = 0.0) -> list[Label]:
        """New labels."""
        ...


class HumanTeacher:
    """Keeps `open_pairs` comparisons open, and takes the oldest back so that the newest are of the current policy.

    A comparison is stale when it has been open for `refresh_seconds` and a third of the queue has not been renewed for
    as long. Each answer makes room for a new comparison, which people get first: while a third of the queue is answered
    in that time, only what is four times as old is stale, and few clips are drawn in vain. Those asked before training
    are all open at once; what is left of them is taken back as training begins.
    """

    def __init__(self, questions: Questions, config: HumanConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._questions, self._config, self._clock = questions, config, clock
        self._open: dict[ComparisonId, float] = {}
        """Open comparisons, oldest first, and when they were asked."""
        self._leaving: set[ComparisonId] = set()
        """Those of them that are being taken back."""
        self._last_renewal = self._last_answer = clock()
        self._num_answered = 0
        """Of the queue since the last renewal."""
        self._has_pretrained = False

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[SegmentId, Segment]) -> None:
        """Put comparisons to people; returns at once."""
        self._questions.ask(comparisons, segments)
        now = self._clock()
        for comparison in comparisons:
            self._open.setdefault(comparison.id, now)

    def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
        """New or revised labels; waits up to `timeout_s` for the first."""
        labels = self._questions.answers(timeout_s)
        for label in labels:
            if label.preference is None:  # withdrawn: open again
                self._open.setdefault(label.comparison, self._clock())
                continue
            was_open = self._open.pop(label.comparison, None) is not None
            self._leaving.discard(label.comparison)
            if label.preference.is_answer:
                self._last_answer = self._clock()
                self._num_answered += was_open
        return labels

    @property
    def answers_at_once(self) -> bool:
        """No: people take their time."""
        return False

    def room(self) -> int:
        """How many new comparisons the queue takes; to be asked for only once training has begun."""
        self._renew()
        if not self._questions.has_room:
            return 0
        return max(0, self._config.open_pairs - (len(self._open) - len(self._leaving)))

    def observe(self, mean_episode_return: float | None, episode_steps: int, mean_random_reward: float) -> None:
        """Nothing: people see clips, not returns."""

    def state(self) -> TeacherState:
        """Nothing: labels are in their own file, and on the server."""
        return {}

    def restore(self, state: TeacherState) -> None:
        """Nothing to go on from."""

    def _renew(self) -> None:
        """Take back what is stale: a third of the queue at a time, all that exceeds the queue when training begins."""
        now = self._clock()
        wait = self._config.refresh_seconds * (4 if now - self._last_answer > IDLE_SECONDS else 1)
        if self._has_pretrained and now - self._last_renewal < wait:
            return
        staying = [one for one in self._open if one not in self._leaving]
        num_renewed = max(1, round(self._config.open_pairs * RENEWED_SHARE))
        too_many = max(num_renewed, len(staying) - self._config.open_pairs + num_renewed)
        age = wait * OLD if self._num_answered >= num_renewed else wait
        stale = [one for one in staying[:too_many] if not self._has_pretrained or now - self._open[one] >= age]
        self._has_pretrained, self._last_renewal, self._num_answered = True, now, 0
        if stale and self._questions.has_room:
            self._leaving |= set(stale)
            self._questions.take_back(stale)

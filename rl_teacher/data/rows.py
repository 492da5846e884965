"""Comparisons with the arrays of both segments, and answers to them, as every source gives them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.data.about import DataAbout
from rl_teacher.records import ComparisonId, Preference, SegmentId

AnyArray = npt.NDArray[Any]
Whole = npt.NDArray[np.int64]
NO_END = -1
"""Of a segment in which its episode does not end."""


@dataclass(frozen=True, slots=True)
class Side:
    """The left, or the right segments of some comparisons; their steps lie one behind the other."""

    id: Sequence[SegmentId]
    lengths: Whole
    """Steps of each segment, (comparison,)."""
    obs: AnyArray
    """Observations before each step, as the environment gave them, (step, number)."""
    action: AnyArray
    """As the environment was given them, (step, act), or (step,) where they are choices."""
    env_index: Whole
    """Which of the environments side by side, (comparison,)."""
    episode: Whole
    start: Whole
    """Step of the episode at which the segment starts."""
    iteration: Whole
    """Of the policy that acted."""
    end: Whole
    """Steps until its episode ended, the last one included; NO_END if it did not."""
    next_obs: AnyArray | None = None
    """Observations after each step, (step, number)."""
    true_reward: AnyArray | None = None
    """(step,) [reward]"""

    def bounds(self) -> Whole:
        """Where each segment starts among the steps, and behind the last one."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths, dtype=np.int64)])


@dataclass(frozen=True, slots=True)
class Rows:
    """Some comparisons, a row each."""

    id: Sequence[ComparisonId]
    step: Whole
    """Environment steps of the agent when it was asked, (comparison,)."""
    left: Side
    right: Side

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one labeler said about one comparison; a later one of the same labeler replaces it."""

    comparison: ComparisonId
    labeler: str
    preference: Preference | None
    """None: it was withdrawn."""
    answered_at: str = ""
    """UTC, ISO 8601; empty for programs."""
    rt_ms: int | None = None
    """From the clips on the screen to the answer [ms]."""
    strength: float | None = None
    """How sure the labeler was, in [0, 1] [1]."""


@dataclass(frozen=True, slots=True)
class Source:
    """Comparisons that can be read again and again, some at a time."""

    about: DataAbout
    answers: Sequence[Answer]
    """Oldest first; of comparisons that `read` gives."""
    read: Callable[[], Iterator[Rows]]
    """All comparisons in the order in which they were asked."""
    clip: Callable[[SegmentId], bytes] | None = None
    """The mp4 of a segment; None where no clips are kept."""
    notes: tuple[str, ...] = ()
    """What whoever reads them should be told, a line each."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all labelers together said about a comparison."""

    target: float | None
    """P(left preferred), the mean over labelers; None: nobody could tell, or nobody was asked."""
    newest: Answer
    """The last answer that stands."""


def verdicts(answers: Iterable[Answer]) -> dict[ComparisonId, Verdict]:
    """Of each comparison that somebody answered: the newest answer of each labeler counts.

    >>> said = [Answer("c", "ann", Preference.LEFT), Answer("c", "bob", Preference.TIE)]
    >>> verdicts(said)["c"].target  # (1 + 0.5) / 2
    0.75
    """
    standing: dict[ComparisonId, dict[str, Answer]] = {}
    for answer in answers:
        said = standing.setdefault(answer.comparison, {})
        said.pop(answer.labeler, None)  # the newest one stands last
        if answer.preference is not None:
            said[answer.labeler] = answer
    return {one: _verdict(list(said.values())) for one, said in standing.items() if said}


def _verdict(said: Sequence[Answer]) -> Verdict:
    targets = [one.preference.target for one in said if one.preference is not None]
    known = [target for target in targets if target is not None]
    return Verdict(sum(known) / len(known) if known else None, said[-1])

"""What trainer and server say to each other, as records."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rl_teacher.records import ComparisonId, Label, Preference, SegmentId

TAKEN_FOR_GRANTED = {"has_agent": True, "has_pixels": False}
"""Of an experiment; said only where it is otherwise, because older servers refuse what they do not know."""


@dataclass(frozen=True, slots=True)
class ExperimentSpec:
    """What a trainer says of its run."""

    env_id: str
    config: Mapping[str, Any]
    config_hash: str
    labels_wanted: int
    task: str | None = None
    """In one sentence; empty: a new experiment asks its owner, one that is there keeps its own; None: it has the first
    line of the guideline, or none."""
    guideline: str = ""
    """Markdown for labelers, the first version of it."""
    has_agent: bool = True
    """Whether an agent learns from the answers; else a reward does, for a data set."""
    has_pixels: bool = False
    """Whether clips are pictures of few and large pixels, whose edges are to stay sharp."""

    def as_body(self) -> dict[str, Any]:
        """As the server is sent it."""
        body = asdict(self) | {"config": dict(self.config), "guideline": self.guideline or None}
        return {name: value for name, value in body.items() if TAKEN_FOR_GRANTED.get(name, ...) != value}


@dataclass(frozen=True, slots=True)
class ExperimentAbout:
    """What an experiment is."""

    env_id: str
    config: Mapping[str, Any]
    """Settings of the run."""
    config_hash: str


@dataclass(frozen=True, slots=True)
class ExperimentState:
    """How the experiment stands on the server."""

    is_new: bool
    state: str
    paused: bool
    labels_wanted: int
    answered: int
    cant_tell: int
    head: int
    """The newest seq of the feed."""


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """A clip of uploaded blobs, by their hashes."""

    mp4: str
    arrays: str
    fps: float
    n_frames: int
    width: int
    height: int
    step: int
    webm: str | None = None
    hold_frames: int = 0
    seed: int | None = None
    ret: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One point of a curve; `t` in seconds since 1970."""

    name: str
    step: int
    t: float
    value: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the reward model made of a comparison at a step."""

    comparison: ComparisonId
    step: int
    p_left: float
    """P(left is preferred), before the answer was trained on; the first one that is sent stays."""
    left: tuple[float, ...]
    """Predicted reward of each frame, at most 2000; those of a newer step replace older ones."""
    right: tuple[float, ...]
    left_picture: bytes | None = None
    """A PNG that shows where it looks, at most 16 kB; None where it cannot say."""
    right_picture: bytes | None = None

    @property
    def is_finite(self) -> bool:
        """Whether it can be shown."""
        return all(math.isfinite(value) and abs(value) < 3e38 for value in (self.p_left, *self.left, *self.right))


@dataclass(frozen=True, slots=True)
class Outlook:
    """What comes when, in seconds from now; None: nobody knows, or it will not be."""

    next_question_s: float | None = None
    """Until the schedule wants the next comparison [s]."""
    left_s: float | None = None
    """Until the last step [s]."""


NO_OUTLOOK = Outlook()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a lesson ended."""

    step: int
    """Environment steps of training."""
    labels: int
    """Answers that were learned from."""
    before: float | None
    """Mean true return of an episode of random actions; None: not known."""
    after: float | None
    """The same of the finished agent."""
    commands: tuple[str, ...] = ()
    """What to type next."""
    is_true: bool = True
    """Whether the true return is a measure of what was taught; else pages tell none."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """How far a lesson is."""

    first_labels: int
    """Answers with which learning begins, those that nobody could tell included; at least 1."""
    label_budget: int = 0
    """Answers that are wanted in all; 0: as many as people like to give."""
    has_begun: bool = False
    """Whether the agent learns from answers by now."""
    relevances: str = ""
    """What the learned reward depends on, in words."""
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """A line of the feed; a later one of the same assignment replaces it."""

    seq: int
    kind: str
    """`answered`, `revised` or `withdrawn`."""
    assignment: str
    comparison: ComparisonId
    left: SegmentId
    right: SegmentId
    preference: Preference | None
    """None: withdrawn."""
    labeler: str
    trains: bool
    """Whether it is neither a check nor came too late."""
    rt_ms: int | None
    answered_at: str
    strength: float | None = None
    """How sure the labeler was, in [0, 1] [1]; None also where the server is of an older version."""

    @property
    def label(self) -> Label:
        """The same as the trainer's record."""
        return Label(self.comparison, self.preference, self.labeler, self.answered_at, (self.left, self.right))


@dataclass(frozen=True, slots=True)
class LabelPage:
    """Events after a cursor."""

    events: tuple[LabelEvent, ...]
    head: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that lets people answer without an account."""

    url: str
    days: int
    uses: int


@dataclass(frozen=True, slots=True)
class HeartbeatReply:
    """What the server answers to a sign of life: what people want of the trainer."""

    paused: bool
    needs_webm: bool
    """Somebody's browser plays VP9 but no H.264."""
    ending_seen: bool | None = None
    """Whether somebody has seen how the lesson ended; None: the server is of an older version, which does not say."""

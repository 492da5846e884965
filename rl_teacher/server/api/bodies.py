"""What goes over the wire, with its limits."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, JsonValue

Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]
Small = Annotated[int, Field(ge=0, le=2**31 - 1)]
Big = Annotated[int, Field(ge=0, le=2**62)]
Signed = Annotated[int, Field(ge=-(2**62), le=2**62)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Size = Annotated[int, Field(ge=2, le=4096)]


def no_nul(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    if "\x00" in text:
        raise ValueError("contains a NUL character")
    return text


def this_century(at: datetime) -> datetime:
    """A clock that is far off is no time."""
    if not 2000 <= at.year < 2100:
        raise ValueError("expected a time of this century")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(this_century)]
Line = Annotated[str, Field(max_length=500), AfterValidator(no_nul)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(no_nul)]


def _storable(value: Any) -> Any:
    """JSON that every database can keep: finite numbers, no NUL."""
    match value:
        case str():
            value.encode()
            return no_nul(value)
        case float() if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("a number is not finite")
        case int() if abs(value) > 2**63:
            raise ValueError("a number is too large")
        case dict():
            for key, inner in value.items():
                _storable(key)
                _storable(inner)
        case list():
            for inner in value:
                _storable(inner)
    return value


JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_storable)]


class Body(Schema):
    """A request: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid")


class ExperimentIn(Body):
    """PUT /experiments/{slug}."""

    env_id: Name
    config: JsonObject
    config_hash: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(no_nul)]
    labels_wanted: Small | None = None
    overlap: Annotated[int, Field(ge=1, le=10)] | None = None
    double_rate: Rate | None = None
    gold_rate: Rate | None = None
    repeat_rate: Rate | None = None
    lease_s: Annotated[int, Field(ge=5, le=3600)] | None = None
    min_view_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None
    task: Annotated[str, Field(max_length=140), AfterValidator(no_nul)] | None = None
    """In one sentence. Empty: its owner is asked for it. Null: the first line of the guideline, or none."""
    guideline: Annotated[str, Field(max_length=20_000), AfterValidator(no_nul)] | None = None
    has_agent: bool = True
    """False: no agent learns from the answers, only a reward does, for a data set. Pages then say so."""
    has_pixels: bool = False
    """True: clips are pictures of few and large pixels, which pages show with sharp edges."""


class ExperimentOut(Schema):
    """An experiment as its trainer sees it."""

    slug: str
    env_id: str
    config: dict[str, Any]
    config_hash: str
    state: str
    paused: bool
    labels_wanted: int
    answered: int
    cant_tell: int
    head: int


class ClipIn(Body):
    """PUT /clips/{id}; mp4, webm and arrays are hashes of uploaded blobs."""

    mp4: Sha256
    webm: Sha256 | None = None
    arrays: Sha256
    fps: Annotated[float, Field(gt=0, le=240, allow_inf_nan=False)]
    n_frames: Annotated[int, Field(ge=1, le=100_000)]
    hold_frames: Annotated[int, Field(ge=0, le=1000)] = 0
    width: Size
    height: Size
    step: Big
    seed: Signed | None = None
    ret: Finite | None = None
    meta: JsonObject = Field(default_factory=dict)


class ClipOut(ClipIn):
    """A stored clip."""

    model_config = ConfigDict(extra="ignore")
    id: uuid.UUID
    broken: bool


class ClipPage(Schema):
    """Some clips; `next` goes into `after`."""

    clips: list[ClipOut]
    next: uuid.UUID | None


class ComparisonIn(Body):
    """One of POST /comparisons."""

    id: uuid.UUID
    a: uuid.UUID
    b: uuid.UUID
    priority: Finite = 0.0
    gold_answer: Literal["a", "b", "tie"] | None = None
    note: Line = ""


class ComparisonOut(Schema):
    """A stored comparison."""

    id: uuid.UUID
    a: uuid.UUID
    b: uuid.UUID
    priority: float
    state: str
    wanted: int
    done: int
    gold_answer: str | None
    note: str
    created_at: datetime


class ComparisonPage(Schema):
    """Some comparisons; `next` goes into `after`."""

    comparisons: list[ComparisonOut]
    next: uuid.UUID | None


class Results(Schema):
    """`created` or `exists` by id."""

    results: dict[str, str]


class PriorityIn(Body):
    """PATCH /comparisons/{id}."""

    priority: Finite


class IdsIn(Body):
    """Some ids."""

    ids: Annotated[list[uuid.UUID], Field(max_length=1000)]


class IdsOut(Schema):
    """The ids that it was done to."""

    ids: list[str]


class Event(Schema):
    """A line of the feed."""

    seq: int
    kind: Literal["answered", "revised", "withdrawn"]
    response: str
    assignment: str
    comparison: str
    a: str
    b: str
    preferred: Literal["a", "b", "tie", "cant_tell"] | None
    target: float | None
    assignment_kind: str
    extra: bool
    labeler: str
    rt_ms: int | None
    strength: float | None
    guideline_version: int
    at: str


class Feed(Schema):
    """Events after the cursor, and the newest seq."""

    events: list[Event]
    head: int


class MetricIn(Body):
    """One of POST /metrics."""

    name: Name
    step: Big
    t: Finite
    value: Finite


class Count(Schema):
    """How many came."""

    count: int


class VideoIn(Body):
    """POST /videos."""

    step: Big
    blob: Sha256


Curve = Annotated[
    list[Annotated[float, Field(allow_inf_nan=False, ge=-3.4e38, le=3.4e38)]], Field(min_length=1, max_length=2000)
]


Png = Annotated[str, Field(min_length=12, max_length=22_000, pattern=r"^iVBORw0KGgo[A-Za-z0-9+/]*={0,2}$")]
"""A PNG of at most 16 kB in base64: so every one begins."""


class PredictionIn(Body):
    """One of POST /predictions: what the reward model made of a pair."""

    comparison: uuid.UUID
    step: Big
    p_left: Rate
    """P(clip a is preferred), before the answer was trained on."""
    a: Curve
    """Predicted reward of each frame of clip a."""
    b: Curve
    a_picture: Png | None = None
    """Where the model looks in clip a."""
    b_picture: Png | None = None


class HeartbeatIn(Body):
    """PUT /heartbeat."""

    state: Literal["training", "waiting", "paused", "done"]
    step: Big | None = None
    next_clips_s: Seconds | None = None
    """When new pairs can be answered, from now; left out: nobody knows, or none will come."""
    training_left_s: Seconds | None = None
    """When the run is over, from now."""
    notice: Line | None = None
    """For the owner, e.g. that a clip failed to render; left out: as before; empty: nothing any more."""


class HeartbeatOut(Schema):
    """What people want of the trainer."""

    paused: bool
    needs_webm: bool
    """Somebody's browser cannot play H.264: make VP9 copies, also of clips that wait for answers."""
    target_rate: float | None
    ending_seen: bool
    """Whether somebody has seen how the lesson ended."""


class EndingIn(Body):
    """How a lesson ended."""

    step: Big
    """Environment steps of training."""
    labels: Small
    """Answers that were learned from."""
    before: Finite | None = None
    """Mean return of an episode of random actions; null: not known."""
    after: Finite | None = None
    """Mean return of an episode of the finished agent; null: not known."""
    is_true: bool = True
    """Whether these are true returns; else they are predicted."""
    commands: Annotated[list[Line], Field(max_length=8)] = Field(default_factory=list)
    """What to type next, for those who look after the experiment."""


class LessonIn(Body):
    """PUT /lesson: how far the lesson is; the newest replaces what was told before."""

    first_labels: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """Answers with which learning begins, those that nobody could tell included."""
    label_budget: Small = 0
    """Answers that are wanted in all; 0: as many as people like to give."""
    has_begun: bool = False
    relevances: Line = ""
    """What the learned reward depends on, in words."""
    ending: EndingIn | None = None


class InviteOut(Schema):
    """A link that lets people in without an account; null where nobody else reaches the server."""

    url: str | None
    days: int
    uses: int


class ClaimRequestIn(Body):
    """What a tab asks for."""

    want: Annotated[int, Field(ge=0, le=8)]
    have: Annotated[list[uuid.UUID], Field(max_length=64)] = Field(default_factory=list)
    tab: uuid.UUID


class Done(Schema):
    """Nothing more to say."""

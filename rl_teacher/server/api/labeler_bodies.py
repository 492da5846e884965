"""What goes between the server and people's browsers, with its limits."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field

from rl_teacher.server.api.bodies import Body, ClaimRequestIn, Line, Moment, Small


class Media(Schema):
    """Where a clip can be fetched."""

    mp4: str
    webm: str | None = None


class Pair(Schema):
    """Two numbers, by side of the screen."""

    left: int
    right: int


class Ends(Schema):
    """After how many frames the episode of each side ends; null: it does not end in the clip."""

    left: int | None
    right: int | None


class AssignmentOut(Schema):
    """A pair to judge."""

    assignment: str
    left: Media
    right: Media
    fps: float
    n_frames: Pair
    hold_frames: Pair
    end_frames: Ends
    size: tuple[int, int]
    lease_until: str
    guideline_version: int
    min_view_ms: int


class Progress(Schema):
    """How far the experiment is, and the caller."""

    answered: int
    cant_tell: int
    labels_wanted: int
    mine: int
    open: int
    has_begun: bool
    """Whether the agent learns from answers; until then `labels_wanted` are those with which it begins."""


class Claimed(Schema):
    """New leases only."""

    assignments: list[AssignmentOut]
    held_until: str
    """When the leases of all that the tab has are over."""
    state: str
    task: str
    """In one sentence; empty: nobody has said it."""
    progress: Progress


class QueueState(Schema):
    """Whether a claim would bring something."""

    available: bool
    state: str
    task: str
    """In one sentence; empty: nobody has said it."""
    was_asked: bool
    """Whether anything was ever asked."""
    held_by_others: bool
    """Whether somebody else has the pairs that the agent needs before it can learn."""
    next_clips_s: float | None
    """Counted from now."""
    training_left_s: float | None
    """Until the run is over, counted from now."""
    trainer_gone: bool
    """It was here, and has not been heard of for a while."""
    seen: str
    """For the next call, which then comes back as soon as something else is true."""
    progress: Progress


class Agent(Schema):
    """The agent as those see it who teach it: no step, no number."""

    video: str | None
    """The newest one."""
    curve: list[float]
    """Its return of late, from 0 (the lowest of them) to 1."""


class Ending(Schema):
    """How the lesson ended, as far as it is known."""

    step: int | None
    labels: int
    before: float | None
    """Return of an episode when nothing was learned."""
    after: float | None
    is_true: bool | None
    """Whether both are true returns; else they are predicted."""
    commands: list[str]
    """What to type next; none for those who only label."""


class Lesson(Schema):
    """The lesson as a whole."""

    state: str
    has_begun: bool
    relevances: str
    then: Media | None
    """An early clip of the agent."""
    now: Media | None
    """A recent one."""
    ending: Ending | None
    """Once the state is `done`."""
    seen: str
    """For the next call, which then comes back as soon as something else is true."""
    progress: Progress


class AnswerIn(Body):
    """What was pressed, and how it came about."""

    assignment: uuid.UUID
    side: Literal["left", "right", "tie", "cant_tell"]
    rt_ms: Small | None = None
    shown_ms: Small | None = None
    hidden_ms: Small | None = None
    loops: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    speed: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    rendition: Literal["", "mp4", "webm"] = ""
    pressed_at: Moment | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    supersedes: uuid.UUID | None = None


class ResponseIn(Body):
    """PUT /responses/{id}; only `answer` counts for whether a retry is the same."""

    answer: AnswerIn
    refill: ClaimRequestIn | None = None


class ResponseOut(Schema):
    """How the answer was taken."""

    response: str
    extra: bool
    refill: list[AssignmentOut]
    held_until: str | None
    """When the leases of all that the tab has are over; null: it asked for no pairs, and they are as they were."""
    state: str
    task: str
    """In one sentence; empty: nobody has said it."""
    progress: Progress


class OwnResponse(Schema):
    """An answer of the caller, as it was on the screen."""

    response: str
    assignment: str
    side: str
    answered_at: str
    left: Media
    right: Media
    fps: float
    n_frames: Pair
    hold_frames: Pair
    end_frames: Ends
    size: tuple[int, int]


class OwnResponses(Schema):
    """The newest first."""

    responses: list[OwnResponse]


class RenewIn(Body):
    """POST /assignments:renew."""

    tab: uuid.UUID
    ids: Annotated[list[uuid.UUID], Field(max_length=64)]


class Leases(Schema):
    """Until when, by assignment."""

    leases: dict[str, datetime]


class ReleaseIn(Body):
    """POST /assignments:release; the times are those that the caller saw."""

    tab: uuid.UUID
    leases: Annotated[dict[uuid.UUID, Moment], Field(max_length=64)]


class Released(Schema):
    """What is free again."""

    released: list[str]


class DetailIn(Body):
    """POST …:media_error."""

    detail: Line = ""


class ReasonIn(Body):
    """POST …:flag."""

    reason: Line = ""


class MeExperiment(Schema):
    """An experiment of the caller."""

    slug: str
    role: str
    pseudonym: str | None


class Me(Schema):
    """The caller."""

    id: int
    name: str
    csrf_token: str
    experiments: list[MeExperiment]


class Curve(Schema):
    """A curve by columns."""

    step: list[int]
    t: list[float]
    value: list[float]


class Series(Schema):
    """Curves; `cursor` goes into `since`."""

    cursor: int
    series: dict[str, Curve]


class ExportOut(Schema):
    """A copy of the experiment."""

    id: uuid.UUID
    state: str
    at: datetime
    size: int | None
    url: str | None
    error: str


class Exports(Schema):
    """The newest first."""

    exports: list[ExportOut]

"""The words that trainer and server share: segments and comparisons by id, preferences, labels."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

SegmentId = str
ComparisonId = str

NAMESPACE = uuid.UUID("5e2c6a0e-7d1b-5c1f-9d0a-2f6b6f0c9a17")
"""Of every uuid5 made here, so that the same ask after a crash is the same ask."""

OWN_PATHS = frozenset(
    {"admin", "api", "c", "e", "enter", "healthz", "join", "login", "logout", "me", "media"}
    | {"people", "problems", "readyz", "static", "tokens"}
)
"""How the paths of the server's own pages begin; a path under which it lives holds none of them."""


class Preference(StrEnum):
    """What a teacher said about a comparison.

    >>> Preference("left").target, Preference.TIE.target, Preference.CANT_TELL.target
    (1.0, 0.5, None)
    """

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    CANT_TELL = "cant_tell"
    TAKEN_BACK = "taken_back"
    """Nobody was asked after all: a clip could not be made, or the question grew stale. No teacher answers this."""

    @property
    def target(self) -> float | None:
        """P(left preferred) that the loss sees: 1, 0, 0.5; none for the others, never trained on."""
        return _TARGETS.get(self)

    @property
    def counts(self) -> bool:
        """Whether the answer uses up label budget: left, right and tie do."""
        return self.target is not None

    @property
    def is_answer(self) -> bool:
        """Whether somebody said it."""
        return self is not Preference.TAKEN_BACK

    @property
    def swapped(self) -> "Preference":
        """The same answer with the two sides exchanged."""
        return {Preference.LEFT: Preference.RIGHT, Preference.RIGHT: Preference.LEFT}.get(self, self)


_TARGETS = {Preference.LEFT: 1.0, Preference.RIGHT: 0.0, Preference.TIE: 0.5}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two different segments put to a teacher."""

    id: ComparisonId
    left: SegmentId
    right: SegmentId
    step: int
    """Environment steps of the agent when it was asked."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one labeler said about one comparison; a later one of the same labeler replaces it."""

    comparison: ComparisonId
    preference: Preference | None
    """None: the answer was withdrawn."""
    labeler: str
    answered_at: str
    """UTC, ISO 8601; empty for synthetic teachers, whose labels must not depend on the clock."""
    sides: tuple[SegmentId, SegmentId] | None = None
    """Left and right of the comparison, where they came along: people also compare what nobody asked them about."""


def make_id(*parts: str | int) -> str:
    """The uuid5 of `parts`, e.g. run, kind, place: the same parts always give the same id."""
    return str(uuid.uuid5(NAMESPACE, "/".join(str(part) for part in parts)))

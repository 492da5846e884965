"""Labels that were given inside `ask` and wait for the next `poll`."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from rl_teacher.errors import CheckpointError
from rl_teacher.records import ComparisonId, Label, Preference

TeacherState: TypeAlias = dict[str, float | int | str]
"""What a checkpoint keeps of a teacher: JSON values."""


class PendingLabels:
    """Labels by comparison, in the order of asking; asked again before the poll, a comparison keeps one label."""

    def __init__(self) -> None:
        self._preferences: dict[ComparisonId, Preference] = {}

    def add(self, preferences: Mapping[ComparisonId, Preference]) -> None:
        """Keep these answers until the next poll."""
        self._preferences.update(preferences)

    def take(self, labeler: str) -> Sequence[Label]:
        """Hand all over, as given by `labeler`, and forget them."""
        taken, self._preferences = self._preferences, {}
        return [Label(comparison, preference, labeler, "") for comparison, preference in taken.items()]

    def to_json(self) -> str:
        """The labels as JSON text: a list of [comparison, preference]."""
        return json.dumps(list(self._preferences.items()))

    def restore(self, text: str) -> None:
        """Go on from the text of `to_json`.

        Raises:
            CheckpointError: the text is something else.
        """
        try:
            self._preferences = {str(comparison): Preference(preference) for comparison, preference in json.loads(text)}
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                f"The teacher's state: pending labels are {text!r}, expected a JSON list of "
                f'["comparison id", "left|right|tie|cant_tell"]. Resume from an older checkpoint.'
            ) from error


def read(state: TeacherState, name: str) -> float | int | str:
    """The value called `name`.

    Raises:
        CheckpointError: there is none.
    """
    if name not in state:
        raise CheckpointError(
            f"The teacher's state has no {name!r}, only {sorted(state)}. It was saved by another kind of teacher or "
            "version: resume with the teacher that the run was started with."
        )
    return state[name]

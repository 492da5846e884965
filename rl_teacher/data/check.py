"""`rl-teacher data check`: whether a folder of comparisons is whole, and what it holds."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rl_teacher.data.about import DataAbout, about_from_json
from rl_teacher.data.folder import COMPARISONS, EXPORT_AGAIN, HEAD, LABELS, file_hash, read_folder, read_head, said_in
from rl_teacher.data.rows import Verdict, verdicts
from rl_teacher.data.sound import require_sound
from rl_teacher.errors import DataDamaged
from rl_teacher.records import ComparisonId


@dataclass(frozen=True, slots=True)
class Report:
    """What is in a folder that is whole."""

    about: DataAbout
    comparisons: int
    answers: int
    labelers: int
    preferences: dict[str, int]
    """How many comparisons have which newest answer."""
    unanswered: int

    def text(self) -> str:
        """For people, a few lines."""
        about = self.about
        steps = f"{about.longest}" if about.is_even else f"{about.shortest} to {about.longest}"
        told = ", ".join(f"{num} {name}" for name, num in sorted(self.preferences.items())) or "none"
        parts = [
            f"{'has' if holds else 'no'} {what}"
            for what, holds in (("true rewards", about.has_true_reward), ("clips", about.has_clips))
        ]
        return (
            f"{counted(self.comparisons, 'comparison')} of {steps} steps in {about.env_id}: {about.num_obs} numbers of "
            f"observation, {about.action.size} of action.\n"
            f"{counted(self.answers, 'answer')} of {counted(self.labelers, 'labeler')}; the newest: {told}; "
            f"{self.unanswered} without an answer.\n"
            f"The files are whole: {', '.join(parts)}."
        )


def counted(num: int, what: str) -> str:
    """A number with its word.

    >>> counted(1, "labeler"), counted(2, "labeler")
    ('1 labeler', '2 labelers')
    """
    return f"{num:,} {what}{'' if num == 1 else 's'}"


def check_folder(folder: Path) -> Report:
    """Read all of a folder, some rows at a time.

    Raises:
        DataDamaged: a file is not as it was written, or a row says what cannot be.
        DataRefused: it is of another schema.
    """
    head = read_head(folder)
    for name, wanted in head["files"].items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataDamaged(f"{folder / HEAD}: names the file {name[:60]!r}, which is not in the folder.")
        if file_hash(folder / name) != wanted:
            raise DataDamaged(f"{folder / name}: is not as it was written (sha256). {EXPORT_AGAIN}")
    source, path = read_folder(folder), folder / COMPARISONS
    said, known = verdicts(source.answers), set[ComparisonId]()
    for rows in source.read():
        require_sound(source.about, rows, str(path))
        if twice := known.intersection(rows.id):
            raise DataDamaged(f"{path}: comparison {min(twice)} is there twice. {EXPORT_AGAIN}")
        known.update(rows.id)
    if lost := next((one.comparison for one in source.answers if one.comparison not in known), None):
        raise DataDamaged(f"{folder / LABELS}: an answer is to comparison {lost}, which is not there. {EXPORT_AGAIN}")
    _require_same(path, said_in(path), said)
    if (len(known), len(source.answers)) != (head["comparisons"], head["labels"]):
        raise DataDamaged(
            f"{folder / HEAD}: counts {head['comparisons']} comparisons and {head['labels']} labels, "
            f"found {len(known)} and {len(source.answers)}. {EXPORT_AGAIN}"
        )
    return Report(
        about_from_json(head, str(folder / HEAD)), len(known), len(source.answers),
        len({one.labeler for one in source.answers}),
        dict(Counter(str(one.newest.preference) for one in said.values())), len(known - said.keys()),
    )  # fmt: skip


def _require_same(
    path: Path, found: dict[ComparisonId, tuple[float | None, str | None]], said: dict[ComparisonId, Verdict]
) -> None:
    """Whether the table of comparisons says the same as the table of labels."""
    for one, (target, preference) in found.items():
        verdict = said.get(one)
        expected = (verdict.target, str(verdict.newest.preference)) if verdict else (None, None)
        if (target, preference) != expected:
            raise DataDamaged(
                f"{path}, comparison {one}: target {target} and preference {preference!r}, but its labels say "
                f"{expected[0]} and {expected[1]!r}. {EXPORT_AGAIN}"
            )

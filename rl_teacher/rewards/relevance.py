"""What a reward model has learned to look at, in words."""

from collections.abc import Sequence

from rl_teacher.protocols import Legible, Look

MOST_LOOKS = 5
LEAST_SHARE = 0.01
"""Less is not worth a word."""


def main_looks(model: object, names: Sequence[str]) -> list[Look]:
    """The few that matter, their shares rounded; none where the model cannot say."""
    if not isinstance(model, Legible):
        return []
    looks = model.looks(names)[:MOST_LOOKS]
    return [Look(what, round(share, 3)) for what, share in looks if share >= LEAST_SHARE]


def in_words(looks: Sequence[Look]) -> str:
    """One line: 'more forward velocity of the torso (91 %), more height of the torso (8 %)'."""
    return ", ".join(f"{look.what} ({100 * look.share:.0f} %)" for look in looks)

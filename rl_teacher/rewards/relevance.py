"""What a learned reward depends on, in words for people."""

from collections.abc import Sequence

from rl_teacher.protocols import HasRelevances, Relevance

MOST_NAMED = 5
LEAST_SHARE = 0.01
"""Less is not worth a word."""


def main_relevances(model: object, names: Sequence[str]) -> list[Relevance]:
    """The few that matter, their shares rounded; none where the model cannot say."""
    if not isinstance(model, HasRelevances):
        return []
    largest = model.relevances(names)[:MOST_NAMED]
    return [Relevance(what, round(share, 3)) for what, share in largest if share >= LEAST_SHARE]


def in_words(relevances: Sequence[Relevance]) -> str:
    """One line: 'more forward velocity of the torso (91 %), more height of the torso (8 %)'."""
    return ", ".join(f"{what} ({100 * share:.0f} %)" for what, share in relevances)

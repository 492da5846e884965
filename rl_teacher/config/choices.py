"""A word in a setting that must be one of a few."""

import difflib
from collections.abc import Sequence

from rl_teacher.errors import UnknownChoice


def choose(flag: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a value that is not among the choices, naming close ones.

    Raises:
        UnknownChoice: it is not.
    """
    if value not in choices:
        close = difflib.get_close_matches(value, choices, n=2)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise UnknownChoice(f"{flag}: got {value!r}.{hint} Choose one of {', '.join(choices)}.")

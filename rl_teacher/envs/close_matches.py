"""Did you mean ...? for names."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' Did you mean 'a', 'b' or 'c'?', the nearest of `known`, whatever the case and also without their versions."""
    by_spelling: dict[str, str] = {}
    for one in known:
        by_spelling.setdefault(one.lower(), one)
        by_spelling.setdefault(one.lower().rpartition("-v")[0], one)
    near = get_close_matches(name.lower(), by_spelling, n=6, cutoff=0.6)
    matches = [f"'{one}'" for one in dict.fromkeys(by_spelling[spelling] for spelling in near)][:3]
    return f" Did you mean {', '.join(matches[:-1])}{' or ' * (len(matches) > 1)}{matches[-1]}?" if matches else ""

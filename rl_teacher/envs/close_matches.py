"""Did you mean ...? for names."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' Did you mean 'a', 'b' or 'c'?', the nearest of `known` whatever the case; empty if none is near."""
    by_lower = {one.lower(): one for one in known}
    matches = [f"'{by_lower[one]}'" for one in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)]
    return f" Did you mean {', '.join(matches[:-1])}{' or ' * (len(matches) > 1)}{matches[-1]}?" if matches else ""

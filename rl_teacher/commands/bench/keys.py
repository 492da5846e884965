"""Values of a TOML file and of flags, as the kinds that a benchmark needs; errors name file and key."""

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any

from rl_teacher.errors import ConfigError, UnknownChoice


def refuse_unknown(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse keys that do not exist, naming a close one."""
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise UnknownChoice(f"{where}: got {key!r}.{hint} Choose among {', '.join(known)}.")


def names(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """One text or a list of texts, none twice."""
    value = table[key]
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) and one for one in listed):
        raise ConfigError(f"{where}: {key}: got {value!r}, expected a name or a list of names.")
    return tuple(dict.fromkeys(listed))


def numbers(value: Any, where: str, least: int) -> tuple[int, ...]:
    """One whole number or a list of them, none twice."""
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise ConfigError(f"{where}: got {value!r}, expected at least one whole number.")
    return tuple(dict.fromkeys(whole(one, where, least) for one in listed))


def whole(value: Any, where: str, least: int) -> int:
    """A whole number; 1e6 is one."""
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_whole or value != int(value) or value < least:
        raise ConfigError(f"{where}: got {value!r}, expected a whole number of at least {least}.")
    return int(value)


def number(value: Any, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{where}: got {value!r}, expected a number.")
    return float(value)


def section(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """A table in the table; empty if it is not there."""
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: {key}: got {value!r}, expected a table: [{key}].")
    return value

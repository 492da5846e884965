"""Settings that another version wrote: in the names of today, and complete, so that a run goes on as it began.

A run folder's config.json and an experiment on a server hold every setting of the version that wrote them, and which
version that was. Four things can have changed since, and each has one place:

* a name or a value is spelled in another way: `config.run.of_today` translates;
* a setting is new, and the run has none: it takes the default of the version that wrote the rest;
* a default is another one: CHANGED_DEFAULTS knows what it was, and a run that began with it keeps it;
* a setting that is not given follows from others by another rule: CHANGED_RULES names it, and a run keeps what it had.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from rl_teacher.config.run import FREE_ON_RESUME, RunConfig, differences, of_today, to_json
from rl_teacher.errors import RunChanged

WRITTEN_BY = "rl_teacher_version"
"""The key of the version beside the settings."""
FIRST = "0.1.0"
"""Wrote no version."""


class ChangedDefault(NamedTuple):
    """A default that a version replaced."""

    since: str
    """The first version with the new one."""
    name: str
    """The setting, with its section: ppo.num_epochs."""
    before: Any
    """The old default; of a setting that is new since, the value that does what was done without it."""


CHANGED_DEFAULTS: tuple[ChangedDefault, ...] = (
    ChangedDefault("0.2.0", "reward.sees_turns", False),
    ChangedDefault("0.2.0", "reward.sees_meetings", False),
    ChangedDefault("0.2.0", "pretrain_rollouts", "random_actions"),
)
"""Whoever changes a default, or adds a setting whose default is not what was done before, adds a row, oldest first."""


CHANGED_RULES = ("ppo.learning_rate", "ppo.final_learning_rate")
"""Settings that follow from others where they are not given, and did so by another rule before."""


@dataclasses.dataclass(frozen=True, slots=True)
class Begun:
    """The settings that a run began with."""

    version: str
    """Of the program that wrote them."""
    values: Mapping[str, Any]
    """All settings of today, in the names of today, sections within."""
    missing: tuple[str, ...]
    """Settings that were not written, and have their default of then; those free on resume left out."""
    unknown: tuple[str, ...]
    """Settings that were written, and that this version does not have."""


def program_version() -> str:
    """Of this program; `unknown` where it runs without being installed."""
    try:
        return version("rl-teacher")
    except PackageNotFoundError:
        return "unknown"


def stamped(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they are written down: with the version of the program."""
    return {WRITTEN_BY: program_version(), **values}


def read_begun(written: Mapping[str, Any], changed: Sequence[ChangedDefault] = CHANGED_DEFAULTS) -> Begun:
    """What was written by `stamped`, by any version.

    >>> begun = read_begun({"env_id": "Hopper-v1", "teacher": "seed", "reward": {"refit_growth": 0.2}, "color": "red"})
    >>> begun.values["teacher"], begun.values["reward"]["refit_growth"], begun.version, begun.unknown
    ('openai2017', 0.2, '0.1.0', ('color',))
    """
    writer = str(written.get(WRITTEN_BY, FIRST))
    known = flat(of_today({name: value for name, value in written.items() if name != WRITTEN_BY}))
    defaults = defaults_of(writer, changed)
    missing = [name for name in defaults if name not in known and name.partition(".")[0] not in FREE_ON_RESUME]
    values = {name: known.get(name, default) for name, default in defaults.items()}
    return Begun(writer, nested(values), tuple(missing), tuple(name for name in known if name not in defaults))


def defaults_of(writer: str, changed: Sequence[ChangedDefault] = CHANGED_DEFAULTS) -> dict[str, Any]:
    """The default of each setting of today as a version had it."""
    defaults = flat(to_json(RunConfig()))
    for row in reversed(changed):
        if _number(writer) < _number(row.since):
            defaults[row.name] = row.before
    return defaults


def as_begun(
    config: RunConfig, begun: Begun, changed: Sequence[ChangedDefault] = CHANGED_DEFAULTS,
    given: RunConfig | None = None,
) -> tuple[RunConfig, list[str]]:  # fmt: skip
    """The settings that a resumed run goes on with, and what to tell the user.

    Where a default has changed since the run began, and the command does not say otherwise, it is the one of then.

    Args:
        config: complete: what was not given follows from the rest, by the rules of today.
        begun: how the run began.
        changed: see there.
        given: the settings before they were completed. Of CHANGED_RULES, what is unset there stays as it began.
    """
    now, then = flat(to_json(config)), flat(begun.values)
    today, before = defaults_of(program_version(), ()), defaults_of(begun.version, changed)
    kept = {
        name: then[name]
        for name in before
        if before[name] != today[name] and now[name] == today[name] and then[name] == before[name]
    }
    unset = flat(to_json(given or config))
    by_rule = [name for name in CHANGED_RULES if unset[name] is None and None not in (now[name], then[name])]
    kept |= {name: then[name] for name in by_rule if then[name] != now[name]}
    today |= {name: now[name] for name in by_rule}
    notes = []
    if begun.missing:
        shown = ", ".join(name if then[name] in (None, "") else f"{name} = {then[name]}" for name in begun.missing)
        notes.append(
            f"The run was begun by rl-teacher {begun.version}, which did not write down some settings. They are as "
            f"they were by default: {shown}."
        )
    if kept:
        shown = ", ".join(f"{name} {value} (today {today[name]})" for name, value in kept.items())
        notes.append(f"The run was begun by rl-teacher {begun.version}, whose defaults it keeps: {shown}.")
    return _replaced(config, kept), notes


def refuse_other(config: RunConfig, begun: Begun, where: str) -> None:
    """Raise RunChanged unless a run that began with `begun` can go on with `config`; where: what says how it began.

    A setting that was not written and whose default follows from others is not compared.
    """
    if begun.unknown:
        install = f": pip install 'rl-teacher=={begun.version}'" if begun.version[:1].isdigit() else ""
        raise RunChanged(
            f"{where}: holds settings that this version does not have: {', '.join(begun.unknown)}. Go on with "
            f"the version that began it{install}."
        )
    now = flat(to_json(config))
    then = flat(begun.values) | {name: now[name] for name in begun.missing if flat(begun.values)[name] in (None, "")}
    changed = differences(nested(then), nested(now))
    if changed:
        raise RunChanged(f"{where}: --resume with other settings: {'; '.join(changed)}. Use those of the first start.")


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their whole name, tuples as the lists that JSON makes of them.

    >>> flat({"seed": 1, "ppo": {"hidden": (8, 8)}})
    {'seed': 1, 'ppo.hidden': [8, 8]}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = list(value) if isinstance(value, tuple) else value
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The other way: sections within."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        section, _, inner = name.rpartition(".")
        (found.setdefault(section, {}) if section else found)[inner] = value
    return found


def _replaced(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    for name, value in changes.items():
        value = tuple(value) if isinstance(value, list) else value
        section, _, inner = name.rpartition(".")
        if section:
            value = dataclasses.replace(getattr(config, section), **{inner: value})
        config = dataclasses.replace(config, **{section or inner: value})
    return config


def _number(text: str) -> tuple[float, ...]:
    """A version as numbers that can be compared; of an unknown one, more than any."""
    return tuple(float(part) for part in re.findall(r"\d+", text)[:3]) or (float("inf"),)

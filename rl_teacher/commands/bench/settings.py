"""One column of a benchmark: named flags of `rl-teacher teach`, and what they leave alone."""

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from rl_teacher.config.flags import ALIASES
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import ConfigError

Value = str | int | float | bool

TAKEN = {
    "env_id": "tasks", "n_labels": "labels", "seed": "seeds", "num_timesteps": "steps", "agent": "agents",
    "teacher": "teachers", "predictor": "labels (0 is the true reward)", "workers": "parallel",
}  # fmt: skip
"""Settings of a run that the benchmark gives itself -> how it calls them."""
OF_A_FOLDER = ("name", "resume", "runs_dir", "tb_dir", "no_videos", "rollout_workers", "on")
ONLY_WITH_LABELS = (
    "reward.", "selection.", "synthetic.", "pretrain_labels", "pretrain_iters", "pretrain_rollouts", "clip_length",
    "schedule",
)  # fmt: skip
"""Settings without effect on an agent that learns from the true reward."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A name, and what is different under it."""

    name: str
    values: tuple[tuple[str, Value], ...] = ()
    """Settings of RunConfig by dotted name, in the order of the file."""
    agents: tuple[str, ...] | None = None
    """Its own, in place of the benchmark's."""
    labels: tuple[int, ...] | None = None
    """Its own, in place of the benchmark's."""

    @property
    def flags(self) -> tuple[str, ...]:
        """As `rl-teacher teach` takes them."""
        return tuple(word for name, value in self.values for word in _words(name, value))

    @property
    def flags_of_agent(self) -> tuple[str, ...]:
        """Those that change what is learned from the true reward."""
        kept = [(name, value) for name, value in self.values if not name.startswith(ONLY_WITH_LABELS)]
        return tuple(word for name, value in kept for word in _words(name, value))


BASELINES = {
    "base": Settings("base"),
    "constant": Settings("constant", (("reward.model", "constant"),)),
    "untrained": Settings("untrained", (("reward.model", "untrained"),)),
    "openai2017": Settings("openai2017", (("preset", "openai2017"),)),
    "paper": Settings("paper", (("preset", "paper"),), agents=("trpo",)),
}
"""Settings that need no file."""
OLD_BASELINES = {"seed": Settings("seed", (("preset", "openai2017"),))}
"""The same under the names that they had before, which results may have."""
OTHER_NAMES = {flag.removeprefix("--"): name for name, flags in ALIASES.items() for flag in flags}
"""Settings as some know them -> their names."""


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Tables in a table as dotted names: `reward.num_crops = 0` and `"reward.num_crops" = 0` are the same."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def checked_values(table: Mapping[str, Any], where: str) -> tuple[tuple[str, Value], ...]:
    """The settings of a table.

    Args:
        table: dotted names and values as TOML has them; a list is a tuple of numbers.
        where: for messages: file and name.

    Raises:
        ConfigError: a name is no setting, or not one that a benchmark may set, or a value is none.
    """
    known, values = _defaults(RunConfig), []
    for raw, value in table.items():
        name = raw.replace("-", "_")
        name = OTHER_NAMES.get(name, name)
        if name in TAKEN:
            raise ConfigError(
                f"{where}: got {raw!r}, which the benchmark sets itself. Use its key {TAKEN[name]} instead."
            )
        if name in OF_A_FOLDER or name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close and name not in OF_A_FOLDER else ""
            raise ConfigError(
                f"{where}: got {raw!r}, expected a setting that changes what is learned.{hint} See docs/config.md."
            )
        if isinstance(value, list) and value and all(type(part) is int for part in value):
            value = ",".join(map(str, value))
        if not isinstance(value, str | int | float) or isinstance(known[name], bool) != isinstance(value, bool):
            expected = "true or false" if isinstance(known[name], bool) else "a text, a number or a list of numbers"
            raise ConfigError(f"{where}: {raw}: got {value!r}, expected {expected}.")
        values.append((name, value))
    return tuple(values)


def _words(name: str, value: Value) -> list[str]:
    """The flag of one setting: two words, but one where the value could be taken for a flag."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    text = str(value)
    return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]


def _defaults(config_class: type, prefix: str = "") -> dict[str, Any]:
    """Dotted name -> default, of every setting."""
    found: dict[str, Any] = {}
    hints = get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        inner = hints[field.name]
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            found |= _defaults(inner, f"{prefix}{field.name}.")
        else:
            found[prefix + field.name] = field.default
    return found

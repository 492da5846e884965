"""What a benchmark trains: tasks x label budgets x seeds x settings, from a TOML file and flags."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rl_teacher.commands.bench.cells import ORACLE, Cell
from rl_teacher.commands.bench.keys import names, number, numbers, refuse_unknown, section, whole
from rl_teacher.commands.bench.settings import BASELINES, OLD_BASELINES, Settings, checked_values, flat
from rl_teacher.commands.bench.tasks import PAPER_TASKS, RANDOM_RETURNS
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Plan:
    """One benchmark; the defaults are the paper's figure."""

    tasks: tuple[str, ...] = PAPER_TASKS
    labels: tuple[int, ...] = (0, 350, 100, 50)
    """0: the true reward."""
    seeds: tuple[int, ...] = (1, 2, 3)
    steps: int = 1_000_000
    agents: tuple[str, ...] = ("ppo",)
    teachers: tuple[str, ...] = (ORACLE,)
    parallel: int = 1
    """Trainings side by side."""
    reference: str = ""
    """Settings whose line of the true reward serves all with the same agent; the first if empty."""
    results: Path = Path("bench.jsonl")
    settings: Mapping[str, Settings] = field(default_factory=lambda: {"base": BASELINES["base"]})
    """Those that are compared, in order."""
    others: Mapping[str, Settings] = field(default_factory=dict)
    """Those left out, whose true reward line serves all the same."""
    random: Mapping[str, float] = field(default_factory=lambda: RANDOM_RETURNS)
    """Task -> mean true return of random actions."""

    @property
    def known(self) -> dict[str, Settings]:
        """All settings that a cell may have."""
        return {**self.others, **self.settings}

    @property
    def flags_of(self) -> dict[str, tuple[str, ...]]:
        """Flags of all settings that its cells have."""
        names = dict.fromkeys((*self.settings, *(cell.settings for cell in self.cells())))
        return {name: self.known[name].flags for name in names}

    @property
    def budgets(self) -> tuple[int, ...]:
        """Label budgets without the true reward, in order, those that only some settings have included."""
        own = [labels for settings in self.settings.values() for labels in settings.labels or ()]
        return tuple(dict.fromkeys(labels for labels in (*self.labels, *own) if labels))

    def agents_of(self, name: str) -> tuple[str, ...]:
        """The agents that settings are run with."""
        return self.known[name].agents or self.agents

    def rl_settings(self, name: str, agent: str) -> str:
        """The settings whose true reward line belongs to these: the first whose agent learns the same way."""
        wanted = self.known[name].flags_of_agent
        for other in (*([self.reference] if self.reference else []), *self.known):
            if self.known[other].flags_of_agent == wanted and agent in self.agents_of(other):
                return other
        raise AssertionError(f"{name} is among its own settings")

    def cells(self) -> list[Cell]:
        """All trainings: a whole round of tasks before the next seed, each cell once."""
        found: dict[Cell, None] = {}
        for seed in self.seeds:
            for labels in dict.fromkeys((*self.labels, *self.budgets)):
                for name, settings in self.settings.items():
                    if labels and labels not in (settings.labels or self.labels):
                        continue
                    for agent in self.agents_of(name):
                        of = name if labels else self.rl_settings(name, agent)
                        for teacher in self.teachers if labels else (ORACLE,):
                            for task in self.tasks:
                                found[Cell(of, task, agent, labels, seed, self.steps, teacher)] = None
        return list(found)


KEYS = ("tasks", "labels", "seeds", "steps", "agents", "teachers", "parallel", "reference", "results", "settings",
        "random")  # fmt: skip


def read_plan(path: Path) -> Plan:
    """The benchmark of a TOML file.

    Raises:
        ConfigError: it cannot be read, or holds a key, task or setting that does not exist.
    """
    where = f"benchmark {str(path)!r}"
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"))
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"benchmark {str(path)!r}: got no valid TOML, expected a table of settings: {error}."
        ) from None
    where = f"benchmark {str(path)!r}"
    refuse_unknown(table, KEYS, where)
    found: dict[str, Any] = {"results": path.with_suffix(".jsonl")}
    for key in ("tasks", "agents", "teachers"):
        if key in table:
            found[key] = names(table, key, where)
    for key in ("labels", "seeds"):
        if key in table:
            found[key] = numbers(table[key], f"{where}: {key}", 0)
    for key in ("steps", "parallel"):
        if key in table:
            found[key] = whole(table[key], f"{where}: {key}", 1)
    if "results" in table:
        found["results"] = path.parent / names(table, "results", where)[0]
    if "reference" in table:
        found["reference"] = names(table, "reference", where)[0]
    for task, value in section(table, "random", where).items():
        found["random"] = found.get("random", RANDOM_RETURNS) | {task: number(value, f"{where}: random: {task}")}
    own = {name: _settings(name, values, where) for name, values in section(table, "settings", where).items()}
    return Plan(**found | ({"settings": own} if own else {}))


def choose_settings(plan: Plan, chosen: tuple[str, ...]) -> Plan:
    """Only these settings: of the plan, or baselines that need no file."""
    known = {**BASELINES, **plan.settings}
    refuse_unknown(dict.fromkeys(name for name in chosen if name not in OLD_BASELINES), tuple(known), "--settings")
    known = {**OLD_BASELINES, **known}
    return replace(plan, settings={name: known[name] for name in chosen}, others=plan.settings)


def check_names(plan: Plan) -> Plan:
    """The plan with canonical names of tasks.

    Raises:
        ConfigError: a task does not exist or nobody knows its random return, or the reference is not run.
    """
    random: dict[str, float] = {}
    for task in plan.tasks:
        canonical = find_env(task).canonical_id
        known = plan.random.get(canonical, plan.random.get(task))
        if known is None:
            raise ConfigError(
                f"task {task!r}: got no mean return of random actions, expected one, since it is the 0 of a score. "
                f'Give it in the file: [random], then "{task}" = ...'
            )
        random[canonical] = known
    if plan.reference and plan.reference not in plan.known:
        raise ConfigError(f"reference: got {plan.reference!r}, expected one of the settings: {', '.join(plan.known)}.")
    return replace(plan, tasks=tuple(random), random=random)


def _settings(name: str, table: Any, where: str) -> Settings:
    here = f"{where}: settings {name!r}"
    if not isinstance(table, Mapping):
        raise ConfigError(f"{here}: got {table!r}, expected a table: [settings.{name}].")
    rest = dict(table)
    agents = names(rest, "agents", here) if "agents" in rest else None
    labels = numbers(rest["labels"], f"{here}: labels", 1) if "labels" in rest else None
    values = flat({key: value for key, value in rest.items() if key not in ("agents", "labels")})
    return Settings(name, checked_values(values, here), agents, labels)

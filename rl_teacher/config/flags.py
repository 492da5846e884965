"""Flags from the fields of a configuration: every long flag with _ or -, numbers as people write them."""

import argparse
import ast
import dataclasses
import inspect
import re
import types
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from rl_teacher.config.presets import preset
from rl_teacher.config.run import RunConfig, of_today
from rl_teacher.config.upgrades import read_begun
from rl_teacher.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
D = TypeVar("D", bound="DataclassInstance")

NEGATIVE_EXPONENTIAL = re.compile(r"-\d+(\.\d*)?[eE][-+]?\d{1,2}")
"""What argparse takes for a flag, though it is a number."""

SHORT = {
    "env_id": "-e", "predictor": "-p", "name": "-n", "seed": "-s", "workers": "-w", "n_labels": "-l",
    "pretrain_labels": "-L", "num_timesteps": "-t", "agent": "-a", "pretrain_iters": "-i", "no_videos": "-V",
    "clip_length": "-c",
}  # fmt: skip
"""The short flags of the program of 2017."""
ALIASES = {
    "predictor": ("--reward_model",), "clip_length": ("--segment_seconds",), "schedule.kind": ("--schedule",),
}  # fmt: skip
"""Other spellings."""
REQUIRED = ("env_id", "predictor", "name")


class Parser(argparse.ArgumentParser):
    """Raises ConfigError where argparse would print usage and exit."""

    def error(self, message: str) -> NoReturn:
        """One line instead of the usage."""
        raise ConfigError(f"{self.prog}: {message}. `{self.prog} --help` lists the flags.")


def parse(argv: Sequence[str], prog: str = "rl-teacher teach") -> RunConfig:
    """The configuration that the flags describe: the preset's, overlaid with every flag that is given.

    A flag that is given wins over the preset also when its value is the default.

    Args:
        argv: the words after the name of the program.
        prog: the name of the program, for messages.

    Raises:
        ConfigError: an unknown flag, a missing one, or a value that does not fit.
    """
    description = "Teach an agent from preferences."
    parser = Parser(prog=prog, description=description, allow_abbrev=False, formatter_class=_Help)
    _add_flags(parser, RunConfig, "")
    config, given = read_run(parser, argv)
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        names = ", ".join(_spelled(name) for name in missing)
        raise ConfigError(f"{prog}: {names} missing. `{prog} --help` lists the flags.")
    return config


def run_parser(prog: str, description: str, used: Collection[str]) -> Parser:
    """A parser with the flags of some settings of a run, for a command that has no use for the others.

    Args:
        prog: name of the program, for messages.
        description: of the command.
        used: names of these settings; of a section all of it.
    """
    parser = Parser(prog=prog, description=description, allow_abbrev=False, formatter_class=_Help)
    _add_flags(parser, RunConfig, "", used)
    return parser


def read_run(parser: Parser, argv: Sequence[str]) -> tuple[RunConfig, dict[str, Any]]:
    """The configuration that the words describe, and what was given by the names of its settings and other flags."""
    given = of_today(vars(parser.parse_args([_as_argparse_reads(word) for word in argv])))
    return _overlaid(preset(given.get("preset", "default")), given, ""), given


def run_from_json(values: Mapping[str, Any]) -> RunConfig:
    """The configuration in a run folder's config.json, whichever version wrote it."""
    return from_json(RunConfig, read_begun(values).values)


def from_json(config_class: type[T], values: Mapping[str, Any], prefix: str = "") -> T:
    """The configuration that was written as JSON: lists become tuples again, sections their classes.

    Raises:
        ConfigError: a value is not of its setting's kind.
    """
    hints, fields = get_type_hints(config_class), {}
    for field in dataclasses.fields(config_class):  # type: ignore[arg-type]  # a dataclass, by contract
        if field.name in values:
            value: Any = values[field.name]
            hint: Any = hints[field.name]
            if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
                value = from_json(hints[field.name], value, f"{prefix}{field.name}.")
            elif not _is_a(value, hint):
                expected = getattr(hint, "__name__", None) if isinstance(hint, type) else None
                raise ConfigError(f"{prefix}{field.name}: got {value!r}, expected {expected or hint} in JSON.")
            fields[field.name] = tuple(value) if isinstance(value, list) else value
    return config_class(**fields)


def _is_a(value: object, hint: Any) -> bool:
    """Whether a value of JSON is what a setting of this type can hold."""
    if get_origin(hint) is types.UnionType:
        return any(_is_a(value, part) for part in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, list | tuple) and all(_is_a(part, get_args(hint)[0]) for part in value)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)


def field_docs(config_class: type) -> dict[str, str]:
    """The docstring under each field of a configuration class."""
    body = ast.parse(inspect.getsource(config_class)).body[0]
    assert isinstance(body, ast.ClassDef), "a class is a class"
    docs = {}
    for node, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(after, ast.Expr):
            docs[node.target.id] = inspect.cleandoc(ast.literal_eval(after.value))
    return docs


def whole_number(text: str) -> int:
    """An integer as people write it: 5e6, 5_000_000, 5000000."""
    try:
        number = float(text.replace(",", "_"))
        if number != int(number):
            raise ValueError(text)
        return int(text.replace(",", "_")) if text.lstrip("+-").replace("_", "").isdigit() else int(number)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number such as 5000000 or 5e6") from None


def _add_flags(
    parser: argparse._ActionsContainer, config_class: type, prefix: str, used: Collection[str] | None = None
) -> None:
    hints, docs = get_type_hints(config_class), field_docs(config_class)
    for field in dataclasses.fields(config_class):
        if used is not None and field.name not in used:
            continue
        hint, doc = hints[field.name], docs.get(field.name, "")
        if dataclasses.is_dataclass(hint):
            assert isinstance(hint, type), "sections are classes"
            _add_flags(parser.add_argument_group(field.name, doc), hint, f"{field.name}.")
            continue
        names = [f"--{prefix}{field.name}", *ALIASES.get(prefix + field.name, ())]
        if not prefix and field.name in SHORT:
            names.insert(0, SHORT[field.name])
        default = None if field.default is dataclasses.MISSING else field.default
        shown = "" if default in (None, "", False) or field.name in REQUIRED else f" (default {_show(default)})"
        options: dict[str, Any] = {"dest": prefix + field.name, "default": argparse.SUPPRESS, "help": doc + shown}
        if hint is bool:
            action = argparse.BooleanOptionalAction if default or prefix else "store_true"
            parser.add_argument(*names, action=action, **options)
        else:
            parser.add_argument(*names, type=_reader(hint), metavar=field.name.upper(), **options)


def _reader(hint: Any) -> Any:
    """What turns a word into a value of this type."""
    if get_origin(hint) in (types.UnionType,):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is tuple:
        return lambda text: tuple(whole_number(part) for part in text.split(","))
    if hint is bool:
        return lambda text: text.lower() in {"1", "true", "yes"}
    return {int: whole_number, float: _decimal, str: str}[hint]


def _decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number") from None


def _overlaid(config: D, given: Mapping[str, Any], prefix: str) -> D:
    """The configuration with all that was given in place of what it had."""
    changes = {}
    for field in dataclasses.fields(config):
        name, value = prefix + field.name, getattr(config, field.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            changes[field.name] = _overlaid(value, given, f"{field.name}.")
        elif name in given and name != "preset":
            changes[field.name] = given[name]
    return dataclasses.replace(config, **changes)


def _as_argparse_reads(word: str) -> str:
    """--pretrain-labels=5 as --pretrain_labels=5, -1e6 as -1000000; values and negated flags keep their hyphens."""
    if NEGATIVE_EXPONENTIAL.fullmatch(word):
        return f"{Decimal(word):f}"
    if not word.startswith("--") or word == "--":
        return word
    flag, equals, value = word.partition("=")
    inner = flag[2:].replace("-", "_")
    return "--" + (f"no-{inner[3:]}" if inner.startswith("no_") and inner != "no_videos" else inner) + equals + value


def _spelled(name: str) -> str:
    return f"{SHORT[name]}/--{name}" if name in SHORT else f"--{name}"


def _show(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


class _Help(argparse.HelpFormatter):
    """Wide enough for one flag and its sentence."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=110)

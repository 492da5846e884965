"""Flags from the fields of a configuration: every long flag with _ or -, numbers as people write them."""

import argparse
import ast
import dataclasses
import inspect
import re
import types
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from rl_teacher.errors import ConfigError

T = TypeVar("T")

NEGATIVE_EXPONENTIAL = re.compile(r"-\d+(\.\d*)?[eE][-+]?\d{1,2}")
"""What argparse takes for a flag, though it is a number."""

SHORT = {
    "env_id": "-e", "predictor": "-p", "name": "-n", "seed": "-s", "workers": "-w", "n_labels": "-l",
    "pretrain_labels": "-L", "num_timesteps": "-t", "agent": "-a", "pretrain_iters": "-i", "no_videos": "-V",
    "clip_length": "-c",
}  # fmt: skip
"""The seed's short flags."""
ALIASES = {"predictor": ("--reward_model",), "clip_length": ("--segment_seconds",)}
REQUIRED = ("env_id", "predictor", "name")


class Parser(argparse.ArgumentParser):
    """Raises ConfigError where argparse would print usage and exit."""

    def error(self, message: str) -> NoReturn:
        """One line instead of the usage."""
        raise ConfigError(f"{self.prog}: {message}. `{self.prog} --help` lists the flags.")


def parse(config_class: type[T], argv: Sequence[str], prog: str, description: str) -> T:
    """The configuration that the flags describe.

    Raises:
        ConfigError: an unknown flag, a missing one, or a value that does not fit.
    """
    parser = Parser(prog=prog, description=description, allow_abbrev=False, formatter_class=_Help)
    _add_flags(parser, config_class, "")
    given = vars(parser.parse_args([_as_argparse_reads(word) for word in argv]))
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        names = ", ".join(_spelled(name) for name in missing)
        raise ConfigError(f"{prog}: {names} missing. `{prog} --help` lists the flags.")
    return _build(config_class, given, "")


def from_json(config_class: type[T], values: Mapping[str, Any]) -> T:
    """The configuration that was written as JSON: lists become tuples again, sections their classes."""
    hints, fields = get_type_hints(config_class), {}
    for field in dataclasses.fields(config_class):  # type: ignore[arg-type]  # a dataclass, by contract
        if field.name in values:
            value = values[field.name]
            if dataclasses.is_dataclass(hints[field.name]):
                value = from_json(hints[field.name], value)
            fields[field.name] = tuple(value) if isinstance(value, list) else value
    return config_class(**fields)


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


def _add_flags(parser: argparse._ActionsContainer, config_class: type, prefix: str) -> None:
    hints, docs = get_type_hints(config_class), field_docs(config_class)
    for field in dataclasses.fields(config_class):
        hint, doc = hints[field.name], docs.get(field.name, "")
        if dataclasses.is_dataclass(hint):
            assert isinstance(hint, type), "sections are classes"
            _add_flags(parser.add_argument_group(field.name, doc), hint, f"{field.name}.")
            continue
        names = [f"--{prefix}{field.name}", *(() if prefix else ALIASES.get(field.name, ()))]
        if not prefix and field.name in SHORT:
            names.insert(0, SHORT[field.name])
        default = None if field.default is dataclasses.MISSING else field.default
        shown = "" if default in (None, "", False) or field.name in REQUIRED else f" (default {_show(default)})"
        options: dict[str, Any] = {"dest": prefix + field.name, "default": argparse.SUPPRESS, "help": doc + shown}
        if hint is bool:
            action = argparse.BooleanOptionalAction if default else "store_true"
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


def _build(config_class: type[T], given: Mapping[str, Any], prefix: str) -> T:
    hints, values = get_type_hints(config_class), {}
    for field in dataclasses.fields(config_class):  # type: ignore[arg-type]  # a dataclass, by contract
        name = prefix + field.name
        if dataclasses.is_dataclass(hints[field.name]):
            values[field.name] = _build(hints[field.name], given, f"{field.name}.")
        elif name in given:
            values[field.name] = given[name]
    return config_class(**values)


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

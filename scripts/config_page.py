"""docs/config.md from the fields of rl_teacher/config: `python -m scripts.config_page > docs/config.md`."""

import dataclasses
import types
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

from rl_teacher.config.flags import ALIASES, REQUIRED, SHORT, field_docs
from rl_teacher.config.run import RunConfig

HEAD = """# Settings

Generated from `rl_teacher/config/` by `make docs`; a test keeps it current. The same text is in
`rl-teacher teach --help`.

* Every long flag may be written with `_` or with `-`: `--n_labels` is `--n-labels`. Prefixes are refused.
* Whole numbers may be written `5000000`, `5_000_000` or `5e6`; several sizes with commas: `--ppo.hidden 64,64`.
* A switch of a section is turned off with `--no-` before its name: `--no-reward.bootstrap`.
* Flags can be given in any order; of a flag given twice, the later one counts.
* A flag that is given wins over `--preset`, also with its default value: `--preset paper --schedule auto`.
* A run's `config.json` holds all of them, the preset's too, with label counts filled in.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(RunConfig, "", "The run", "Which environment, whose reward, how long."))


def table(config_class: type, prefix: str) -> list[str]:
    """The rows of one section, its header included; sections inside it are left out."""
    rows = ["| flag | default | meaning |", "|---|---|---|"]
    docs, hints = field_docs(config_class), get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        if not dataclasses.is_dataclass(hints[field.name]):
            meaning = " ".join(docs[field.name].split())
            rows.append(f"| {_flags(field.name, prefix)} | {_default(field, hints[field.name])} | {meaning} |")
    return rows


def _section(config_class: type, prefix: str, title: str, text: str) -> Iterator[str]:
    yield f"\n## {title}\n\n{text}\n\n" + "\n".join(table(config_class, prefix)) + "\n"
    docs, hints = field_docs(config_class), get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        inner = hints[field.name]
        if dataclasses.is_dataclass(inner):
            assert isinstance(inner, type), "sections are classes"
            yield from _section(inner, f"{field.name}.", f"`--{field.name}.*`", docs[field.name])


def _flags(name: str, prefix: str) -> str:
    short = [SHORT[name]] if name in SHORT and not prefix else []
    return ", ".join(f"`{flag}`" for flag in (*short, f"--{prefix}{name}", *ALIASES.get(prefix + name, ())))


def _default(field: "dataclasses.Field[Any]", hint: Any) -> str:
    if field.name in REQUIRED:
        return "required"
    value = field.default
    if value is None:
        return f"unset ({_kind(hint)})"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _kind(hint: Any) -> str:
    """What an unset value would be: int, float or str."""
    parts = get_args(hint) if get_origin(hint) is types.UnionType else (hint,)
    return " or ".join(part.__name__ for part in parts if part is not type(None))


if __name__ == "__main__":
    print(page(), end="")

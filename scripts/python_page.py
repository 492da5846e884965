"""docs/python.md from the docstrings of all public names: `python -m scripts.python_page > docs/python.md`.

Sources are read, not imported: the libraries that the integrations are for need not be there.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import rl_teacher
from scripts.docstring_markdown import as_markdown, in_one_line

PACKAGE = Path(rl_teacher.__file__).parent
HEAD = """# Python names

Everything that `from rl_teacher import ...` gives, and the classes of `rl_teacher.integrations`. What is not here may
change without notice. Generated from the docstrings by `make docs`; tests keep it current and run lines after `>>>`.
"""
GROUPS = {
    "Train": ("commands.train", "config.presets", "preferences.learner"),
    "Settings": ("config.run", "config.agents", "config.reward", "config.schedule"),
    "Environments": ("envs.catalog", "envs.spec", "core.actions"),
    "Comparisons and answers": ("records", "core.segment", "teachers.scripted", "teachers.act"),
    "A learned reward": ("rewards.portable",),
    "Arrays": ("core.arrays", "core.running_stats"),
    "What your own parts must have": ("protocols",),
    "Errors": ("errors",),
}
"""Heading -> modules of `rl_teacher`, in the order of the page."""
INTEGRATIONS = {
    "Stable-Baselines3": ("sb3", "sb3_buffers"),
    "Gymnasium": ("gymnasium",),
    "TorchRL": ("torchrl",),
    "RLlib": ("rllib",),
}
SETTINGS = {
    "RunConfig": "the-run", "PPOConfig": "--ppo", "TRPOConfig": "--trpo", "SACConfig": "--sac",
    "RewardModelConfig": "--reward", "SelectionConfig": "--selection", "ScheduleConfig": "--schedule",
    "TeacherConfig": "--synthetic", "HumanConfig": "--human",
}  # fmt: skip
"""Class of settings -> its section of docs/config.md, where its fields are."""
WIDTH = 110


class Field(NamedTuple):
    """An attribute of a class that is declared in its body."""

    name: str
    kind: str
    default: str
    text: str


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, modules in GROUPS.items():
        parts.append(f"## {title}\n")
        for module in modules:
            nodes = _named(module.replace(".", "/"))
            parts += [_entry(name, *nodes[name]) for name in rl_teacher._PUBLIC[module]]
    for title, modules in INTEGRATIONS.items():
        parts.append(f"## {title}\n")
        for module in modules:
            nodes = _named(f"integrations/{module}")
            where = f"From `rl_teacher.integrations.{module}`; [plug.md](plug.md) says how to use it."
            parts += [_entry(name, *nodes[name], where) for name in nodes if name.startswith("Preference")]
    return "\n".join(parts)


def _named(module: str) -> dict[str, tuple[ast.stmt, str]]:
    """Name -> its statement in a module, and the text that stands under it where it has no docstring of its own."""
    return dict(_statements(ast.parse((PACKAGE / f"{module}.py").read_text()).body))


def _statements(body: list[ast.stmt]) -> Iterator[tuple[str, tuple[ast.stmt, str]]]:
    for node, after in zip(body, [*body[1:], None], strict=True):
        text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        text = text if isinstance(text, str) else ""
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name, (node, ast.get_docstring(node) or "")
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, (node, text)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, (node, text)


def _entry(name: str, node: ast.stmt, text: str, where: str = "") -> str:
    """Heading, signature, docstring; of a class also its fields and methods."""
    if isinstance(node, ast.FunctionDef):
        parts = [_code(_signature(node, name)), as_markdown(text)]
    elif isinstance(node, ast.ClassDef):
        parts = list(_class(node, text))
    else:
        parts = [_code(ast.unparse(node)), as_markdown(text)]
    return f"### `{name}`\n\n" + "\n\n".join(part for part in (where, *parts) if part) + "\n"


def _class(node: ast.ClassDef, text: str) -> Iterator[str]:
    members = dict(_statements(node.body))
    if isinstance(init := members.get("__init__", (None, ""))[0], ast.FunctionDef):
        yield _code(_signature(init, node.name))
    yield as_markdown(text)
    if node.name in SETTINGS:
        section = SETTINGS[node.name]
        yield f"Its fields are the settings under [{section.lstrip('-')}](config.md#{section}), with the same names."
    else:
        yield _fields(_declared(node))
    for function in _methods(node):
        yield _method(function, f"{node.name}.{function.name}")


def _methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Its public ones with a docstring, and those that it has from `Taught`."""
    members = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    if any(isinstance(base, ast.Name) and base.id == "Taught" for base in node.bases):
        taught = _named("integrations/taught")["Taught"][0]
        assert isinstance(taught, ast.ClassDef)
        members += [one for one in taught.body if isinstance(one, ast.FunctionDef)]
    for one in members:
        if ast.get_docstring(one) and (not one.name.startswith("_") or one.name == "__call__"):
            yield one


def _method(node: ast.FunctionDef, name: str) -> str:
    text = as_markdown(ast.get_docstring(node) or "")
    if "property" in {ast.unparse(mark) for mark in node.decorator_list}:
        return _code(f"{name}: {_type(node.returns)}") + f"\n\n{text}"
    return f"{_code(_signature(node, name))}\n\n{text}"


def _type(node: ast.expr | None) -> str:
    """A type without the quotes that one needs which is not there yet."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ast.unparse(node) if node else "Any"


def _signature(node: ast.FunctionDef, name: str) -> str:
    """As it is called; with one argument in a line where all together are long."""
    arguments = list(_arguments(node.args))
    returned = "" if node.name == "__init__" or node.returns is None else f" -> {_type(node.returns)}"
    line = f"{name}({', '.join(arguments)}){returned}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {one},\n" for one in arguments) + f"){returned}"


def _arguments(args: ast.arguments) -> Iterator[str]:
    """Each with its type and default, without self."""
    missing: list[ast.expr | None] = [None] * (len(args.args) - len(args.defaults))
    for arg, default in zip(args.args, [*missing, *args.defaults], strict=True):
        if arg.arg not in ("self", "cls"):
            yield _argument(arg, default)
    if args.vararg:
        yield f"*{ast.unparse(args.vararg)}"
    elif args.kwonlyargs:
        yield "*"
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield _argument(arg, default)
    if args.kwarg:
        yield f"**{ast.unparse(args.kwarg)}"


def _argument(arg: ast.arg, default: ast.expr | None) -> str:
    equals = " = " if arg.annotation else "="
    return ast.unparse(arg) + (f"{equals}{ast.unparse(default)}" if default else "")


def _declared(node: ast.ClassDef) -> list[Field]:
    """Fields of a record, or values of an enumeration, without private ones."""
    fields = []
    for name, (one, text) in _statements(node.body):
        if isinstance(one, (ast.AnnAssign, ast.Assign)) and not name.startswith("_"):
            kind = ast.unparse(one.annotation) if isinstance(one, ast.AnnAssign) else ""
            fields.append(Field(name, kind, ast.unparse(one.value) if one.value else "", in_one_line(text)))
    return fields


def _fields(fields: list[Field]) -> str:
    if not fields:
        return ""
    rows = [(f"`{one.name}`", _cell(one.kind), _cell(one.default), one.text) for one in fields]
    columns = [column for column in zip(("field", "type", "default", "meaning"), *rows, strict=True) if any(column[1:])]
    head, *body = [f"| {' | '.join(row)} |" for row in zip(*columns, strict=True)]
    return "\n".join([head, "|---" * len(columns) + "|", *body])


def _cell(code: str) -> str:
    return f"`{code}`".replace("|", r"\|") if code else ""


def _code(text: str) -> str:
    return f"```py\n{text}\n```"


if __name__ == "__main__":
    print(page(), end="")

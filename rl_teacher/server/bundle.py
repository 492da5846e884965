"""The labeling page's modules as one file: over a slow line each wave of six requests costs a round trip."""

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{ (?P<names>[\w, ]+) \} from "\./(?P<module>[\w.]+)";$')
EXPORT = re.compile(r"^export (?P<kept>(?:async )?(?:function|class|const) (?P<name>\w+).*)$")


def bundle(entry: Path) -> str:
    """A module and all that it imports, as one module that says the same.

    Understood are the two forms that we write, each on a line of its own: `import { a, b } from "./other.js";`, and
    `export` before a function, class or const.

    Raises:
        ValueError: a line has another form, or modules import each other.
    """
    made: dict[str, str] = {}
    body = _inline(entry, made, ())
    return "".join([*made.values(), body])


def _inline(path: Path, made: dict[str, str], above: tuple[str, ...]) -> str:
    """Put what a module imports before it; its own text, with names taken from there."""
    if path.name in above:
        raise ValueError(f"{path}: imports itself by way of {' -> '.join(above)}. Move what they share elsewhere.")
    lines, exported = [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if found := IMPORT.match(line):
            other = found["module"]
            if other not in made:
                made[other] = _inline(path.with_name(other), made, (*above, path.name))
            line = f"const {{ {found['names']} }} = {_name(other)};"
        elif found := EXPORT.match(line):
            exported.append(found["name"])
            line = found["kept"]
        elif re.match(r"import\b|export\b", line):
            raise ValueError(f"{path}:{number}: got {line!r}; write it as bundle.py expects it.")
        lines.append(line)
    text = "\n".join(lines) + "\n"
    if not above:
        return text
    return f"const {_name(path.name)} = (() => {{\n{text}return {{ {', '.join(exported)} }};\n}})();\n"


def _name(module: str) -> str:
    return "module_" + module.removesuffix(".js").replace(".", "_")

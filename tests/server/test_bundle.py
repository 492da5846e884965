"""Modules as one file."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

from rl_teacher.server.bundle import bundle

MODULES = {
    "words.js": 'let count = 0;\nexport const GREETING = "hello";\nexport function next() {\n  return ++count;\n}\n',
    "person.js": 'import { GREETING } from "./words.js";\n'
    "export class Person {\n  say() {\n    return GREETING;\n  }\n}\n",
    "later.js": 'import { GREETING, next } from "./words.js";\n'
    "export async function later() {\n  return `${GREETING} ${next()}`;\n}\n",
    "page.js": 'import { later } from "./later.js";\nimport { Person } from "./person.js";\n'
    'import { next } from "./words.js";\n'
    'const count = "mine";\nconsole.log(new Person().say(), next(), await later(), count);\n',
}


def written(folder: Path, **changed: str) -> Path:
    for name, text in (MODULES | {f"{key}.js": value for key, value in changed.items()}).items():
        (folder / name).write_text(text)
    return folder / "page.js"


def test_each_module_comes_once_and_after_what_it_imports(tmp_path: Path):
    made = bundle(written(tmp_path))
    order = [made.index(f"const module_{name} = ") for name in ("words", "later", "person")]
    assert order == sorted(order)
    assert made.count("let count = 0;") == 1
    assert "import" not in made
    assert "export" not in made


@pytest.mark.skipif(which("node") is None, reason="no node here")
def test_it_says_what_the_modules_say(tmp_path: Path):
    entry = written(tmp_path)
    one = tmp_path / "one.mjs"
    one.write_text(bundle(entry))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    said = [subprocess.run(["node", str(path)], capture_output=True, text=True).stdout for path in (entry, one)]
    assert said == ["hello 1 hello 2 mine\n"] * 2


@pytest.mark.parametrize(
    "line",
    [
        'import * as words from "./words.js";',
        'import words from "./words.js";',
        "export { count };",
        "export default 3;",
        "export let count = 0;",
        'import {\n  GREETING,\n} from "./words.js";',
    ],
)
def test_another_form_is_refused_with_its_line(tmp_path: Path, line: str):
    with pytest.raises(ValueError, match=r"person\.js:2: got "):
        bundle(written(tmp_path, person=f"// a person\n{line}\n"))


def test_modules_that_import_each_other_are_refused(tmp_path: Path):
    around = 'import { later } from "./later.js";\nexport const GREETING = later;\n'
    with pytest.raises(ValueError, match=r"words\.js|later\.js"):
        bundle(written(tmp_path, words=around))

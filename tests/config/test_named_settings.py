"""Whatever pages, docstrings and error messages call a setting is one that can be given."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_teacher.config.flags import Parser, _add_flags
from rl_teacher.config.run import RunConfig

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCES = sorted(path for path in ROOT.glob("rl_teacher/**/*.py") if "migrations" not in path.parts)


def flags_of_teach() -> set[str]:
    """All flags of `rl-teacher teach`, --no-... included."""
    parser = Parser(add_help=False)
    _add_flags(parser, RunConfig, "")
    return {flag for action in parser._actions for flag in action.option_strings}


TEACH = flags_of_teach()
SECTIONS = sorted({flag[2:].split(".")[0] for flag in TEACH if "." in flag and not flag.startswith("--no-")})
DOTTED = re.compile(rf"(?<![\w./-])({'|'.join(SECTIONS)})\.([a-z]\w*)(?![\w(/])")
"""section.setting, but no call, and no part of a longer path."""
FLAG = re.compile(r"(?<![\w#-])--([a-z][\w.-]*\w)(?![\w-]|\.\*)")
"""A whole flag: not `--no-` with a name to come, not all of a section, `--reward.*`, and no anchor of a page."""


def flags_of_others() -> set[str]:
    """Flags that any other command of ours adds."""
    found = set()
    for path in (*SOURCES, *ROOT.glob("benchmarks/*.py"), *ROOT.glob("scripts/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
                words = [one.value for one in node.args if isinstance(one, ast.Constant)]
                found |= {word for word in words if isinstance(word, str) and word.startswith("--")}
    return found


def texts(path: Path) -> Iterator[str]:
    """The page; or of a module all texts in it, what is filled in by f-strings as `{}`."""
    if path.suffix == ".md":
        yield path.read_text()
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


FILES = {"py", "md", "html", "json", "jsonl", "npz", "toml", "mp4", "js", "css", "png"}
FLAGS_OF_TOOLS = {"--logdir", "--error-unmatch", "--short", "--porcelain", "--force-reinstall"}
"""Of TensorBoard, Git and pip."""
FLAGS_OF_OPERATORS = {
    "docker compose": {"--build", "--rm", "--entrypoint"},
    "pg_dump, pg_restore": {"--format", "--clean", "--if-exists", "--no-owner"},
    "tar": {"--exclude"},
    "ray": {"--head", "--ray-client-server-port", "--node-ip-address", "--include-dashboard", "--num-cpus"},
    "useradd, systemctl": {"--system", "--home-dir", "--now"},
}
KNOWN = {flag.replace("_", "-") for flag in TEACH | flags_of_others()} | {"--help"} | FLAGS_OF_TOOLS
KNOWN |= set().union(*FLAGS_OF_OPERATORS.values())


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_setting_that_is_named_can_be_given(path: Path) -> None:
    for text in texts(path):
        dotted = {f"--{section}.{name}" for section, name in DOTTED.findall(text) if name not in FILES}
        assert dotted <= TEACH, f"no such setting: {dotted - TEACH}"
        named = {f"--{name}".replace("_", "-") for name in FLAG.findall(text)}
        assert named <= KNOWN, f"no such flag: {named - KNOWN}"


def names_in_range_checks() -> Iterator[str]:
    """What `require` calls a setting, wherever it has a dot; what is filled in as `{}`."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "require":
                name = node.args[1]
                if isinstance(name, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in name.values)
                elif isinstance(name, ast.Constant):
                    yield str(name.value)


def test_a_range_check_names_a_setting_that_can_be_given() -> None:
    dotted = {name for name in names_in_range_checks() if re.fullmatch(r"[\w{}]+\.[\w{}]+", name)}
    assert {"reward.num_members", "schedule.{}", "{}.num_envs"} <= dotted
    patterns = [re.compile(re.escape(name).replace(r"\{\}", r"\w+")) for name in dotted]
    assert not [one.pattern for one in patterns if not any(one.fullmatch(flag[2:]) for flag in TEACH)]


def test_the_search_finds_what_is_named_and_nothing_else() -> None:
    text = "Set schedule.steps_per_round or `reward.model`, not reward.fit(x), config.reward.x, docs/ppo.md"
    assert [".".join(one) for one in DOTTED.findall(text)] == ["schedule.steps_per_round", "reward.model"]
    text = "`--ppo.num-envs 3`, --no-reward.bootstrap; a -- b, x--y, a.md#--ppo, `--reward.*`, `--no-` before a name"
    assert FLAG.findall(text) == ["ppo.num-envs", "no-reward.bootstrap"]
    assert {"--schedule", "--schedule.tau_steps", "--no-reward.bootstrap", "-e"} <= TEACH

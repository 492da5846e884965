"""What may import what, which names are refused, and how large a file may be."""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rl_teacher"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)

STAGE = {"errors", "files", "records", "config", "agent_config", "core", "protocols"}
STAGES = {"rollouts", "preferences", "teachers", "rewards", "agents"}
PROGRAMS = {"training", "replay", "doctor", "bench"}
EVERYTHING = (
    STAGE | STAGES | PROGRAMS | {"flags", "device", "teach", "runs", "envs", "video", "client", "human", "feedback"}
)

# Module or folder -> what of ours it may import; the longest matching key counts, and a folder may import itself.
ALLOWED = {
    "errors": set(),
    "device": {"errors"},
    "files": set(),
    "records": {"errors"},
    "agent_config": {"errors"},
    "config": {"errors", "agent_config"},
    "flags": {"errors", "config"},
    "core": {"errors"},
    "protocols": {"records", "core", "envs.envs"},
    "envs": {"errors", "config", "device"},
    "video": {"errors", "records"},
    "client": {"errors", "records", "files"},
    "feedback": {"errors", "records", "files"},
    **dict.fromkeys(STAGES, STAGE),
    "runs": STAGE | {"preferences", "rollouts"},
    "runs.build": EVERYTHING - {"teach", "feedback", "flags"} - PROGRAMS,
    "runs.action_space": STAGE | {"envs"},
    "runs.clip_length": STAGE | {"envs", "rollouts", "runs.action_space"},
    "runs.explain": STAGE | {"client.messages"},
    "runs.stored": STAGE | {"human"},
    "runs.fit_command": EVERYTHING - {"teach", "feedback"} - PROGRAMS,
    "runs.films": EVERYTHING - {"teach", "feedback", "flags"} - PROGRAMS,
    "runs.drawing": EVERYTHING - {"teach", "feedback", "flags"} - PROGRAMS,
    "runs.people": EVERYTHING - {"teach", "feedback", "flags"} - PROGRAMS,
    "human": {"errors", "records", "files", "config", "client", "video"},
    "teach": STAGE | {"rollouts", "preferences", "runs"},
    "training": EVERYTHING,
    "replay": EVERYTHING - {"feedback", "teach"},
    "doctor": {"errors", "device", "video"},
    "bench": {"errors", "config", "flags", "envs", "runs"},
    "cli": EVERYTHING,
    "__main__": {"cli"},
}
WITHOUT_JAX = {
    "errors",
    "files",
    "records",
    "config",
    "agent_config",
    "flags",
    "envs",
    "video",
    "client",
    "feedback",
    "teachers",
    "human",
    "cli",
}
"""So that --help is instant and render workers are small."""
HEAVY = {"jax", "jaxlib", "equinox", "optax"}
ONLY_IN = {
    "django": {"feedback"},
    "ninja": {"feedback"},
    "httpx": {"client", "feedback"},
    "mujoco": {"envs", "video"},
    "av": {"video"},
    "matplotlib": {"runs", "bench"},
    "tensorboardX": {"runs"},
    "optax": {"agents", "rewards"},
}
REFUSED = {
    "q_value": "reward model",
    "r_hat": "predicted_reward",
    "rew_net": "reward model",
    "human_obs": "sim_state",
    "original_rewards?": "true_reward",
    "env_rew": "true_reward",
    "ep_rew": "return",
    "abstain(s|ed)?": "CANT_TELL",
    "gatherer": "teacher",
    "tasker": "labeler",
    "trajector(y|ies)": "rollout",
    "labell(ed|er|ers|ing)": "labeled",
    "behaviours?": "behavior",
    "(un)?normalis(e|ed|er|ing|ation)": "normalize",
    "colours?": "color",
}
"""Pattern -> the word for it."""
MOST_LINES = 400
LARGER: dict[str, int] = {}
"""Files that have not been split yet, and how far they may grow; the dict should be empty."""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") or "__init__"


def imports(path: Path, *, lazy: bool = True) -> Iterator[str]:
    """Modules that a file imports, outside `if __name__ == "__main__"` and `if TYPE_CHECKING`; with functions' own."""
    blocks: list[ast.AST] = list(ast.parse(path.read_text()).body)
    while blocks:
        node = blocks.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("__name__ == '__main__'", "TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "rl_teacher":
                yield from (f"rl_teacher.{alias.name}" for alias in node.names if not alias.name.startswith("__"))
        elif lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            blocks += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt | ast.excepthandler)]


def test_every_module_has_a_layer():
    unknown = {module_of(path).split(".")[0] for path in FILES} - {key.split(".")[0] for key in ALLOWED} - {"__init__"}
    assert not unknown, f"{unknown}: say in ALLOWED what they may import"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_modules_import_only_what_their_layer_may(path: Path):
    module = module_of(path)
    if module == "__init__":
        return
    keys = [key for key in ALLOWED if module == key or module.startswith(f"{key}.")]
    allowed = ALLOWED[max(keys, key=len)] | {module.split(".")[0]}
    for name in imports(path):
        ours = name.removeprefix("rl_teacher.")
        if name.startswith("rl_teacher.") and not any(ours == one or ours.startswith(f"{one}.") for one in allowed):
            raise AssertionError(f"{module} imports {name}, expected only {sorted(allowed)}")


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_libraries_are_used_where_they_belong(path: Path):
    module = module_of(path)
    layer = module.split(".")[0]
    used = {name.split(".")[0] for name in imports(path)}
    if layer in WITHOUT_JAX:
        eager = {name.split(".")[0] for name in imports(path, lazy=False)}
        assert not eager & HEAVY, f"{module} imports {eager & HEAVY}"
    for library, layers in ONLY_IN.items():
        assert library not in used or layer in layers, f"{module} imports {library}, which belongs in {layers}"


def test_no_module_is_named_like_one_of_the_standard_library():
    # `python rl_teacher/teach.py` puts this folder first on the path
    names = {part for path in FILES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert not (names - {"__init__", "__main__"}) & sys.stdlib_module_names


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_things_are_called_by_their_names_in_the_glossary(path: Path):
    text = path.read_text()
    for pattern, word in REFUSED.items():
        found = re.search(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])", text, re.IGNORECASE)
        assert not found, f"{module_of(path)} says {found[0]!r}, expected {word!r}"
    names = {
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.NAME
    }
    assert "feedback" in path.parts or not {name for name in names if "fragment" in name.lower()}, "a segment"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_holds_about_one_idea(path: Path):
    lines, most = len(path.read_text().splitlines()), LARGER.get(module_of(path), MOST_LINES)
    assert lines <= most, f"{module_of(path)} has {lines} lines, expected at most {most}"


def test_packages_hold_one_sentence_and_no_code():
    for path in FILES:
        if path.name == "__init__.py" and "feedback" not in path.parts:
            body = ast.parse(path.read_text()).body
            assert len(body) == 1
            assert isinstance(body[0], ast.Expr), f"{module_of(path)} holds code"

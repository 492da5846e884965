"""What may import what, which names are refused, and how large a file may be."""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rl_teacher"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)

WORDS = {"errors", "files", "oneline", "records", "config", "core", "protocols", "ranking"}
"""What every stage may speak of."""
STAGES = {"rollouts", "preferences", "teachers", "rewards", "agents"}
"""Of the loop; none imports another."""

# Top-level module or folder -> what of ours it may import; a folder may import itself. No key names a file in a folder.
ALLOWED = {
    "errors": set(),
    "files": {"errors"},
    "device": {"errors"},
    "interrupts": set(),
    "oneline": set(),
    "records": {"errors"},
    "config": {"errors", "oneline"},
    "core": {"errors"},
    "protocols": {"records", "core"},
    "ranking": {"records"},
    **dict.fromkeys(STAGES, WORDS),
    "envs": {"errors", "device", "oneline"},
    "video": {"errors", "records", "envs", "oneline"},
    "storage": WORDS,
    "data": {"errors", "files", "oneline", "records", "core", "rewards", "storage"},
    "people": WORDS | {"preferences", "teachers", "storage", "video"},
    "server": {"errors", "records", "files", "ranking"},
    "training": WORDS | STAGES | {"envs", "video", "storage", "people", "device", "interrupts"},
    "teach": WORDS | {"preferences", "rewards", "rollouts", "training"},
    "integrations": WORDS | STAGES | {"envs", "video", "storage", "people", "training", "device"},
    "commands": WORDS
    | STAGES
    | {"envs", "video", "storage", "data", "people", "device", "interrupts", "training", "teach"},
    "cli": {"errors", "files", "device", "interrupts", "commands", "server"},
    "__main__": {"cli", "interrupts"},
}
WITHOUT_JAX = {
    "errors",
    "files",
    "records",
    "device",
    "interrupts",
    "oneline",
    "config",
    "envs",
    "video",
    "ranking",
    "server",
    "data",
    "teachers",
    "cli",
}
"""So that --help is instant and render workers are small."""
HEAVY = {"jax", "jaxlib", "equinox", "optax"}
ONLY_IN = {
    "django": {"server"},
    "ninja": {"server"},
    "httpx": {"people", "server"},
    "segno": {"people", "server"},
    "mujoco": {"envs", "video"},
    "av": {"video"},
    "matplotlib": {"commands"},
    "tensorboardX": {"storage"},
    "torch": {"integrations"},
    "stable_baselines3": {"integrations"},
    "torchrl": {"integrations"},
    "ray": {"integrations", "commands", "envs"},
    "optax": {"agents", "rewards"},
    "pyarrow": {"data", "server"},
    "h5py": {"data"},
    "minari": set(),
    "datasets": set(),
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
    "labell(ed|er|ers|ing)": "labeled",
    "behaviours?": "behavior",
    "(un)?normalis(e|ed|er|ing|ation)": "normalize",
    "colours?": "color",
}
"""Pattern, anywhere in a file -> the word for it."""
GONE = {
    "tapes?": "action history",
    "desks?": "feedback session",
    "press": "uploader",
    "ears?": "listener",
    "pulse": "heartbeat",
    "dismiss": "detach",
    "lanes?": "request threads",
    "bells?": "notify",
    "mirrors?": "journal",
    "sniff(er|s|ed)?": "upload checks",
    "minds?": "predictions",
    "wish(es)?": "claim request",
    "give back": "end leases",
    "films?|film(er|ers|ed|ing)": "video",
    "looks(?! at)": "relevances",
    "legible": "has relevances",
    "explanations?": "posterior",
    "reluctance": "hyperprior",
    "hypothes[ei]s": "candidate models",
    "decided by": "group shares",
    "converse": "ask and listen",
    "take in": "note changes",
}
"""Pattern of a whole word, or of several in a row, in names of our own -> the word for it."""
MOST_LINES = 400
LARGER: dict[str, int] = {}
"""Files that have not been split yet, and how far they may grow; the dict should be empty."""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") or "__init__"


def imports(path: Path, *, lazy: bool = True, scripts: bool = False) -> Iterator[str]:
    """Modules that a file imports, `if TYPE_CHECKING` left out.

    Args:
        lazy: with what its functions import.
        scripts: with what it imports where it is the program.
    """
    blocks: list[ast.AST] = list(ast.parse(path.read_text()).body)
    while blocks:
        node = blocks.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'" and not scripts:
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
    layers = {module_of(path).split(".")[0] for path in FILES} - {"__init__"}
    assert layers == ALLOWED.keys(), f"{layers ^ ALLOWED.keys()}: say in ALLOWED what they may import"


def test_no_file_imports_itself_by_way_of_others():
    """Imports inside functions count, and those of `if __name__ == "__main__"`."""
    arrows = {module_of(path): set(imports(path, scripts=True)) for path in FILES}
    found = {one: {name.removeprefix("rl_teacher.") for name in arrows[one]} & arrows.keys() - {one} for one in arrows}
    while leaves := {one for one, named in found.items() if not named}:
        found = {one: named - leaves for one, named in found.items() if one not in leaves}
    assert not found, f"these import each other in a circle, or what does: {found}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_modules_import_only_what_their_layer_may(path: Path):
    module = module_of(path)
    if module == "__init__":
        return
    layer = module.split(".")[0]
    allowed = ALLOWED[layer] | {layer}
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
    assert "server" in path.parts or not {name for name in names if "fragment" in name.lower()}, "a segment"
    assert not (found := gone(names)), f"{module_of(path)}: words that went, and what to say instead: {found}"
    assert not gone({path.stem}), "the name of the file"


def words(name: str) -> str:
    """The words of a name, in lower case with spaces between: `num_ActionTapes2` has `num action tapes 2`."""
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)).lower()


def gone(names: Iterable[str]) -> dict[str, str]:
    """Names with a word that went -> the word for it."""
    return {
        name: word for name in names for pattern, word in GONE.items() if re.search(rf"\b({pattern})\b", words(name))
    }


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ActionTape", "action history"),
        ("open_desk", "feedback session"),
        ("_FILM_SECONDS", "video"),
        ("TrainingFilms", "video"),
        ("give_back_leases", "end leases"),
        ("GiveBack", "end leases"),
        ("describe_looks", "relevances"),
        ("EAR", "listener"),
    ],
)
def test_a_word_that_went_is_found_in_any_kind_of_name(name: str, word: str):
    assert gone([name]) == {name: word}


@pytest.mark.parametrize(
    "name", ["compress", "pressed", "years", "near", "LOOK_AHEAD_STEPS", "reminds", "impulse", "taken_in", "_", "x2"]
)
def test_a_word_that_only_contains_one_stays(name: str):
    assert not gone([name])


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_holds_about_one_idea(path: Path):
    lines, most = len(path.read_text().splitlines()), LARGER.get(module_of(path), MOST_LINES)
    assert lines <= most, f"{module_of(path)} has {lines} lines, expected at most {most}"


def test_packages_hold_one_sentence_and_no_code():
    for path in FILES:
        if path.name == "__init__.py" and "server" not in path.parts and path.parent != PACKAGE:
            body = ast.parse(path.read_text()).body
            assert len(body) == 1
            assert isinstance(body[0], ast.Expr), f"{module_of(path)} holds code"

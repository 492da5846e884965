"""Pages and code say the same: commands run, links resolve, every flag, error, task and metric is described."""

import ast
import dataclasses
import importlib
import importlib.util
import json
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_teacher import errors
from rl_teacher.cli import COMMANDS, main
from rl_teacher.commands.circus.acts import find_acts, load_act
from rl_teacher.commands.circus.command import settings
from rl_teacher.config.agents import PPOConfig, SACConfig, TRPOConfig
from rl_teacher.config.presets import PRESETS as SETTINGS_OF_OTHERS
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig, SelectionConfig
from rl_teacher.envs.catalog import find_env, task_ids
from rl_teacher.preferences.rounds import RULES
from rl_teacher.storage.metrics import read_metrics
from rl_teacher.teachers.synthetic import PRESETS
from rl_teacher.training.parts import PREDICTORS, REWARD_MODELS, build_teacher
from scripts.config_page import page, table
from tests.completed import completed_flags
from tests.programs import act_words, commands, teach_words

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCES = sorted([*ROOT.glob("rl_teacher/**/*.py")])

FORBIDDEN = [r"/work/", r"\bshared/", r"pypi\.org", r"files\.pythonhosted", r"/root/", r"/home/", r"\blibrary/env\b"]


README_COMMANDS = commands(README)
TEACHING = [command for command in README_COMMANDS if teach_words(command)]
SHOWING = [
    command
    for command in README_COMMANDS
    if command.startswith("rl-teacher ") and not teach_words(command) and not act_words(command)
]


# -- the README and its commands -------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150
    assert len((ROOT / "AGENTS.md").read_text().splitlines()) <= 120


def test_every_command_of_a_page_is_of_a_kind_that_is_tested() -> None:
    for path in PAGES:
        for command in commands(path.read_text()):
            words = shlex.split(command)
            known = (
                teach_words(command) is not None
                or (words[0] == "rl-teacher" and words[1] in COMMANDS)
                or words[0] in {"make", "tensorboard"}
                or (words[:2] == ["python", "-m"] and importlib.util.find_spec(words[2]) is not None)
            )
            assert known, f"{path.name}: nothing tests {command!r}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_make_targets_that_a_page_names_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", path.read_text()))
    named |= {command.split()[1] for command in commands(path.read_text()) if command.startswith("make ")}
    assert named <= targets


def teaching_lines() -> list[str]:
    """Every command that teaches, of every page and of every example's docstring."""
    text = "\n".join(path.read_text() for path in (*PAGES, *ROOT.glob("examples/*.py")))
    lines = re.findall(r"^ *`?((?:python rl_teacher/teach\.py|rl-teacher teach) -p [^`\n]*)", text, re.MULTILINE)
    return sorted(set(lines))


@pytest.mark.parametrize("command", teaching_lines())
def test_a_command_that_teaches_is_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = teach_words(command)
    assert words is not None
    config, _ = completed_flags(words)
    spec = find_env(config.env_id)
    assert build_teacher(config, spec) is not None or config.predictor in ("rl", "human")


def test_every_act_that_a_page_teaches_is_there_and_takes_its_flags(tmp_path: Path) -> None:
    taught = [words for path in PAGES for command in commands(path.read_text()) if (words := act_words(command))]
    assert len(taught) >= 2
    for name, *flags in taught:
        config = settings(load_act(name, find_acts()), [*flags, "--runs-dir", str(tmp_path)])
        assert build_teacher(config, find_env(config.env_id)) is not None or config.predictor == "human"


def test_tensorboard_is_pointed_at_the_folder_that_is_written() -> None:
    assert f"tensorboard --logdir {RunConfig().tb_dir}/" in README_COMMANDS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home; the handler of Ctrl-C that a training leaves behind is taken away."""
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(ROOT)
    yield tmp_path
    signal.signal(signal.SIGINT, before)


SMALL = "--ppo.num_envs 1 --ppo.rollout_steps 300 --ppo.minibatch_size 300 --ppo.num_epochs 1 -t 600 -w 1"
"""Two episodes of ShortHopper: all of a run, in seconds."""
FEW_LABELS = "-l 6 --reward.min_steps 1 --reward.max_steps 25 --selection.segments_per_iteration 4"


def test_the_commands_of_the_readme_that_show_runs_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("base-rl", "syn-1400"):
        folder = home / "rl-teacher" / "runs" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"env_id": "ShortHopper-v1"}')
        lines = (
            '{"step": 100, "agent/true_reward_per_episode": 1}',
            '{"step": 200, "agent/true_reward_per_episode": 2}',
        )
        (folder / "metrics.jsonl").write_text("".join(line + "\n" for line in lines))
    for command in SHOWING:
        if "replay" not in command:  # it needs a checkpoint: below
            assert main(shlex.split(command)[1:]) == 0, command
    assert (home / "rl-teacher" / "runs" / "syn-1400" / "curves.png").stat().st_size > 1000
    assert "ShortHopper-v1" in capsys.readouterr().out


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_their_order(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in README_COMMANDS:
        words = teach_words(command)
        if words is None or "ShortHopper-v1" not in words:
            continue
        small = [*words, *SMALL.split(), *(FEW_LABELS.split() if "synth" in words else [])]
        assert main(small, command="teach") == 0, command
    for command in SHOWING:
        assert main(shlex.split(command)[1:]) == 0, command
    out = capsys.readouterr().out
    runs = home / "rl-teacher" / "runs"
    assert {path.name for path in runs.iterdir()} == {"base-rl", "syn-1400"}
    assert (runs / "syn-1400" / "replay.mp4").stat().st_size > 1000
    assert (runs / "syn-1400" / "curves.png").stat().st_size > 1000
    assert {path.name for path in (home / "tb" / "rl-teacher").iterdir()} == {"base-rl", "syn-1400"}
    assert "Resuming at 600 steps with 6 labels." in out
    documented = tags_of_the_page()
    for name in ("base-rl", "syn-1400"):
        for line in read_metrics(runs / name / "metrics.jsonl"):
            assert line.keys() - {"step"} <= documented


@pytest.mark.slow
@pytest.mark.parametrize(("command", "labels"), [(TEACHING[0], 0), (TEACHING[1], 40)])
def test_the_first_two_rungs_meet_their_budgets_with_default_settings(home: Path, command: str, labels: int) -> None:
    words = teach_words(command)
    assert words is not None
    assert main([*words, "-t", "20_000", *(["-l", str(labels)] if labels else [])], command="teach") == 0
    summary = json.loads(next((home / "rl-teacher" / "runs").glob("*/summary.json")).read_text())
    assert (summary["timesteps"], summary["labels"], summary["comparisons"]) == (20_000, labels, labels)
    assert summary["final_true_return"] is not None


# -- links and words -------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The names that headings can be linked by."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_inside_the_repository_resolve(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name} links to {link}"
        assert not anchor or anchor in anchors(target.read_text()), f"{path.name}: no heading {link}"


def test_pages_that_the_code_names_exist() -> None:
    for path in (*SOURCES, *ROOT.glob("examples/*.py")):
        for name, anchor in re.findall(r"(docs/[a-z_-]+\.md)(?:#([a-z-]+))?", path.read_text()):
            assert (ROOT / name).exists(), f"{path.name} names {name}"
            assert not anchor or anchor in anchors((ROOT / name).read_text()), f"{path.name} names {name}#{anchor}"


def test_places_that_agents_are_sent_to_exist() -> None:
    named = re.findall(r"`((?:[a-z_]+/)+|(?:[a-z_]+/)*[a-z_]+\.py)`", (ROOT / "AGENTS.md").read_text())
    assert len(named) > 20
    assert not [name for name in named if not any((root / name).exists() for root in (ROOT, ROOT / "rl_teacher"))]


PROGRAMS = sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("scripts/*.py"), *ROOT.glob("examples/*.py"), *PAGES])


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_programs_and_pages_import_of_ours_exists(path: Path) -> None:
    """Only type checkers see it otherwise, which look at the package alone."""
    text = path.read_text()
    blocks = [text] if path.suffix == ".py" else re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for block in blocks:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rl_teacher":
                if node.module.startswith("rl_teacher.server"):
                    assert importlib.util.find_spec(node.module), f"{path.name} imports {node.module}"
                    continue  # its models want Django to be set up
                if node.module.startswith("rl_teacher.integrations"):  # what they integrate need not be installed
                    source = (ROOT / (node.module.replace(".", "/") + ".py")).read_text()
                    classes = {one.name for one in ast.parse(source).body if isinstance(one, ast.ClassDef)}
                    missing = [alias.name for alias in node.names if alias.name not in classes]
                    assert not missing, f"{path.name} imports {missing} from {node.module}"
                    continue
                module = importlib.import_module(node.module)
                missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
                assert not missing, f"{path.name} imports {missing} from {node.module}"


def pages_reached_from(*starts: Path) -> set[Path]:
    """All pages that links lead to, from page to page."""
    reached: set[Path] = set()
    todo = [*starts]
    while todo:
        page = todo.pop()
        if page not in reached:
            reached.add(page)
            names = re.findall(r"\]\(([^)\s#:]+\.md)(?:#[^)\s]*)?\)", page.read_text())
            todo += [(page.parent / name).resolve() for name in names]
    return reached


def test_links_lead_from_the_readme_and_the_first_page_of_the_site_to_every_page() -> None:
    reached = pages_reached_from(ROOT / "README.md", ROOT / "docs" / "index.md")
    assert set(PAGES) - reached == {ROOT / "AGENTS.md"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_names_no_place_that_readers_do_not_have(path: Path) -> None:
    text = path.read_text()
    assert not [word for word in FORBIDDEN if re.search(word, text)]


OF_2017 = re.compile(r"(?i)\bthe seed(?:'s| of 2017| program)|--(?:preset|teacher)[ =]seed\b")
"""The program of 2017 by the name that it had here."""


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_seed_is_a_random_seed(path: Path) -> None:
    if path.name != "CHANGELOG.md":
        assert not (found := OF_2017.search(path.read_text())), f"{found[0]!r}, expected 'the program of 2017'"


def test_classes_that_the_glossary_names_exist() -> None:
    classes = {name for path in SOURCES for name in re.findall(r"^class (\w+)", path.read_text(), re.MULTILINE)}
    named = set(re.findall(r"`([A-Z]\w+)`", (ROOT / "docs" / "glossary.md").read_text()))
    assert "PreferenceLearner" in named
    assert named <= classes


def test_a_word_is_in_the_glossary_once() -> None:
    words = re.findall(r"^\| ([^|`]+?) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = [word for word in words if word != "word"]
    assert len(words) > 70
    assert len(words) == len(set(words))


# -- completeness ----------------------------------------------------------------------------------


def test_the_page_of_settings_is_current() -> None:
    assert (ROOT / "docs" / "config.md").read_text() == page(), "run `make docs`"
    rows = [line for line in page().splitlines() if line.startswith("| `-")]
    assert all(row.endswith(" |") for row in rows), "a row of a table is one line"


@pytest.mark.parametrize(
    ("prefix", "config_class"),
    [
        ("ppo.", PPOConfig),
        ("trpo.", TRPOConfig),
        ("sac.", SACConfig),
        ("reward.", RewardModelConfig),
        ("selection.", SelectionConfig),
    ],
)
def test_the_page_of_settings_has_every_field(prefix: str, config_class: type) -> None:
    text = (ROOT / "docs" / "config.md").read_text()
    for field in dataclasses.fields(config_class):
        assert f"| `--{prefix}{field.name}` |" in text


@pytest.mark.parametrize(("prefix", "config_class"), [("ppo.", PPOConfig), ("trpo.", TRPOConfig), ("sac.", SACConfig)])
def test_the_tables_of_agents_have_the_defaults(prefix: str, config_class: type) -> None:
    text = (ROOT / "docs" / "agents.md").read_text()
    for row in table(config_class, prefix)[2:]:
        flag_and_default = " | ".join(row.split(" | ")[:2])
        assert f"\n{flag_and_default} | " in text


def test_the_numbers_in_the_text_about_rewards_are_the_defaults() -> None:
    text = (ROOT / "docs" / "rewards.md").read_text()
    stated = re.findall(r"`(reward|selection)\.(\w+)`(?: [mp])? \(([\d.]+)( %)?\)", text)
    assert len(stated) >= 10
    sections = {"reward": RewardModelConfig(), "selection": SelectionConfig()}
    for section, name, number, percent in stated:
        expected = float(number) / 100 if percent else float(number)
        assert dataclasses.asdict(sections[section])[name] == expected, f"{section}.{name}"


def test_every_error_is_described() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    classes = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert "RunExists" in classes
    assert not [name for name in classes if f"| `{name}` |" not in text]


def test_every_command_is_in_the_readme() -> None:
    assert not [name for name in COMMANDS if f"rl-teacher {name}" not in README]


def test_every_task_is_in_the_readme() -> None:
    names = {task.removeprefix("Short").removesuffix("-v1") for task in task_ids()}
    assert len(names) == 9
    assert not [name for name in names if not re.search(rf"\b{name}\b", README)]


def test_every_choice_is_on_a_page() -> None:
    text = "\n".join(path.read_text() for path in PAGES)
    choices = [*PREDICTORS, *PRESETS, *RULES, *REWARD_MODELS]
    assert not [choice for choice in choices if not re.search(rf"`(-p )?{choice}`", text)]
    assert not [name for name in SETTINGS_OF_OTHERS if name != "default" and f"`--preset {name}`" not in text]


# -- metrics ---------------------------------------------------------------------------------------

TAG = r"(?:agent|labels|predictor|reward|time)/[a-z_]+"


def tags_of_the_page() -> set[str]:
    """Tags in the first column of a table of docs/metrics.md."""
    return set(re.findall(rf"^\| `({TAG})` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))


def test_every_metric_is_described_and_every_description_is_of_a_metric() -> None:
    written = {tag for path in SOURCES for tag in re.findall(rf"\"({TAG})\"", path.read_text())}
    assert "agent/line_search_share" in written
    assert written == tags_of_the_page()


def test_the_tags_of_the_page_about_agents_are_metrics() -> None:
    named = set(re.findall(rf"`({TAG})`", (ROOT / "docs" / "agents.md").read_text()))
    assert named <= tags_of_the_page()


def test_every_key_of_the_summary_is_described() -> None:
    source = (ROOT / "rl_teacher" / "training" / "summary.py").read_text()
    keys = set(re.findall(r"\"([a-z_]+)\"(?:: \S|\] = )", source[source.index("def summarize") :]))
    text = (ROOT / "docs" / "metrics.md").read_text()
    assert {"final_true_return", "reward_looks_at"} <= keys
    assert not [key for key in keys if f"`{key}`" not in text]


def test_every_picture_stands_on_a_page_and_every_page_has_its_pictures() -> None:
    shown = {
        (path.parent / name).resolve()
        for path in PAGES
        for name in re.findall(r"!\[[^\]]*\]\(([^)#]+)\)", path.read_text())
        if "://" not in name
    }
    there = {path.resolve() for path in (ROOT / "docs" / "images").iterdir()}
    assert {path.name for path in there - shown} == set()
    assert {str(path) for path in shown if not path.is_file()} == set()

"""From a TOML file and flags to cells; nonsense gets one line that names file and key."""

import re
from pathlib import Path

import pytest

from rl_teacher.cli import main
from rl_teacher.commands.bench.cells import Cell
from rl_teacher.commands.bench.check import check_trainings
from rl_teacher.commands.bench.commands import parser, plan_of
from rl_teacher.commands.bench.plan import KEYS, Plan
from rl_teacher.commands.bench.settings import BASELINES
from rl_teacher.commands.bench.tasks import PAPER_TASKS
from rl_teacher.config.flags import parse

ROOT = Path(__file__).parents[3]


def plan(*words: object) -> Plan:
    return plan_of(parser().parse_args([str(word) for word in words]))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


SMALL = """
tasks = ["shorthopper", "ShortReacher-v1"]
labels = [0, 100]
seeds = [1, 2]
steps = 1e4
"""


def test_without_a_file_it_is_the_papers_figure() -> None:
    default = plan()
    assert (default.tasks, default.labels, default.seeds) == (PAPER_TASKS, (0, 350, 100, 50), (1, 2, 3))
    assert (default.steps, default.agents, list(default.settings)) == (1_000_000, ("ppo",), ["base"])
    assert len(default.cells()) == 9 * 4 * 3


def test_cells_go_round_all_tasks_before_the_next_seed(tmp_path: Path) -> None:
    cells = plan(write(tmp_path, SMALL)).cells()
    assert [(cell.seed, cell.labels, cell.task) for cell in cells[:5]] == [
        (1, 0, "ShortHopper-v1"), (1, 0, "ShortReacher-v1"), (1, 100, "ShortHopper-v1"), (1, 100, "ShortReacher-v1"),
        (2, 0, "ShortHopper-v1"),
    ]  # fmt: skip
    assert len(cells) == len(set(cells)) == 8
    assert cells[0] == Cell("base", "ShortHopper-v1", "ppo", 0, 1, 10_000)


def test_flags_change_what_the_file_says(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL)
    words = "--tasks Pendulum-v1 --labels 50 --seeds 1,5-7 --steps 2e5 --parallel 2 --agents trpo --results x.jsonl"
    changed = plan(path, *words.split(), "--teachers", "oracle,mistake")
    assert (changed.tasks, changed.labels, changed.seeds) == (("Pendulum-v1",), (50,), (1, 5, 6, 7))
    assert (changed.steps, changed.parallel, changed.results) == (200_000, 2, Path("x.jsonl"))
    assert {(cell.agent, cell.teacher) for cell in changed.cells()} == {("trpo", "oracle"), ("trpo", "mistake")}


def test_results_lie_beside_the_file_unless_it_says_where(tmp_path: Path) -> None:
    assert plan(write(tmp_path, SMALL)).results == tmp_path / "mine.jsonl"
    assert plan(write(tmp_path, 'results = "results/r.jsonl"')).results == tmp_path / "results" / "r.jsonl"


def test_settings_are_flags_of_teach_however_toml_writes_them(tmp_path: Path) -> None:
    text = """
    [settings.a]
    "reward.num_crops" = 0
    schedule = "rounds"
    [settings.b]
    reward.tanh_output = false
    reward.hidden = [32, 32]
    reward.pessimism = -0.5
    reward.adapt-weight-decay = true
    """
    settings = plan(write(tmp_path, text)).settings
    assert settings["a"].flags == ("--reward.num_crops", "0", "--schedule.kind", "rounds")
    assert settings["b"].flags == (
        "--no-reward.tanh_output", "--reward.hidden", "32,32", "--reward.pessimism=-0.5", "--reward.adapt_weight_decay",
    )  # fmt: skip
    config = parse(["-p", "synth", "-e", "x", "-n", "x", *settings["b"].flags])
    assert (config.reward.tanh_output, config.reward.hidden, config.reward.pessimism) == (False, (32, 32), -0.5)


def test_settings_win_over_a_preset_also_with_default_values(tmp_path: Path) -> None:
    text = """
    [settings.a]
    reward.model = "gp"
    reward.normalize = true
    reward.bootstrap = false
    preset = "paper"
    schedule = "auto"
    """
    flags = plan(write(tmp_path, text)).settings["a"].flags
    config = parse(["-p", "synth", "-e", "x", "-n", "x", *flags])
    assert (config.reward.model, config.reward.normalize, config.reward.bootstrap) == ("gp", True, False)
    assert (config.schedule.kind, config.selection.rule) == ("auto", "disagreement")


OWN_AGENTS = """
tasks = ["ShortReacher-v1"]
labels = [0, 100]
seeds = [1]
[settings.base]
[settings.crops]
reward.num_crops = 0
[settings.wide]
ppo.hidden = [128, 128]
[settings.wide-crops]
ppo.hidden = [128, 128]
reward.num_crops = 0
[settings.paper]
preset = "paper"
agents = "trpo"
"""


def test_settings_that_only_change_the_reward_share_the_line_of_the_true_reward(tmp_path: Path) -> None:
    made = plan(write(tmp_path, OWN_AGENTS))
    lines = {name: made.rl_settings(name, made.agents_of(name)[0]) for name in made.settings}
    assert lines == {"base": "base", "crops": "base", "wide": "wide", "wide-crops": "wide", "paper": "paper"}
    true = [(cell.settings, cell.agent) for cell in made.cells() if cell.labels == 0]
    assert true == [("base", "ppo"), ("wide", "ppo"), ("paper", "trpo")]


def test_the_reference_gives_the_line(tmp_path: Path) -> None:
    made = plan(write(tmp_path, 'reference = "crops"\n' + OWN_AGENTS))
    assert [made.rl_settings(name, "ppo") for name in ("base", "crops", "wide")] == ["crops", "crops", "wide"]


def test_chosen_settings_keep_the_line_of_one_that_is_left_out(tmp_path: Path) -> None:
    made = plan(write(tmp_path, OWN_AGENTS), "--settings", "crops,untrained")
    assert list(made.settings) == ["crops", "untrained"]
    assert [(cell.settings, cell.labels) for cell in made.cells()] == [("base", 0), ("crops", 100), ("untrained", 100)]
    assert made.flags_of["untrained"] == ("--reward.model", "untrained")


def test_settings_may_have_label_budgets_of_their_own(tmp_path: Path) -> None:
    made = plan(write(tmp_path, SMALL + "[settings.base]\n[settings.more]\nlabels = [700]"), "--seeds", "1")
    labeled = {(cell.settings, cell.labels) for cell in made.cells()}
    assert labeled == {("base", 0), ("base", 100), ("more", 700)}
    assert made.budgets == (100, 700)


def test_a_task_of_another_kind_needs_its_random_return(tmp_path: Path) -> None:
    text = 'tasks = ["CartPole-v1"]\n[random]\n"CartPole-v1" = 22.3'
    assert plan(write(tmp_path, text)).random == {"CartPole-v1": 22.3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("taks = 1", r"UnknownChoice: benchmark '.*mine.toml': got 'taks'. Did you mean 'tasks'\? Choose among tasks"),
        ('agent = "ppo"', "Did you mean 'agents'"),
        ('tasks = ["ShortHoper-v1"]', "UnknownEnv: .*ShortHopper-v1"),
        ('tasks = ["CartPole-v1"]', "ConfigError: task 'CartPole-v1': got no mean return of random actions"),
        ("tasks = [1]", r"mine.toml': tasks: got \[1\], expected a name or a list of names"),
        ("tasks = []", r"tasks: got \[\]"),
        ("labels = [-1]", "labels: got -1, expected a whole number of at least 0"),
        ("labels = [1.5]", "labels: got 1.5"),
        ("seeds = []", "seeds: got"),
        ("steps = 0", "steps: got 0, expected a whole number of at least 1"),
        ("steps = true", "steps: got True"),
        ('parallel = "two"', "parallel: got 'two'"),
        ('reference = "other"', "reference: got 'other', expected one of the settings: base"),
        ("settings = 3", r"settings: got 3, expected a table: \[settings\]"),
        ("[settings]\na = 3", r"settings 'a': got 3, expected a table: \[settings.a\]"),
        ("[settings.a]\nreward.num_crop = 1", "got 'reward.num_crop', .* Did you mean 'reward.num_crops'"),
        ("[settings.a]\nn_labels = 1", "got 'n_labels', which the benchmark sets itself. Use its key labels"),
        ('[settings.a]\nagent = "trpo"', "Use its key agents"),
        ("[settings.a]\nresume = true", "got 'resume', expected a setting that changes what is learned"),
        ("[settings.a]\nreward.bootstrap = 1", "reward.bootstrap: got 1, expected true or false"),
        ("[settings.a]\nreward.num_crops = true", "reward.num_crops: got True, expected a text, a number"),
        ("[settings.a]\nreward.hidden = []", r"reward.hidden: got \[\]"),
        ("[settings.a]\nlabels = 0", "settings 'a': labels: got 0, expected a whole number of at least 1"),
        ('[random]\n"ShortHopper-v1" = "low"', "random: ShortHopper-v1: got 'low', expected a number"),
        ("tasks = ", "got no valid TOML"),
    ],
)  # fmt: skip
def test_nonsense_in_the_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    refused(capsys, [str(write(tmp_path, text))], message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.toml"], "ConfigError: benchmark 'nowhere.toml': cannot be read: No such file"),
        (["--tasks", "ShortHoper-v1"], "UnknownEnv: "),
        (["--settings", "papr"], "UnknownChoice: --settings: got 'papr'. Did you mean 'paper'"),
        (["--steps", "0"], "ConfigError: --steps: got 0"),
        (["--seeds", "1,x"], "got '1,x', expected whole numbers such as 1,2,3 or 1-10"),
        (["--labels", "-5"], "got '-5'"),
        (["--figure", "x.gif"], "--figure: got 'x.gif', expected a name that ends in .png, .svg, .pdf"),
        (["--tasks", ""], "got ''"),
        (["--taks", "x"], "unrecognized arguments: --taks"),
    ],
)
def test_nonsense_in_flags_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    refused(capsys, words, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[settings.a]\nreward.num_crops = -1", "settings 'a', ShortReacher-v1: reward.num_crops: got -1"),
        ('[settings.a]\nreward.model = "constnt"', "--reward.model: got 'constnt'. Did you mean 'constant'"),
        ('[settings.a]\nreward.num_crops = "many"', "settings 'a', .*argument --reward.num_crops: got 'many'"),
        ("[settings.a]\nclip_length = 3", "SegmentTooLong: settings 'a', ShortReacher-v1: env"),
        ('agents = "pp"', "UnknownChoice: settings 'base', ShortReacher-v1: -a/--agent: got 'pp'"),
        ('teachers = "nobody.py:f"', "UserCodeFault: settings 'base'"),
        ("[settings.a]\npretrain_labels = 101", "settings 'a', .*at most the 100 labels of -l"),
    ],
)  # fmt: skip
def test_a_training_that_would_be_refused_is_refused_before_any_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    small = 'tasks = ["ShortReacher-v1"]\nlabels = [100]\nseeds = [1]\n' + text
    refused(capsys, [str(write(tmp_path, small))], message)
    assert not (tmp_path / "mine.jsonl").exists()


def refused(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    """The command prints one line that says this, and exits with 2."""
    assert main(["bench", *words]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert re.search(message, err), err


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/*.toml")), ids=lambda path: path.name)
def test_the_benchmarks_of_the_repository_would_run(path: Path) -> None:
    check_trainings(plan(path))


def test_the_baselines_need_no_file() -> None:
    made = plan("--settings", "base,constant,untrained,openai2017,seed,paper", "--tasks", "ShortReacher-v1")
    check_trainings(made)
    assert {cell.agent for cell in made.cells() if cell.settings == "paper"} == {"trpo"}


def test_the_pages_example_and_every_command_that_is_shown_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "label-efficiency.md").read_text()
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "my_settings.toml").write_text(example)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)
    check_trainings(plan("my_settings.toml"))
    pages = "\n".join(path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
    commands = re.findall(r"^rl-teacher bench(.*)$", pages, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        plan(*command.split())
    keys = re.findall(r"^\| `\[?(\w+)", text[: text.index("## What a score is")], re.MULTILINE)
    assert set(keys) == set(KEYS)
    assert not [name for name in BASELINES if f"`{name}`" not in text and name != "base"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_read_as_any_editor_leaves_it(tmp_path: Path, newline: str, start: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(start + SMALL.replace("\n", newline).encode())
    assert plan(path) == plan(write(tmp_path, SMALL))


@pytest.mark.parametrize("data", [SMALL.encode("utf-16"), b"\x00", b"tasks = [\xff]"])
def test_a_file_that_is_no_text_is_refused_in_one_line(
    tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_bytes(data)
    assert main(["bench", str(tmp_path / "mine.toml")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ConfigError: benchmark ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["x" * 300, "folder", "file/x"])
def test_results_that_cannot_be_used_are_named(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    words = ["bench", str(write(tmp_path, SMALL)), "--table", "--results", str(tmp_path / name)]
    code, said = main(words), capsys.readouterr().err
    assert (code, said.count("\n")) in {(0, 0), (2, 1)}, said
    assert ("cannot be read" in said) == (name == "folder")

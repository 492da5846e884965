"""Presets: the numbers of others, reachable by one word."""

import dataclasses
import json
from typing import Any

import pytest

from rl_teacher.config.agents import OF_VECTORS, PPOConfig
from rl_teacher.config.flags import parse, run_from_json
from rl_teacher.config.presets import PRESETS, preset
from rl_teacher.config.run import RunConfig, differences, to_json
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError, UnknownChoice
from rl_teacher.training.complete import complete
from rl_teacher.training.parts import build_label_schedule
from tests.completed import completed, completed_flags


def read(*words: str) -> tuple[RunConfig, list[str]]:
    base = ["-p", "synth", "-e", "ShortHopper-v1", "-n", "x", "-l", "350"]
    return completed_flags([*base, *words])


def test_the_paper_is_three_bootstrapped_networks_with_a_noise_floor_and_trpo() -> None:
    config, notes = read("--preset", "paper", "-a", "trpo", "-t", "5e6")
    assert notes == []
    assert (config.trpo.discount, config.trpo.gae_lambda, config.trpo.entropy_coef) == (0.995, 0.97, 0.01)
    reward = config.reward
    assert (reward.num_members, reward.hidden, reward.bootstrap, reward.adapt_weight_decay) == (3, (64, 64), True, True)
    assert (reward.random_answer_prob, reward.label_smoothing, reward.num_crops) == (0.1, 0.0, 0)
    assert (config.selection.rule, config.selection.candidates) == ("disagreement", 10)
    assert (config.pretrain_rollouts, config.clip_length, config.pretrain_labels) == ("policy", 1.5, 350 // 4)


def test_the_papers_label_rate_has_halved_after_two_of_five_million_steps() -> None:
    # rate ~ 2e6 / (T + 2e6): n(T) = 87 + 263 ln(1 + T / 2e6) / ln(3.5);  n(2e6) = 87 + 263 * 0.5533 = 232.5
    config, _ = read("--preset", "paper", "-t", "5e6")
    schedule = build_label_schedule(config)
    assert [schedule.wanted(step, 0.0) for step in (0, 2_000_000, 5_000_000)] == [87, 232, 350]


def test_the_paper_keeps_a_schedule_that_was_asked_for_and_says_whose_agent_it_has() -> None:
    config, notes = read("--preset", "paper", "--schedule", "annealed")
    assert (config.schedule.kind, config.agent, config.ppo.entropy_coef) == ("annealed", "ppo", 0.01)
    assert notes == ["The paper's agent is TRPO, this run's is ppo. Use -a trpo for the paper's."]


def test_the_program_of_2017_is_one_network_uniform_queries_and_its_own_oracle() -> None:
    config, _ = read("--preset", "openai2017")
    assert (config.reward.num_members, config.reward.dropout, config.reward.normalize) == (1, 0.5, False)
    assert (config.selection.rule, config.teacher, config.schedule.kind) == ("uniform", "openai2017", "auto")
    assert config.pretrain_rollouts == "random_actions"


def test_its_name_of_before_means_the_same() -> None:
    assert read("--preset", "seed") == read("--preset", "openai2017")
    assert read("--teacher", "seed") == read("--teacher", "openai2017")
    in_python = RunConfig(env_id="ShortHopper-v1", predictor="synth", name="x", teacher="seed")
    assert completed(in_python)[0].teacher == "openai2017"


@pytest.mark.parametrize(
    ("preset", "words", "setting", "value"),
    [
        ("openai2017", ["--reward.model", "gp"], "reward.model", "gp"),
        ("openai2017", ["--reward.num-members", "5"], "reward.num_members", 5),
        ("openai2017", ["--reward.normalize"], "reward.normalize", True),
        ("openai2017", ["--no-reward.warm_start"], "reward.warm_start", False),
        ("openai2017", ["--reward.max_grad_norm=1"], "reward.max_grad_norm", 1.0),
        ("openai2017", ["--ppo.num_envs", "64"], "ppo.num_envs", 64),
        ("openai2017", ["--trpo.max_kl", "0.02"], "trpo.max_kl", 0.02),
        ("openai2017", ["--selection.candidates", "10"], "selection.candidates", 10),
        ("openai2017", ["--teacher", "oracle"], "teacher", "oracle"),
        ("openai2017", ["--teacher", "mistake"], "teacher", "mistake"),
        ("paper", ["--no-reward.bootstrap"], "reward.bootstrap", False),
        ("paper", ["--ppo.entropy-coef", "3e-3"], "ppo.entropy_coef", 0.003),
        ("paper", ["--trpo.entropy_coef", "0"], "trpo.entropy_coef", 0.0),
        ("paper", ["--selection.rule", "uniform"], "selection.rule", "uniform"),
        ("paper", ["--schedule", "auto"], "schedule.kind", "auto"),
        ("paper", ["--schedule.kind", "annealed"], "schedule.kind", "annealed"),
        ("paper", ["--pretrain-rollouts", "random_actions"], "pretrain_rollouts", "random_actions"),
    ],
)
def test_a_flag_that_is_given_wins_over_the_preset_also_with_its_default_value(
    preset: str, words: list[str], setting: str, value: object
) -> None:
    before, after = (
        flattened(dataclasses.asdict(read(*some)[0])) for some in (["--preset", preset], ["--preset", preset, *words])
    )
    assert before[setting] != value, "else this shows nothing"
    assert after == {**before, setting: value}
    assert flattened(dataclasses.asdict(read(*words, "--preset", preset)[0])) == after, "in any order"


def test_every_section_of_a_preset_gives_way() -> None:
    default = flattened(dataclasses.asdict(RunConfig()))
    for name, base in PRESETS.items():
        for setting, value in flattened(dataclasses.asdict(base)).items():
            if setting != "preset" and value != default[setting]:
                words = ["-p", "synth", "-e", "x", "-n", "x", "--preset", name, *flag(setting, default[setting])]
                if default[setting] is not None:  # unset: there is no word for it
                    assert flattened(dataclasses.asdict(parse(words)))[setting] == default[setting], (name, setting)


def flag(setting: str, value: object) -> list[str]:
    """The words that set it."""
    if isinstance(value, bool):
        return [f"--{setting}" if value else f"--no-{setting}"]
    return [f"--{setting}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]


def flattened(values: dict[str, Any], prefix: str = "") -> dict[str, object]:
    """Dotted name -> value."""
    found: dict[str, object] = {}
    for name, value in values.items():
        found |= flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def test_settings_of_the_schedule_are_flags() -> None:
    words = [
        "--schedule",
        "rounds",
        "--schedule.steps-per-round",
        "1e5",
        "--schedule.round_shape",
        "decay",
        "-t",
        "4e5",
    ]
    config, _ = read(*words)
    # rounds at 1e5, 2e5, 3e5 share 350 - 87 = 263 labels as 3 : 2 : 1
    schedule = build_label_schedule(config)
    assert [schedule.wanted(step, 0.0) for step in (0, 100_000, 200_000, 300_000)] == [87, 218, 306, 350]
    config, _ = read("--schedule", "hyperbolic", "--schedule.tau_steps", "2e5", "-t", "4e5")
    # 87 + 263 ln(1 + 1) / ln(1 + 2) = 87 + 263 * 0.6309 = 252.9
    assert build_label_schedule(config).wanted(200_000, 0.0) == 252


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-t", "3000", "--schedule.steps_per_round", "3000"], "Set --schedule.steps_per_round lower"),
        (["--schedule.labels_per_round", "1"], "Set --schedule.labels_per_round higher or --schedule.steps_per_round"),
        (["--schedule", "constant_steps", "--schedule.steps_per_label", "9"], "Leave -l or --schedule.steps_per_label"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused_before_anything_is_made(words: list[str], message: str) -> None:
    spec = find_env("ShortHopper-v1")
    given = parse(["-p", "synth", "-e", "ShortHopper-v1", "-n", "x", "-l", "350", "--schedule", "rounds", *words])
    with pytest.raises(ConfigError, match=message):
        complete(given, spec)


def test_in_python_a_preset_is_what_one_begins_with() -> None:
    made = dataclasses.replace(
        preset("paper"), env_id="ShortHopper-v1", predictor="synth", name="x", n_labels=350, ppo=PPOConfig()
    )
    config, _ = completed(made)
    assert config.ppo.entropy_coef == OF_VECTORS["entropy_coef"]
    given = ["--ppo.gae_lambda", "0.95", "--ppo.entropy_coef", "0.003", "--ppo.final_entropy_coef", "0.003"]
    assert dataclasses.replace(read("--preset", "paper", *given)[0], ppo=config.ppo) == config
    alone = RunConfig(env_id="ShortHopper-v1", predictor="synth", name="x", preset="paper")
    with pytest.raises(ConfigError, match=r"preset: got 'paper', expected its settings too\. In Python, begin with"):
        completed(alone)


def test_a_folder_of_before_is_resumed_by_todays_words() -> None:
    config, _ = read("--preset", "paper")
    of_today = json.loads(json.dumps(to_json(config)))
    before = {**of_today, "schedule": "hyperbolic"}
    assert differences(before, of_today) == []
    assert run_from_json(before) == config
    assert differences({**before, "schedule": "annealed"}, of_today) == ["schedule.kind: annealed -> hyperbolic"]
    old = {**json.loads(json.dumps(to_json(read("--preset", "openai2017")[0]))), "preset": "seed", "teacher": "seed"}
    assert differences(old, to_json(read("--preset", "seed")[0])) == []
    assert run_from_json(old) == read("--preset", "openai2017")[0]


def test_a_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownChoice, match=r"--preset: got 'papr'\. Did you mean 'paper'\?"):
        read("--preset", "papr")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), 50),
        (("--preset", "openai2017"), 25),
        (("--preset", "paper"), 25),
        (("-L", "10"), 10),
        (("-l", "1400"), 350),
    ],
)
def test_half_of_a_hundred_labels_come_before_training_and_a_quarter_as_in_2017(
    words: tuple[str, ...], expected: int
) -> None:
    config, _ = read("-l", "100", *words)
    assert config.pretrain_labels == expected

"""Presets: the numbers of others, reachable by one word."""

import pytest

from rl_teacher.config.run import RunConfig
from rl_teacher.errors import UnknownChoice
from rl_teacher.training.parts import build_label_schedule
from tests.completed import completed_flags


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
    assert (config.schedule, config.agent, config.ppo.entropy_coef) == ("annealed", "ppo", 0.01)
    assert notes == ["The paper's agent is TRPO, this run's is ppo. Use -a trpo for the paper's."]


def test_the_seed_is_one_network_uniform_queries_and_its_own_oracle() -> None:
    config, _ = read("--preset", "seed")
    assert (config.reward.num_members, config.reward.dropout, config.reward.normalize) == (1, 0.5, False)
    assert (config.selection.rule, config.teacher, config.schedule) == ("uniform", "seed", "auto")


def test_a_flag_wins_over_the_preset() -> None:
    config, _ = read("--preset", "seed", "--reward.num-members", "5", "--selection.candidates", "4")
    assert (config.reward.num_members, config.reward.dropout) == (5, 0.5)
    assert (config.selection.rule, config.selection.candidates) == ("uniform", 4)


def test_a_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownChoice, match=r"--preset: got 'papr'\. Did you mean 'paper'\?"):
        read("--preset", "papr")


@pytest.mark.parametrize(
    ("words", "expected"),
    [((), 50), (("--preset", "seed"), 25), (("--preset", "paper"), 25), (("-L", "10"), 10), (("-l", "1400"), 350)],
)
def test_half_of_a_hundred_labels_come_before_training_and_a_quarter_as_the_seed_had_it(
    words: tuple[str, ...], expected: int
) -> None:
    config, _ = read("-l", "100", *words)
    assert config.pretrain_labels == expected

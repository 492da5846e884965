"""Flags: those of the program of 2017, with _ or -, and numbers as people write them."""

import pytest

from rl_teacher.config.flags import field_docs, parse
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import ConfigError

BASE = ["-p", "synth", "-e", "ShortHopper-v1", "-n", "x"]


def read(*words: str) -> RunConfig:
    return parse([*BASE, *words])


@pytest.mark.parametrize("text", ["5e6", "5_000_000", "5000000", "5.0e6", "5,000,000"])
def test_counts_are_read_as_people_write_them(text: str) -> None:
    assert read("-t", text).num_timesteps == 5_000_000


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["-s", "7"], "seed", 7),
        (["--seed", "7"], "seed", 7),
        (["-w", "3"], "workers", 3),
        (["-l", "1400"], "n_labels", 1400),
        (["--n_labels", "1400"], "n_labels", 1400),
        (["--n-labels=1400"], "n_labels", 1400),
        (["-L", "175", "-l", "700"], "pretrain_labels", 175),
        (["--pretrain-labels", "175"], "pretrain_labels", 175),
        (["--pretrain_labels", "175"], "pretrain_labels", 175),
        (["--num-timesteps", "10"], "num_timesteps", 10),
        (["-a", "trpo"], "agent", "trpo"),
        (["-i", "1e4"], "pretrain_iters", 10_000),
        (["--pretrain-iters", "5"], "pretrain_iters", 5),
        (["-V"], "no_videos", True),
        (["--no-videos"], "no_videos", True),
        (["--no_videos"], "no_videos", True),
        (["-c", "2"], "clip_length", 2.0),
        (["--segment-seconds", "0.5"], "clip_length", 0.5),
        (["--reward_model", "rl"], "predictor", "rl"),
    ],
)
def test_every_flag_of_2017_is_understood(words: list[str], field: str, value: object) -> None:
    assert getattr(read(*words), field) == value


def test_sections_are_set_by_dotted_flags() -> None:
    config = read("--ppo.num-epochs", "3", "--reward.hidden", "32,32", "--no-reward.tanh_output")
    assert (config.ppo.num_epochs, config.reward.hidden, config.reward.tanh_output) == (3, (32, 32), False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-t", "many"], "'many'"),
        (["-t", "1.5"], "'1.5'"),
        (["-t", "0"], "got 0, expected at least 1"),
        (["-l", "-5"], "got -5, expected at least 1"),
        (["-t", "-1e6"], "-t/--num_timesteps: got -1000000, expected at least 1"),
        (["--ppo.entropy-coef", "-1.5e-2"], "got -0.015"),
        (["--ppo.entropy-coef", "-1e-9"], "got -1e-09"),
        (["--reward.refit-growth", "-0.1"], "reward.refit_growth"),
        (["--reward.doubtful-refit-growth", "nan"], "reward.doubtful_refit_growth"),
        (["-L", "0"], "got 0, expected at least 1"),
        (["-l", "10", "-L", "11"], "got 11, expected at most the 10 labels of -l"),
        (["-c", "0"], "expected above 0 seconds"),
        (["-c", "nan"], "expected above 0 seconds"),
        (["--seeds", "1"], "unrecognized arguments"),
        (["--see", "1"], "unrecognized arguments"),  # no prefixes: they become ambiguous
        (["-s", "-1"], "in 0..2^32-1"),
        (["--rollout-workers", "-1"], "--rollout_workers: got -1, expected at least 0"),
        (["--on", "auto"], "--on: got 'auto', expected nothing without --rollout_workers"),
    ],
)
def test_nonsense_is_refused_with_its_value(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(*words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_flags_are_named() -> None:
    with pytest.raises(ConfigError, match="-e/--env_id"):
        parse(["-p", "rl", "-n", "x"])


def test_every_setting_is_documented() -> None:
    import dataclasses
    from typing import get_type_hints

    def undocumented(cls: type) -> list[str]:
        docs, hints = field_docs(cls), get_type_hints(cls)
        names = [f.name for f in dataclasses.fields(cls) if not docs.get(f.name)]  # type: ignore[arg-type]
        for hint in hints.values():
            if dataclasses.is_dataclass(hint):
                names += undocumented(hint)  # type: ignore[arg-type]
        return names

    assert undocumented(RunConfig) == []

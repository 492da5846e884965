"""Settings that another version wrote: translated, completed, compared, and said."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from rl_teacher.config.agents import TRPOConfig
from rl_teacher.config.flags import parse, run_from_json
from rl_teacher.config.run import FREE_ON_RESUME, RunConfig, to_json
from rl_teacher.config.upgrades import (
    CHANGED_DEFAULTS,
    WRITTEN_BY,
    ChangedDefault,
    as_begun,
    defaults_of,
    flat,
    nested,
    program_version,
    read_begun,
    refuse_other,
    stamped,
)
from rl_teacher.errors import ConfigError, RunChanged

OLD = Path(__file__).parents[1] / "upgrades" / "data" / "0.1.0"
CONFIG = RunConfig(
    env_id="ShortHopper-v1", predictor="synth", name="x", n_labels=12, pretrain_labels=4, clip_length=1.5
)
NAMES = [name for name in flat(to_json(RunConfig())) if name.partition(".")[0] not in FREE_ON_RESUME]


def written(config: RunConfig, **more: Any) -> dict[str, Any]:
    """What a run folder holds of it."""
    values: dict[str, Any] = json.loads(json.dumps(stamped(to_json(config))))
    return values | more


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    kept = flat(values)
    del kept[name]
    return nested(kept)


def test_what_was_written_today_has_this_version_and_changes_nothing() -> None:
    begun = read_begun(written(CONFIG))
    assert (begun.version, begun.missing, begun.unknown) == (program_version(), (), ())
    assert as_begun(CONFIG, begun) == (CONFIG, [])
    refuse_other(CONFIG, begun, "here")


@pytest.mark.parametrize("name", NAMES)
def test_any_setting_that_was_not_written_takes_its_default_and_is_named(name: str) -> None:
    """With every setting as it is by default, each may be missing."""
    begun = read_begun(without(written(CONFIG), name))
    assert begun.missing == (name,)
    config, notes = as_begun(CONFIG, begun)
    assert config == CONFIG
    assert [name in note for note in notes] == [True]
    refuse_other(CONFIG, begun, "here")


def test_a_missing_setting_is_compared_as_the_default_that_it_had() -> None:
    begun = read_begun(without(written(CONFIG), "trpo.value_epochs"))
    other = dataclasses.replace(CONFIG, trpo=TRPOConfig(value_epochs=9))
    with pytest.raises(RunChanged, match=r"^here: --resume with other settings: trpo.value_epochs: 5 -> 9\. Use"):
        refuse_other(other, begun, "here")


def test_a_whole_section_may_be_missing() -> None:
    values = {name: value for name, value in written(CONFIG).items() if name != "schedule"}
    begun = read_begun(values)
    assert set(begun.missing) == {name for name in NAMES if name.startswith("schedule.")}
    refuse_other(CONFIG, begun, "here")


def test_old_words_are_translated() -> None:
    config = dataclasses.replace(CONFIG, teacher="openai2017")
    old = written(config, teacher="seed", schedule="auto")
    begun = read_begun(old)
    assert begun.values["teacher"] == "openai2017"
    refuse_other(config, begun, "here")
    assert run_from_json(old) == config


@pytest.mark.parametrize("more", [{"color": "red"}, {"ppo": {"color": "red"}}, {"ppo": 5}])
def test_a_setting_that_is_unknown_says_which_version_to_go_on_with(more: dict[str, Any]) -> None:
    values = written(CONFIG, **{WRITTEN_BY: "0.9.1"})
    for name, value in more.items():
        values[name] = values[name] | value if isinstance(value, dict) else value
    with pytest.raises(RunChanged, match=r"does not have: (ppo\.color|color|ppo)\. .*pip install 'rl-teacher==0.9.1'"):
        refuse_other(CONFIG, read_begun(values), "here")


def test_version_0_1_0_is_taken_for_what_names_no_version() -> None:
    values = json.loads((OLD / "runs" / "synth" / "config.json").read_text())
    assert WRITTEN_BY not in values
    assert read_begun(values).version == "0.1.0"


# -- defaults that changed; value_epochs is 5 today, it was 4 before 0.3.0, and 3 before 0.2.0 -------------------------

CHANGED = (
    ChangedDefault("0.2.0", "trpo.value_epochs", 3),
    ChangedDefault("0.3.0", "trpo.value_epochs", 4),
    ChangedDefault("0.3.0", "trpo.hidden", [32, 32]),
)


@pytest.mark.parametrize(
    ("writer", "epochs"), [("0.1.0", 3), ("0.2.0", 4), ("0.2.9", 4), ("0.3.0", 5), ("0.10.0", 5), ("unknown", 5)]
)
def test_a_default_is_the_one_of_the_version_that_wrote_the_rest(writer: str, epochs: int) -> None:
    assert defaults_of(writer, CHANGED)["trpo.value_epochs"] == epochs
    missing = read_begun(without(written(CONFIG, **{WRITTEN_BY: writer}), "trpo.value_epochs"), CHANGED)
    assert missing.values["trpo"]["value_epochs"] == epochs


def test_a_run_keeps_the_defaults_that_it_began_with_and_says_so() -> None:
    began = dataclasses.replace(CONFIG, trpo=TRPOConfig(value_epochs=4, hidden=(32, 32)))
    begun = read_begun(written(began, **{WRITTEN_BY: "0.2.0"}), CHANGED)
    config, notes = as_begun(CONFIG, begun, CHANGED)
    assert config == began
    assert notes == [
        "The run was begun by rl-teacher 0.2.0, whose defaults it keeps: trpo.hidden [32, 32] (today [64, 64]), "
        "trpo.value_epochs 4 (today 5)."
    ]
    refuse_other(config, begun, "here")


def test_a_run_keeps_what_followed_by_a_rule_of_then_unless_it_is_given() -> None:
    given = dataclasses.replace(CONFIG, num_timesteps=2_000_000)
    now, was = ppo_of(given, 1.5e-3, 1.5e-4), ppo_of(given, 3e-3, 3e-4)
    begun = read_begun(written(was))
    config, (note,) = as_begun(now, begun, given=given)
    assert config == was
    assert "ppo.learning_rate 0.003 (today 0.0015), ppo.final_learning_rate 0.0003 (today 0.00015)" in note
    config, _ = as_begun(now, begun, given=now)  # by flags
    with pytest.raises(RunChanged, match=r"ppo.learning_rate: 0.003 -> 0.0015"):
        refuse_other(config, begun, "here")


def ppo_of(config: RunConfig, first: float, last: float) -> RunConfig:
    ppo = dataclasses.replace(config.ppo, learning_rate=first, final_learning_rate=last)
    return dataclasses.replace(config, ppo=ppo)


def test_a_flag_that_is_given_wins_over_a_default_of_then_and_is_refused() -> None:
    began = dataclasses.replace(CONFIG, trpo=TRPOConfig(value_epochs=4))
    begun = read_begun(written(began, **{WRITTEN_BY: "0.2.0"}), CHANGED)
    given = dataclasses.replace(CONFIG, trpo=TRPOConfig(value_epochs=7))
    config, _ = as_begun(given, begun, CHANGED)
    with pytest.raises(RunChanged, match=r"trpo\.value_epochs: 4 -> 7"):
        refuse_other(config, begun, "here")


def test_the_table_of_changed_defaults_names_settings_that_there_are() -> None:
    assert {row.name for row in CHANGED_DEFAULTS} <= set(flat(to_json(RunConfig())))


# -- a file that was changed by hand --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("seed", "one", "expected int"),
        ("seed", True, "expected int"),
        ("n_labels", 1.5, "int | None"),
        ("trpo.hidden", "64,64", "tuple"),
        ("trpo.hidden", [64, "x"], "tuple"),
        ("reward.normalize", "yes", "expected bool"),
        ("teacher", ["oracle"], "expected str"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(name: str, value: object, expected: str) -> None:
    values = flat(written(CONFIG)) | {name: value}
    with pytest.raises(ConfigError) as error:
        run_from_json(nested(values))
    assert str(error.value).startswith(f"{name}: got {value!r}, expected ")
    assert expected in str(error.value)


def test_every_configuration_comes_back_from_its_file() -> None:
    for preset in ("default", "openai2017", "paper"):
        config = parse(["-p", "synth", "-e", "Hopper-v1", "-n", "x", "--preset", preset])
        assert run_from_json(written(config)) == config

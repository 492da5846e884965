"""Which game an id names, and what is said where it is none or cannot be played here."""

import sys

import pytest

from rl_teacher.cli import main
from rl_teacher.config.run import RunConfig
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.games.minatar import _module
from rl_teacher.envs.games.sheets import ATARI, MINATAR
from rl_teacher.errors import MissingExtra, UnknownEnv
from rl_teacher.training.segment_length import steps_of_segment, with_clip_length


@pytest.mark.parametrize("sheet", ATARI.values(), ids=lambda sheet: sheet.name)
@pytest.mark.parametrize("spelling", ["{}", "{}-v5", "ALE/{}-v5", "ALE/{}", "ale/{}-v5"])
@pytest.mark.parametrize("case", [str, str.lower])
def test_every_spelling_of_a_game_of_atari(sheet, spelling, case):
    spec = find_env(case(spelling.format(sheet.name)))
    assert (spec.canonical_id, spec.kind, spec.is_task) == (f"ALE/{sheet.name}-v5", "atari", False)
    assert (spec.horizon, spec.is_fixed_horizon, spec.frame_stack) == (1000, True, 4)
    assert sheet.hidden_text in spec.description


@pytest.mark.parametrize("sheet", MINATAR.values(), ids=lambda sheet: sheet.name)
@pytest.mark.parametrize("spelling", ["MinAtar/{}-v1", "MinAtar/{}", "minatar/{}-v1"])
def test_every_spelling_of_a_game_of_minatar(sheet, spelling):
    spec = find_env(spelling.format(sheet.name))
    assert (spec.canonical_id, spec.kind) == (f"MinAtar/{sheet.name}-v1", "minatar")
    assert (spec.horizon, spec.is_fixed_horizon, spec.frame_stack) == (1000, True, 1)


@pytest.mark.parametrize("env_id", ["Pong", "MinAtar/Breakout-v1"])
def test_a_clip_has_25_steps_where_nobody_says(env_id):
    spec = find_env(env_id)
    config = with_clip_length(RunConfig(env_id=env_id), spec)
    assert steps_of_segment(config, spec) == 25
    assert config.clip_length == pytest.approx(25 / 15)
    assert steps_of_segment(with_clip_length(RunConfig(env_id=env_id, clip_length=1.0), spec), spec) == 15


@pytest.mark.parametrize(
    ("env_id", "instead"),
    [
        ("ALE/MsPacman-v5", "ale_py:ALE/MsPacman-v5"), ("ALE/Pong-v4", "ale_py:ALE/Pong-v4"),
        ("MinAtar/Breakout-v0", "minatar.gym:MinAtar/Breakout-v0"), ("MinAtar/Pong-v1", "minatar.gym:MinAtar/Pong-v1"),
    ],
)  # fmt: skip
def test_other_games_are_refused_with_what_plays_them(env_id, instead):
    with pytest.raises(UnknownEnv) as caught:
        find_env(env_id)
    said = str(caught.value)
    assert f"'{env_id}'" in said
    assert f"-e {instead} plays any game as it stands" in said
    assert "\n" not in said
    assert ("ALE/Pong-v5" if env_id.startswith("ALE") else "MinAtar/Breakout-v1") in said


def test_names_that_are_also_gymnasiums_stay_so():
    assert find_env("Blackjack-v1").kind == "gymnasium"


@pytest.mark.parametrize(("env_id", "package"), [("Pong", "ale_py.vector_env"), ("MinAtar/Breakout-v1", "minatar")])
def test_what_is_not_installed_is_named_in_one_line(env_id, package, monkeypatch, tmp_path, capsys):
    _module.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "minatar.environments.breakout", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'rl-teacher\[games\]'"):
        make_envs(find_env(env_id), 1, seed=1)
    words = ["teach", "-p", "rl", "-e", env_id, "-n", "x", "--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path)]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("MissingExtra: ")
    assert said.count("\n") == 1

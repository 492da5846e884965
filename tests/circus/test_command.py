"""`rl-teacher circus`: lists, teaches, measures, films."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from rl_teacher.cli import main
from rl_teacher.commands.circus import command
from rl_teacher.commands.circus.acts import find_acts, load_act
from rl_teacher.commands.circus.command import free_name, settings
from rl_teacher.commands.circus.pictures import GIF_FPS, draw, write_gif
from rl_teacher.commands.circus.success import EPISODES, episode_states, random_mode
from rl_teacher.core.actions import BoxActions
from rl_teacher.envs.catalog import find_env

pytestmark = pytest.mark.long

SMALL = ["-t", "3000", "--ppo.num_envs", "8", "--ppo.rollout_steps", "50", "--ppo.hidden", "8,8", "-V"]


def test_without_an_act_all_are_listed_with_what_is_wanted(capsys: pytest.CaptureFixture[str]):
    assert main(["circus"]) == 0
    out = capsys.readouterr().out
    for name, path in find_acts().items():
        act = load_act(name, {name: path}).act
        assert any(line.split()[:2] == [name, act.env_id] and act.task in line for line in out.splitlines())


def test_an_act_is_taught_measured_and_filmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "SECONDS", 2.0)  # drawing takes longer than learning
    where = ["--runs-dir", str(tmp_path / "runs"), "--tb-dir", str(tmp_path / "tb")]
    results, gif = tmp_path / "rows.jsonl", tmp_path / "page" / "spin.gif"
    words = ["circus", "spin", "-l", "16", *SMALL, *where, "--results", str(results), "--gif", str(gif)]
    assert main(words) == 0
    out = capsys.readouterr().out
    row = json.loads(results.read_text())
    assert {key: row[key] for key in ("act", "env_id", "teacher", "seed", "labels", "steps", "goal")} == {
        "act": "spin", "env_id": "Reacher-v1", "teacher": "synth", "seed": 1, "labels": 16, "steps": 3000, "goal": 60.0
    }  # fmt: skip
    assert row["reached"] == (row["value"] >= 60)
    assert f"spin: {row['value']:.1f} ± {row['spread']:.1f} rad/s, from 16 answers" in out
    with av.open(tmp_path / "runs" / "spin" / "spin.mp4") as film:
        assert 50 <= sum(1 for _ in film.decode(video=0)) <= 60  # two episodes of a second, and the last picture held
    with Image.open(gif) as pictures:
        assert pictures.n_frames == 25
        assert pictures.info["duration"] == 1000 / GIF_FPS
    assert free_name(str(tmp_path / "runs"), "spin") == "spin-2"


def test_flags_of_the_user_win_and_people_are_told_the_task(tmp_path: Path):
    ballerina = load_act("ballerina", find_acts())
    own = settings(ballerina, ["--runs-dir", str(tmp_path)])
    assert (own.name, own.n_labels, own.num_timesteps) == ("ballerina", 100, ballerina.act.num_steps)
    assert own.teacher == f"{ballerina.path}:prefer"
    assert own.pretrain_rollouts == "random_actions"
    flags = ["-l", "300", "-t", "5e6", "-s", "4", "-n", "mine", "--pretrain_rollouts", "held_actions"]
    more = settings(ballerina, [*flags, "--runs-dir", str(tmp_path)])
    assert (more.name, more.n_labels, more.num_timesteps, more.seed) == ("mine", 300, 5_000_000, 4)
    assert more.pretrain_rollouts == "held_actions"
    paper = settings(ballerina, ["--preset", "paper", "-n", "paper", "--runs-dir", str(tmp_path)])
    assert paper.pretrain_rollouts == "policy"
    (tmp_path / "ballerina").mkdir()
    assert settings(ballerina, ["--runs-dir", str(tmp_path)]).name == "ballerina-2"
    assert settings(ballerina, ["--runs-dir", str(tmp_path), "--resume"]).name == "ballerina"
    assert free_name(str(tmp_path), "spin") == "spin"


def test_states_are_of_whole_episodes_and_the_same_each_time():
    spec = find_env("ShortReacher-v1")
    actions = BoxActions((-1.0, -1.0), (1.0, 1.0))
    states = episode_states(spec, actions, random_mode(EPISODES, 2), EPISODES)
    assert states.shape == (32, 20, 8)
    np.testing.assert_array_equal(states, episode_states(spec, actions, random_mode(EPISODES, 2), EPISODES))
    assert np.abs(states[:, 0, 4:6]).max() < 0.01  # at rest, before the first action
    assert np.abs(states[:, 5, 4:6]).max() > 0.1


@pytest.mark.render
def test_a_gif_is_in_real_time_and_shows_the_robot(tmp_path: Path):
    spec = find_env("Reacher-v1")
    states = episode_states(spec, BoxActions((-1.0, -1.0), (1.0, 1.0)), random_mode(1, 2), 1)[0]
    frames = draw(spec, states, fps=GIF_FPS, seconds=0.5, size=64)
    assert frames.shape == (6, 64, 64, 3)
    assert (frames[0] != frames[-1]).any()
    write_gif(tmp_path / "small.gif", frames)
    with Image.open(tmp_path / "small.gif") as gif:
        gif.seek(5)
        shown = np.asarray(gif.convert("RGB")).astype(int)
    assert np.abs(shown - frames[5]).mean() < 12  # one palette of 48 colors for all

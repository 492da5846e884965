"""`rl-teacher data export NAME --with-clips` of a run, which keeps no clips: they are drawn from what it keeps."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rl_teacher.cli import main
from rl_teacher.commands.obs_clips import as_picture
from rl_teacher.config.run import RunConfig, to_json
from rl_teacher.core.arrays import NO_END, Segments
from rl_teacher.data.folder import COMPARISONS
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.envs.tasks.task import MODELS
from rl_teacher.records import Comparison, Label, Preference, make_id
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.video.decode import pictures_of
from tests.storage.former_files import in_former_form

STEPS = 4


def run(*words: object) -> int:
    return main([str(word) for word in words])


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def segments(side: str, num: int, obs: np.ndarray, act: int, states: np.ndarray) -> Segments:
    """Rows of zeros but for what is seen and the states of the simulator."""
    action = np.zeros((num, STEPS, act), np.float32)
    return Segments(
        id=np.array([make_id(side, i) for i in range(num)]), obs=obs, reward_action=action, env_action=action,
        true_reward=np.arange(num * STEPS, dtype=float).reshape(num, STEPS), sim_state=states, env=np.arange(num),
        episode=np.zeros(num, np.int64), start=np.zeros(num, np.int64), iteration=np.zeros(num, np.int64),
        end=np.full(num, NO_END), next_obs=np.zeros((num, STEPS, 0)),
    )  # fmt: skip


def run_folder(folder: Path, env_id: str, sides: list[Segments]) -> None:
    """A run that asked in two rounds, so that its segments are in two files."""
    log = LabelLog(folder)
    config = RunConfig(env_id=env_id, predictor="synth", name=folder.name)
    (folder / "config.json").write_text(json.dumps(to_json(config)))
    left, right = sides
    for at, rows in enumerate((np.array([0, 1]), np.array([2]))):
        one, other = left.take(rows), right.take(rows)
        asked = [
            Comparison(make_id("c", at, i), a, b, at) for i, (a, b) in enumerate(zip(one.id, other.id, strict=True))
        ]
        log.write_comparisons(at, asked, one, other)
        log.write_labels([Label(c.id, Preference.LEFT, "synth", "") for c in asked])


def hopper_run(folder: Path, *, has_states: bool = True) -> np.ndarray:
    """Hoppers that lie ever deeper; the states of the left ones, (segment, step, state)."""
    model = load_model(MODELS / "hopper.xml")
    rng = np.random.default_rng(0)
    states = np.zeros((2, 3, STEPS, model.nq + model.nv if has_states else 0))
    if has_states:
        states[..., 1] = 1.25  # its height
        states[..., 2] = rng.uniform(-1, 1, states.shape[:-1])  # how it leans
    made = [segments(f"{side}", 3, np.zeros((3, STEPS, 11), np.float32), 3, states[i]) for i, side in enumerate("lr")]
    run_folder(folder, "ShortHopper-v1", made)
    return states[0]


def test_clips_of_a_robot_are_drawn_from_its_states_and_go_round_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hopper_run(tmp_path / "runs" / "hop")
    source = ("hop", "--runs-dir", tmp_path / "runs", "--with-clips")
    assert run("data", "export", *source, "--to", tmp_path / "a") == 0
    assert "has clips" in capsys.readouterr().out
    row = pq.read_table(tmp_path / "a" / COMPARISONS).to_pylist()[2]
    clips = [pictures_of(tmp_path / "a" / row[f"{side}_clip"], 0, STEPS) for side in ("left", "right")]
    assert [one.shape for one in clips] == [(STEPS, 320, 320, 3)] * 2
    assert not np.array_equal(*clips)  # each segment has its own
    assert clips[0].std() > 10  # something is to be seen
    assert len(list((tmp_path / "a" / "clips").iterdir())) == 6
    assert run("data", "export", *source, "--to", tmp_path / "again") == 0
    assert bytes_of(tmp_path / "again") == bytes_of(tmp_path / "a")
    assert run("data", "import", tmp_path / "a", "--to", tmp_path / "b") == 0
    assert run("data", "export", tmp_path / "b", "--to", tmp_path / "c", "--with-clips") == 0
    assert bytes_of(tmp_path / "b") == bytes_of(tmp_path / "a") == bytes_of(tmp_path / "c")


def test_clips_of_a_run_of_version_0_1_are_the_same(tmp_path: Path) -> None:
    hopper_run(tmp_path / "runs" / "hop")
    source = ("hop", "--runs-dir", tmp_path / "runs", "--with-clips")
    assert run("data", "export", *source, "--to", tmp_path / "a") == 0
    in_former_form(tmp_path / "runs" / "hop")
    assert run("data", "export", *source, "--to", tmp_path / "b") == 0
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_clips_of_pictures_are_the_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 2, (2, 3, STEPS + 3, 42, 42), np.uint8) * 255
    obs = np.stack([frames[:, :, at : at + 4] for at in range(STEPS)], 2).transpose(0, 1, 2, 4, 5, 3)  # as Pong's
    made = [segments(side, 3, obs[i], 6, np.zeros((3, STEPS, 0))) for i, side in enumerate("lr")]
    made = [replace(one, env_action=np.zeros((3, STEPS), np.int64)) for one in made]
    run_folder(tmp_path / "runs" / "game", "Pong", made)
    source = ("game", "--runs-dir", tmp_path / "runs", "--with-clips")
    assert run("data", "export", *source, "--to", tmp_path / "a") == 0
    row = pq.read_table(tmp_path / "a" / COMPARISONS).to_pylist()[1]
    shown = pictures_of(tmp_path / "a" / row["left_clip"], 0, STEPS)
    expected = np.stack([as_picture(one) for one in obs[0, 1]])
    assert shown.shape == expected.shape == (STEPS, 252, 252, 3)
    assert np.mean(np.abs(shown.astype(int) - expected)) < 8  # but for what an mp4 makes of edges


def test_where_nothing_can_be_drawn_one_line_says_where_the_clips_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hopper_run(tmp_path / "runs" / "hop", has_states=False)
    assert run("data", "export", "hop", "--runs-dir", tmp_path / "runs", "--with-clips", "--to", tmp_path / "a") == 2
    said = capsys.readouterr().err
    assert "kept neither pictures nor states of one of our robots" in said
    assert "--data-dir ~/rl-teacher/feedback or --server" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "a").exists()

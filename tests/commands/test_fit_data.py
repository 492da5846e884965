"""`rl-teacher data` and `fit --data`: from a run, and from what was exported of it, the same reward."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rl_teacher.cli import main
from rl_teacher.commands import fitting, labeled_rows
from rl_teacher.commands.labeled_rows import labeled_rows as rows_to_fit
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig, to_json
from rl_teacher.core.arrays import ENDED, LAST, LIVED, NO_END, Segments
from rl_teacher.core.mapped import gathered, looked_up, mapped_array, release
from rl_teacher.data import run_source as run_source_file
from rl_teacher.data.about import EnvFacts
from rl_teacher.data.folder import COMPARISONS, read_folder, write_folder
from rl_teacher.data.rows import Answer
from rl_teacher.data.run_source import run_source
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.records import Comparison, Label, Preference, make_id
from rl_teacher.rewards.gp import size
from rl_teacher.rewards.portable import load_reward
from rl_teacher.rewards.portable_actions import BoxSpace
from rl_teacher.storage.label_log import LabelLog
from tests.data import made
from tests.rewards.synthetic_labels import comparisons
from tests.storage.former_files import in_former_form

OBS, ACT, STEPS = 11, 3, 5


def segments(prefix: str, num: int, seed: int, steps: int = STEPS) -> Segments:
    rng = np.random.default_rng(seed)
    obs = rng.normal(size=(num, steps, OBS)).astype(np.float32)
    action = rng.uniform(-1, 1, (num, steps, ACT)).astype(np.float32)
    return Segments(
        id=np.array([make_id(prefix, i) for i in range(num)]), obs=obs, reward_action=action, env_action=action,
        true_reward=obs[..., 0].astype(np.float64), sim_state=np.zeros((num, steps, 4)), env=np.arange(num),
        episode=np.zeros(num, np.int64), start=np.zeros(num, np.int64), iteration=np.zeros(num, np.int64),
        end=np.full(num, NO_END), next_obs=np.zeros((num, steps, 0)),
    )  # fmt: skip


def run_folder(runs: Path, name: str = "hop", lengths: tuple[int, ...] = (STEPS, STEPS)) -> Path:
    """A run of ShortHopper that asked in rounds, whose labels follow the first number of an observation."""
    folder = runs / name
    log = LabelLog(folder)
    config = RunConfig(
        env_id="ShortHopper-v1", predictor="synth", name=name, reward=RewardModelConfig(joint_features=32)
    )
    (folder / "config.json").write_text(json.dumps(to_json(config)))
    for at, steps in enumerate(lengths):
        left, right = (segments(f"{side}{at}", 20, 2 * at + i, steps) for i, side in enumerate(("l", "r")))
        asked = [Comparison(make_id("c", at, i), left.id[i], right.id[i], 100 * at) for i in range(20)]
        log.write_comparisons(at, asked, left, right)
        gap = left.true_reward.sum(1) - right.true_reward.sum(1)
        said = [Preference.LEFT if one > 0 else Preference.RIGHT for one in gap]
        log.write_labels([Label(c.id, p, "synth", "") for c, p in zip(asked[:18], said, strict=False)])
    return folder


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_from_run_and_from_files_the_same_reward(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder(tmp_path / "runs")
    of_runs = ("--runs-dir", tmp_path / "runs")
    assert run("data", "export", "hop", *of_runs, "--to", tmp_path / "d") == 0
    assert "40 comparisons of 5 steps in ShortHopper-v1" in capsys.readouterr().out
    assert run("data", "check", tmp_path / "d") == 0
    assert "4 without an answer" in capsys.readouterr().out
    assert run("data", "export", tmp_path / "d", "--to", tmp_path / "again") == 0
    assert run("fit", "--data", "hop", *of_runs, "-o", tmp_path / "one") == 0
    assert run("fit", "--data", tmp_path / "d", "-o", tmp_path / "other") == 0
    assert (tmp_path / "one" / "reward.npz").read_bytes() == (tmp_path / "other" / "reward.npz").read_bytes()
    one, other = (json.loads((tmp_path / name / "fit.json").read_text()) for name in ("one", "other"))
    assert one["labels"] == 36
    assert one["return_correlation"] > 0.9  # the run knows the true reward, the exported folder does not
    assert other["return_correlation"] is None
    reward = load_reward(tmp_path / "one")
    # what is preferred is a larger first number
    assert reward(np.eye(OBS)[0] * 2, np.zeros(ACT)) > reward(np.eye(OBS)[0] * -2, np.zeros(ACT))
    assert list((tmp_path / "one").iterdir()) != []
    assert not list((tmp_path / "one").glob(".fit-*"))


def test_networks_take_what_a_gaussian_process_could_see_too_little_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_folder(tmp_path / "runs")
    monkeypatch.setattr(size, "MOST_COMPARISONS", 10)
    assert run("fit", "--data", folder, "--steps", 25, "-o", tmp_path / "r") == 0
    assert "Networks, which take all 36 answers" in capsys.readouterr().out
    assert load_reward(tmp_path / "r").kind == "ensemble"
    assert run("fit", "--data", folder, "--model", "gp", "-o", tmp_path / "p") == 0
    out = capsys.readouterr().out
    assert "A Gaussian process takes 10 of these 36 answers" in out
    assert "Networks" not in out
    assert load_reward(tmp_path / "p").kind == "gp"


@pytest.mark.slow
def test_segments_of_several_lengths_are_kept_and_filled_up_to_be_fitted(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "runs", lengths=(5, 3))
    assert run("data", "export", folder, "--to", tmp_path / "d") == 0
    assert run("fit", "--data", tmp_path / "d", "--model", "ensemble", "--steps", 25, "-o", tmp_path / "r") == 0
    assert load_reward(tmp_path / "r").kind == "ensemble"


def test_what_is_fitted_to_is_what_a_training_fits_to(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "runs")
    dataset = Dataset()
    LabelLog(folder).read(dataset)
    expected = dataset.labeled()
    assert run("data", "export", folder, "--to", tmp_path / "d", "--with-true-reward") == 0
    found = rows_to_fit(read_folder(tmp_path / "d"), tmp_path)
    for name in ("obs", "action", "target", "key"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    np.testing.assert_allclose(found.true_return, expected.true_return, rtol=1e-12)
    assert found.phase is None
    assert found.next_obs is None


def test_sides_in_different_files_go_out_in_the_order_in_which_they_were_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `--selection.rule sorted` asks: of a round most segments are of rounds before it."""
    folder = run_folder(tmp_path / "runs", lengths=())
    clips, order, log = segments("clip", 24, 0), np.random.default_rng(0), LabelLog(folder)
    clips = dataclasses.replace(clips, end=np.where(np.arange(24) < 12, NO_END, 3))
    pairs = np.array([order.choice(6 + 2 * (i // 3), 2, replace=False) for i in range(27)])  # three in a round
    for at in range(9):
        left, right = (clips.take(pairs[3 * at : 3 * at + 3, side]) for side in (0, 1))
        asked = [Comparison(make_id("s", at, i), left.id[i], right.id[i], at) for i in range(3)]
        log.write_comparisons(at, asked, left, right)
        log.write_labels([Label(one.id, Preference.LEFT, "synth", "") for one in asked])
    on_disk = [one for path in (folder / "segments").iterdir() for one in np.load(path)["id"].tolist()]
    assert len(on_disk) == len(set(on_disk)) == len(set(pairs.ravel()))
    assert run("data", "export", folder, "--to", tmp_path / "d", "--with-true-reward") == 0
    monkeypatch.setattr(run_source_file, "rows_per_group", lambda about: 5)  # a chunk ends within a round
    monkeypatch.setattr("rl_teacher.storage.segment_files.MOST_KEPT", 0)
    assert run("data", "export", folder, "--to", tmp_path / "chunks", "--with-true-reward") == 0
    in_former_form(folder)
    assert run("data", "export", folder, "--to", tmp_path / "former", "--with-true-reward") == 0
    tables = [pq.read_table(tmp_path / name / COMPARISONS) for name in ("d", "chunks", "former")]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    for name, side in (("left", 0), ("right", 1)):
        asked_about = clips.take(pairs[:, side])
        assert tables[0].column(f"{name}_id").to_pylist() == asked_about.id.tolist()
        np.testing.assert_array_equal(tables[0].column(f"{name}_obs").to_pylist(), asked_about.obs)
        np.testing.assert_array_equal(tables[0].column(f"{name}_true_reward").to_pylist(), asked_about.true_reward)
        ends = [NO_END if end is None else end for end in tables[0].column(f"{name}_end").to_pylist()]
        assert ends == asked_about.end.tolist()


def test_pictures_that_a_run_keeps_as_single_frames_go_out_as_they_were_seen(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "made"
    frames = np.random.default_rng(0).integers(0, 255, (2, 6, 8, 8), np.uint8)
    stacks = np.stack([frames[:, at : at + 4] for at in range(3)], -1)  # (segment, step, height, width, 3)
    log = LabelLog(folder)
    sides = [
        dataclasses.replace(
            segments(f"{side}0", 2, 0, 4), obs=stacks, reward_action=np.zeros((2, 4, 1), np.float32),
            env_action=np.zeros((2, 4, 1), np.float32),
        )
        for side in ("l", "r")
    ]  # fmt: skip
    asked = [Comparison(make_id("c", i), sides[0].id[i], sides[1].id[i], 0) for i in range(2)]
    log.write_comparisons(0, asked, *sides)
    log.write_labels([Label(asked[0].id, Preference.LEFT, "synth", "")])
    (path,) = (folder / "segments").iterdir()
    with np.load(path) as arrays:
        assert "obs_frames" in arrays.files
    facts = EnvFacts("Made-v0", (8, 8, 3), BoxSpace((-1.0,), (1.0,)), (), None, True)
    write_folder(run_source(folder, facts, {}), tmp_path / "d")
    (rows,) = read_folder(tmp_path / "d").read()
    np.testing.assert_array_equal(rows.left.obs, stacks.reshape(8, -1))
    found = rows_to_fit(read_folder(tmp_path / "d"), tmp_path)
    np.testing.assert_array_equal(found.obs[0, 1], stacks[0])


def test_ends_and_lengths_become_phases(tmp_path: Path) -> None:
    about = made.about((2, 3), has_next_obs=True)
    rows = made.rows(about, 2)
    rows = dataclasses.replace(
        rows,
        left=dataclasses.replace(rows.left, end=np.array([NO_END, 2])),  # of 2 steps, and of 3
        right=dataclasses.replace(rows.right, end=np.array([1, NO_END])),
    )
    answers = [Answer(one, "ann", Preference.LEFT) for one in rows.id]
    found = rows_to_fit(made.source(about, [rows], answers), tmp_path)
    assert found.phase.tolist() == [
        [[LIVED, LIVED, ENDED], [LAST, ENDED, ENDED]],
        [[LIVED, LAST, ENDED], [LIVED, LIVED, LIVED]],
    ]
    np.testing.assert_array_equal(found.next_obs[1, 1], found.obs[1, 1] + 1)
    assert not found.obs[0, 0, 2].any()


def test_in_a_file_or_in_memory_the_fit_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_folder(tmp_path / "runs")
    words = ("fit", "--data", folder, "--model", "ensemble", "--steps", 25)
    assert run(*words, "-o", tmp_path / "memory") == 0
    monkeypatch.setattr(labeled_rows, "MOST_IN_MEMORY", 0)
    assert run(*words, "-o", tmp_path / "file") == 0
    assert (tmp_path / "memory" / "reward.npz").read_bytes() == (tmp_path / "file" / "reward.npz").read_bytes()


def test_many_comparisons_are_looked_at_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    labeled = comparisons(70)
    whole = fitting.obs_stats(labeled)
    monkeypatch.setattr(fitting, "AT_ONCE", 16)
    parts = list(fitting.parts(labeled))
    assert [len(part) for part in parts] == [16, 16, 16, 16, 6]
    np.testing.assert_array_equal(np.concatenate([part.obs for part in parts]), labeled.obs)
    some = fitting.obs_stats(labeled)
    np.testing.assert_allclose(some.mean, whole.mean, atol=1e-5)
    np.testing.assert_allclose(some.variance, whole.variance, rtol=1e-5)
    assert len(fitting.window(labeled).action) == 70 * 2 * 6
    monkeypatch.setattr(fitting, "MOST_FRAMES", 120)  # 10 comparisons of 2 x 6 steps
    np.testing.assert_array_equal(fitting.window(labeled).action[:6], labeled.action[0, 0])
    np.testing.assert_array_equal(fitting.window(labeled).action[-6:], labeled.action[-1, 1])
    assert len(fitting.window(labeled).action) == 120


def test_an_array_that_was_let_go_of_holds_its_numbers(tmp_path: Path) -> None:
    array = mapped_array(tmp_path / "a", (1000, 100), np.float32)
    array[:] = np.arange(100)
    release(array)
    (tmp_path / "a").unlink()
    assert array[[3, 999]].tolist() == [list(range(100))] * 2
    release(array[3:])
    rows = np.arange(900)[::-1]
    assert gathered(array, rows).shape == (900, 100)
    index = (np.array([[1], [2]]), np.array([[5, 6]]))
    assert looked_up(array, index).tolist() == looked_up(np.asarray(array).copy(), index).tolist() == [[5, 6]] * 2
    array[7] = 0
    assert not gathered(array, rows)[899 - 7].any()
    array[7] = np.arange(100)
    release(np.zeros(4))
    assert array.sum() == 1000 * 4950


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fit",), "name an experiment, or a source"),
        (("fit", "one", "--data", "two"), "one of the two"),
        (("fit", "--data", "nothing-here"), "no SOURCE 'nothing-here'"),
        (("data", "export", "nothing-here", "--to", "d"), "no SOURCE 'nothing-here'"),
        (("data", "check", "nothing-here"), "nothing-here/rl_teacher.json: cannot be read"),
        (("data",), "the following arguments are required"),
        (("data", "export", "a"), "--to"),
        (("data", "export", "a", "--to", "d", "--format", "odd"), "invalid choice: 'odd'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "d").exists()


def test_a_run_whose_answers_teach_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path / "runs")
    (folder / "labels.jsonl").unlink()
    assert run("fit", "--data", folder, "-o", tmp_path / "r") == 2
    assert "no answer that can be trained on" in capsys.readouterr().err
    (folder / "comparisons.jsonl").unlink()
    assert run("data", "export", folder, "--to", tmp_path / "d") == 2
    assert "has no comparison yet" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "empty", "gone"])
def test_segments_of_a_run_that_cannot_be_read_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    folder = run_folder(tmp_path / "runs")
    path = sorted((folder / "segments").iterdir())[1]
    with np.load(path) as arrays:
        lost = str(arrays["id"][0])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    if damage == "gone":
        path.unlink()
    assert run("data", "export", folder, "--to", tmp_path / "d") == 2
    told = capsys.readouterr().err
    assert (lost if damage == "gone" else path.name) in told
    assert told.count("\n") == 1
    assert not (tmp_path / "d").exists()


def test_a_run_of_an_environment_that_changed_since_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path / "runs")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"env_id": "ShortReacher-v1"}))
    assert run("data", "export", folder, "--to", tmp_path / "d") == 2
    assert "DataMismatch" in capsys.readouterr().err

"""Preference data of others: the right rows, the right answers, and a name for what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.cli import main
from rl_teacher.data.folder import read_folder
from rl_teacher.data.importers.forms import read_form
from rl_teacher.data.importers.pairs import Given
from rl_teacher.errors import DataDamaged, DataError, DataMismatch, DataRefused
from tests.data import sets
from tests.data.others_data import EPISODES, OBS, L, R, T, dump, expect_rows, human_label, rows_of, said


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return sets.write_d4rl(tmp_path / "hopper-medium-v2.hdf5", EPISODES)


def test_start_rows_of_preference_transformer_count_the_view_without_cut_off_steps(
    tmp_path: Path, dataset: Path
) -> None:
    # 9 in the view is row 10 of the file: row 9 was the last one of an episode that was cut off
    folder = human_label(tmp_path / "hopper-medium-v2", [0, 4, 9], [9, 1, 4], [0, 1, -1])
    source = read_form(folder, "auto", Given(str(dataset)))
    expect_rows(source, [0, 4, 10], [10, 1, 4], 3)
    assert said(source) == [L, R, T]
    assert source.notes == ()
    rows = rows_of(source)
    assert rows.left.episode.tolist() == [0, 1, 2]
    assert rows.right.start.tolist() == [0, 1, 0]
    # the segment of rows 1 to 3 ends with its episode
    assert rows.right.end.tolist() == [-1, 3, -1]
    np.testing.assert_array_equal(rows.left.next_obs[:3], OBS[1:4])


def test_segments_have_100_steps_where_no_name_says_it(tmp_path: Path) -> None:
    episodes = sets.played((150, 150))
    dataset = sets.write_d4rl(tmp_path / "a.hdf5", episodes)
    folder = human_label(tmp_path / "ant", [0], [20], [1], None)
    assert read_form(folder, "preference-transformer", Given(str(dataset))).about.longest == 100
    assert read_form(folder, "auto", Given(str(dataset), steps=50)).about.longest == 50


def test_pairs_that_nobody_was_asked_about_are_left_out(tmp_path: Path, dataset: Path) -> None:
    folder = human_label(tmp_path / "ant", [0, 4, 9], [9, 1, 4], [0, 1])
    source = read_form(folder, "auto", Given(str(dataset)))
    expect_rows(source, [0, 4], [10, 1], 3)


def test_segments_beyond_the_end_of_an_episode_are_told(tmp_path: Path, dataset: Path) -> None:
    folder = human_label(tmp_path / "ant", [2, 7], [9, 0], [0, 1])
    source = read_form(folder, "auto", Given(str(dataset)))
    assert source.notes == ("Mind: 2 of 4 segments reach beyond the end of an episode, as they were labeled.",)
    rows = rows_of(source)
    np.testing.assert_array_equal(rows.left.obs, OBS[[2, 3, 4, 7, 8, 10]])
    assert rows.left.end.tolist() == [-1, -1]


def uni(folder: Path, labels: object, left: object, right: object, domain: str = "mujoco") -> Path:
    stem = f"domain_{domain}_env_hopper-medium-v2_num_3_len_3"
    for name, value in (("a_label", labels), ("b_start", left), ("c_start", right)):
        dump(folder / f"{name}_{stem}.pkl", value)
    return folder


@pytest.mark.parametrize("fake", [False, True])
def test_labels_of_uni_rlhf_are_told_apart_by_sorted_names(tmp_path: Path, dataset: Path, fake: bool) -> None:
    labels = np.array([[1, 0], [0, 1], [0.5, 0.5]]) if fake else np.array([0, 1, -1])
    folder = uni(tmp_path / f"hopper_{'fake' if fake else 'human'}_labels", labels, np.array([0, 4, 9]), [9, 1, 4])
    source = read_form(folder, "auto", Given(str(dataset)))
    expect_rows(source, [0, 4, 10], [10, 1, 4], 3)
    assert said(source) == [L, R, T]
    assert source.about.origin["kind"] == "uni-rlhf"


def folder_of(at: Path, name: str, value: object) -> Path:
    dump(at / name, value)
    return at


def two_sets(at: Path) -> Path:
    human_label(at, [0], [4], [0])
    return human_label(at, [0, 1], [4, 5], [0, 1])


def no_file(at: Path) -> Path:
    at.mkdir()
    return at


ZEROS, FOURS = [0] * 3, [4] * 3
UNSURE = np.array([[0.7, 0.3]] * 3)
REFUSED: dict[str, tuple[str, Callable[[Path], Path], type[DataError], str]] = {
    "names in another order": (
        "x_human_labels", lambda at: uni(at, [0, 4, 9], [9, 1, 4], [0, 1, -1]), DataDamaged, "expected labels 0, 1 and",
    ),
    "probabilities between": (
        "x_fake_labels", lambda at: uni(at, UNSURE, ZEROS, FOURS), DataRefused, r"probabilities \[0.7\]",
    ),
    "pictures": ("x_human_labels", lambda at: uni(at, ZEROS, ZEROS, FOURS, "atari"), DataRefused, "domain 'atari'"),
    "attributes": ("x_attribute", lambda at: uni(at, ZEROS, ZEROS, FOURS), DataRefused, "attribute feedback"),
    "key points": ("x_keypoint", lambda at: folder_of(at, "a", 1), DataRefused, "keypoint feedback"),
    "a label that is none": ("e", lambda at: human_label(at, [0], [4], [2]), DataDamaged, r"values \[2\]"),
    "too many labels": ("e", lambda at: human_label(at, [0], [4], [0, 1]), DataMismatch, "2 labels, but 1 left"),
    "beyond the set": (
        "e", lambda at: human_label(at, [0], [11], [0]), DataMismatch, "right segment is steps 11 to 14, but .* has 13",
    ),
    "texts": ("e", lambda at: human_label(at, [0], ["a"], [0]), DataDamaged, "expected numbers"),
    "half a step": ("e", lambda at: human_label(at, [0], [0.5], [0]), DataDamaged, "whole numbers"),
    "negative": ("e", lambda at: human_label(at, [-1], [4], [0]), DataMismatch, "left segment is steps -1 to 2"),
    "one segment twice": ("e", lambda at: human_label(at, [4], [4], [0]), DataMismatch, "both segments are the same"),
    "two sets": ("e", two_sets, DataRefused, "expected one"),
    "no starts": ("e", lambda at: folder_of(at, "label_human", [0]), DataDamaged, "has no file named as"),
    "an empty folder": ("e", no_file, DataRefused, "looks like nothing that is known"),
    "nothing": ("nothing", lambda at: at, DataMismatch, "there is nothing"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_labels_that_do_not_fit_are_refused_by_name(tmp_path: Path, dataset: Path, what: str) -> None:
    name, write, error_class, told = REFUSED[what]
    path = write(tmp_path / name)
    with pytest.raises(error_class, match=told) as error:
        read_form(path, "auto", Given(str(dataset)))
    assert "\n" not in str(error.value)
    assert str(path.name) in str(error.value)


def test_labels_need_the_data_set_that_they_count(tmp_path: Path) -> None:
    folder = human_label(tmp_path / "e", [0], [4], [0])
    with pytest.raises(DataMismatch, match="Name it by --dataset"):
        read_form(folder, "auto", Given())
    old = sets.write_d4rl(tmp_path / "v0.hdf5", EPISODES, timeouts=False)
    with pytest.raises(DataRefused, match="has no timeouts"):
        read_form(folder, "auto", Given(str(old)))
    table = sets.write_transitions(tmp_path / "a.parquet", EPISODES)
    with pytest.raises(DataRefused, match="is no HDF5 of D4RL"):
        read_form(folder, "auto", Given(str(table)))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_table_of_pairs_reads_alike_however_an_editor_left_it(
    tmp_path: Path, dataset: Path, start: str, mark: str, end: str
) -> None:
    lines = ["Left_start,right_start,preference,who", "0,10,left,ann", "4,1, RIGHT ,", "", "10,4,tie,bob"]
    (tmp_path / "a.csv").write_bytes((start + end.join(lines).replace(",", mark) + end).encode())
    source = read_form(tmp_path / "a.csv", "auto", Given(str(dataset), steps=3))
    expect_rows(source, [0, 4, 10], [10, 1, 4], 3)  # rows of the file, not of the view
    assert said(source) == [L, R, T]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("left_start,right_start\n0,4\n", "has no column preference; it has left_start, right_start"),
        ("left_start,right_start,preference\n0,4,left\n0,4,better\n", "line 3: '0,4,better'"),
        ("left_start,right_start,preference\n0,-4,left\n", "line 2: '0,-4,left'"),
        ("left_start,right_start,preference\n", "holds no pair"),
        ("", "has no column"),
    ],
)
def test_a_line_of_a_table_that_says_something_else_is_named(
    tmp_path: Path, dataset: Path, text: str, told: str
) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataDamaged, match=told):
        read_form(tmp_path / "a.csv", "csv", Given(str(dataset), steps=3))


def test_a_table_needs_the_length_of_segments(tmp_path: Path, dataset: Path) -> None:
    (tmp_path / "a.csv").write_text("left_start,right_start,preference\n0,4,left\n")
    with pytest.raises(DataMismatch, match="--segment-steps"):
        read_form(tmp_path / "a.csv", "csv", Given(str(dataset)))
    (tmp_path / "a.csv").write_bytes("left_start\u00e9".encode("latin1"))
    with pytest.raises(DataDamaged, match="UTF-8"):
        read_form(tmp_path / "a.csv", "csv", Given(str(dataset), steps=3))


def target(episode: int, start: int | None = None, end: int | None = None) -> dict[str, object]:
    found: dict[str, object] = {"id": 1, "origin": "replay", "reference": {"env_name": "x", "episode_num": episode}}
    return found if start is None else found | {"start": start, "end": end}


def feedback(values: object, *targets: dict[str, object], key: str = "preferences") -> dict[str, object]:
    return {"feedback_id": 1, "feedback_type": {"relation": 2}, "content": {key: values}, "target": list(targets)}


@pytest.mark.parametrize("best", ["lowest", "highest"])
@pytest.mark.parametrize("key", ["preferences", "comparison"])
def test_feedback_of_rlhf_blender_compares_stretches_of_episodes(
    tmp_path: Path, dataset: Path, best: str, key: str
) -> None:
    told = [
        feedback([1, 2], target(0, 0, 3), target(2, 0, 3), key=key),
        feedback([2, 1], target(1, 0, 3), target(0, 1, 4), key=key),
        feedback([1.0, 1.0], target(2, 0, 3), target(1, 0, 3), key=key),
    ]
    (tmp_path / "a.json").write_text("\ufeff" + json.dumps(told))
    source = read_form(tmp_path / "a.json", "auto", Given(str(dataset), best=best))
    expect_rows(source, [0, 4, 10], [10, 1, 4], 3)
    assert said(source) == ([L, R, T] if best == "lowest" else [R, L, T])
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, told)))
    assert said(read_form(tmp_path / "a.jsonl", "auto", Given(str(dataset), best=best))) == said(source)


ONE, OTHER = target(0, 0, 3), target(1, 0, 3)
BLENDER = {
    "a rating": (feedback(0.5, ONE, key="score"), DataRefused, "feedback 0: is an evaluation of one episode .score."),
    "a demonstration": (feedback({}, ONE, key="demonstration"), DataRefused, "is a demonstration"),
    "a correction": (feedback({}, ONE, key="correction"), DataRefused, "is a correction"),
    "features": (feedback([{}], ONE, key="feature_selection"), DataRefused, "is a description of features"),
    "a ranking of three": (feedback([1, 2], ONE, OTHER, ONE), DataRefused, "has 3 targets"),
    "three numbers": (feedback([1, 2, 3], ONE, OTHER), DataRefused, r"preferences are '\[1, 2, 3\]'"),
    "single states": (feedback([1, 2], target(0) | {"step": 3}, OTHER), DataRefused, "single states"),
    "no reference": (feedback([1, 2], {"id": 1}, OTHER), DataDamaged, "expected a reference"),
    "another episode": (feedback([1, 2], target(7), OTHER), DataMismatch, "episode 7, .* has 3 from 0"),
    "beyond an episode": (feedback([1, 2], target(0, 2, 5), OTHER), DataMismatch, "2 to 5 of episode 0, which has 4"),
    "two lengths": (feedback([1, 2], target(0), target(1)), DataRefused, "4 and 6 steps"),
    "no content": ({"target": []}, DataDamaged, "its content is"),
    "no object": ("text", DataDamaged, "expected an object"),
}  # fmt: skip


@pytest.mark.parametrize("what", BLENDER)
def test_feedback_that_is_no_comparison_is_refused_by_name(tmp_path: Path, dataset: Path, what: str) -> None:
    told, error_class, reason = BLENDER[what]
    (tmp_path / "a.json").write_text(json.dumps([told]))
    with pytest.raises(error_class, match=reason) as error:
        read_form(tmp_path / "a.json", "rlhf-blender", Given(str(dataset), best="lowest"))
    assert "\n" not in str(error.value)


def test_numbers_of_rlhf_blender_need_a_meaning_and_lengths_can_be_cut(tmp_path: Path, dataset: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([feedback([1, 2], target(0), target(1))]))
    with pytest.raises(DataMismatch, match="--best lowest"):
        read_form(tmp_path / "a.json", "auto", Given(str(dataset)))
    source = read_form(tmp_path / "a.json", "auto", Given(str(dataset), steps=4, best="lowest"))
    expect_rows(source, [0], [4], 4)
    (tmp_path / "a.json").write_text("[{")
    with pytest.raises(DataDamaged, match="cannot be read as JSON"):
        read_form(tmp_path / "a.json", "auto", Given(str(dataset), best="lowest"))


def test_the_command_takes_an_environment_and_says_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    episodes = [
        sets.Played(np.zeros((9, 4), np.float32) + i, np.array([0, 1] * 4), np.ones(8), False) for i in range(3)
    ]
    dataset = sets.write_d4rl(tmp_path / "cart.hdf5", episodes)
    folder = human_label(tmp_path / "cart", [0, 7], [7, 1], [0, 1], 3)
    words = ["data", "import", str(folder), "--dataset", str(dataset), "--to", str(tmp_path / "d")]
    assert main([*words, "--env", "CartPole-v1"]) == 0
    assert "2 comparisons of 3 steps in CartPole-v1" in capsys.readouterr().out
    about = read_folder(tmp_path / "d").about
    assert about.action.n == 2
    assert about.origin["kind"] == "preference-transformer"
    assert main([*words[:-1], str(tmp_path / "e"), "--env", "ShortHopper-v1"]) == 2
    assert "--env ShortHopper-v1: has observations of shape (11,)" in capsys.readouterr().err
    assert main(["fit", "--data", str(tmp_path / "d"), "--model", "constant", "-o", str(tmp_path / "r")]) == 0

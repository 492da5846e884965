"""Preference data of others: the right rows, the right answers, and a name for what is refused."""

import dataclasses
import json
import os
import pickle
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.cli import main
from rl_teacher.data.folder import read_folder
from rl_teacher.data.importers.forms import read_form
from rl_teacher.data.importers.pairs import Given
from rl_teacher.data.rows import Answer, Rows, Source
from rl_teacher.errors import DataDamaged, DataError, DataMismatch, DataRefused
from rl_teacher.records import Preference
from tests.data import made, sets

EPISODES = sets.played((4, 6, 5))
"""Rows 0 to 3, which ended, 4 to 9 and 10 to 14, which were cut off."""
OBS = np.concatenate([one.obs[:-1] for one in EPISODES])
ACTION = np.concatenate([one.action for one in EPISODES])
VIEW = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13]
"""Rows of the file that `qlearning_dataset` keeps: without the last one of episodes that were cut off."""
L, R, T = Preference.LEFT, Preference.RIGHT, Preference.TIE


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return sets.write_d4rl(tmp_path / "hopper-medium-v2.hdf5", EPISODES)


def dump(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(value))


def human_label(folder: Path, left: list[int], right: list[int], said: list[int], length: int | None = 3) -> Path:
    name = f"num{len(left)}" + (f"_q{length}" if length else "")
    dump(folder / f"indices_{name}", np.array(left, np.int32))
    dump(folder / f"indices_2_{name}", right)
    dump(folder / "label_human", said)
    return folder


def rows_of(source: Source) -> Rows:
    (rows,) = source.read()
    return rows


def expect_rows(source: Source, left: list[int], right: list[int], length: int) -> None:
    """That the segments are these rows of the file."""
    rows = rows_of(source)
    for side, starts in ((rows.left, left), (rows.right, right)):
        at = np.concatenate([np.arange(start, start + length) for start in starts])
        np.testing.assert_array_equal(side.obs, OBS[at])
        np.testing.assert_array_equal(side.action, ACTION[at])


def said(source: Source) -> list[Preference | None]:
    return [one.preference for one in source.answers]


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


# -- imitation -------------------------------------------------------------------------------------------------------


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Classes with the names of imitation's, as a program that has it would pickle them."""
    found = types.SimpleNamespace()
    for module, names in (
        ("imitation", ()), ("imitation.data", ()), ("imitation.data.types", ("TrajectoryWithRew", "Trajectory")),
        ("imitation.algorithms", ()), ("imitation.algorithms.preference_comparisons", ("PreferenceDataset",)),
    ):  # fmt: skip
        made_module = types.ModuleType(module)
        monkeypatch.setitem(sys.modules, module, made_module)
        for name in names:
            kind = type(name, (), {"__module__": module, "__init__": lambda self, **more: self.__dict__.update(more)})
            setattr(made_module, name, kind)
            setattr(found, name, kind)
    return found


def test_a_pickle_of_imitation_is_read_without_its_classes(tmp_path: Path, others: types.SimpleNamespace) -> None:
    def trajectory(one: sets.Played) -> object:
        return others.TrajectoryWithRew(
            obs=one.obs, acts=one.action, rews=one.reward, infos=None, terminal=one.terminated
        )

    first, second, third = EPISODES
    dataset = others.PreferenceDataset(
        fragments1=[trajectory(first), trajectory(third)], fragments2=[trajectory(second), trajectory(first)],
        preferences=np.array([1.0, 0.5], np.float32), max_size=None,
    )  # fmt: skip
    dump(tmp_path / "preferences.pkl", dataset)
    source = read_form(tmp_path / "preferences.pkl", "auto", Given())
    rows = rows_of(source)
    np.testing.assert_array_equal(rows.left.obs, np.concatenate([first.obs[:-1], third.obs[:-1]]))
    np.testing.assert_array_equal(rows.left.next_obs[:4], first.obs[1:])
    np.testing.assert_array_equal(rows.right.action, np.concatenate([second.action, first.action]))
    assert rows.left.lengths.tolist() == [4, 5]
    assert rows.left.end.tolist() == [4, -1]
    assert said(source) == [L, T]
    assert source.about.has_true_reward
    assert main(["data", "import", str(tmp_path / "preferences.pkl"), "--to", str(tmp_path / "d")]) == 0
    assert not read_folder(tmp_path / "d").about.has_true_reward


def imitation_damage() -> dict[str, tuple[Callable[[types.SimpleNamespace], object], type[DataError], str]]:
    one = {"obs": np.zeros((3, 2)), "acts": np.zeros((2, 1)), "terminal": False}

    def of(them: types.SimpleNamespace, preferences: object = (1.0,), **more: object) -> object:
        sides = [[them.Trajectory(**(one | more))], [them.Trajectory(**one)]]
        return them.PreferenceDataset(fragments1=sides[0], fragments2=sides[1], preferences=np.array(preferences))

    return {
        "another class": (lambda them: them.Trajectory(obs=Path("a")), DataRefused, "holds pathlib"),
        "no dataset": (lambda them: [1, 2], DataRefused, "holds a list, expected a PreferenceDataset"),
        "unsure": (lambda them: of(them, [0.7]), DataRefused, r"preferences \[0.7\]"),
        "too many": (lambda them: of(them, [1.0, 0.0]), DataDamaged, r"\[1, 1\] segments and 2 preferences"),
        "none": (lambda them: of(them, []), DataDamaged, "0 preferences"),
        "too few observations": (lambda them: of(them, obs=np.zeros((2, 2))), DataDamaged, "more than actions"),
        "other spaces": (lambda them: of(them, obs=np.zeros((3, 4))), DataMismatch, "observations of shape"),
        "choices": (lambda them: of(them, acts=np.zeros(2, int)), DataMismatch, "--env ID"),
    }  # fmt: skip


@pytest.mark.parametrize("what", imitation_damage())
def test_a_pickle_of_imitation_that_does_not_fit_is_refused(
    tmp_path: Path, others: types.SimpleNamespace, what: str
) -> None:
    make, error_class, told = imitation_damage()[what]
    dump(tmp_path / "a.pkl", make(others))
    with pytest.raises(error_class, match=told) as error:
        read_form(tmp_path / "a.pkl", "imitation", Given())
    assert "\n" not in str(error.value)


def exported(folder: Path, form: str, source: Source, *words: str) -> Path:
    """A source in another's form, by way of a folder of ours."""
    from rl_teacher.data.folder import write_folder

    write_folder(source, folder / "ours", with_true_reward=source.about.has_true_reward)
    assert main(["data", "export", str(folder / "ours"), "--to", str(folder / form), "--format", form, *words]) == 0
    return folder / form


def decided(about: made.DataAbout, num: int = 6) -> tuple[Source, Rows]:
    """Comparisons of which the fourth has no target."""
    rows = made.rows(about, num)
    answers = [Answer(one, "ann", [L, R, T, Preference.CANT_TELL, L, R][i % 6]) for i, one in enumerate(rows.id)]
    return made.source(about, [rows], answers), rows


@pytest.mark.parametrize("next_obs", [False, True])
@pytest.mark.parametrize("action", [made.BOX, made.CHOICES])
def test_what_goes_out_for_preference_transformer_comes_back_in(tmp_path: Path, next_obs: bool, action: object) -> None:
    about = made.about(has_next_obs=next_obs, action=action)
    source, rows = decided(about)
    folder = exported(tmp_path, "preference-transformer", source)
    assert {one.name for one in folder.iterdir()} == {
        "indices_num5_q4", "indices_2_num5_q4", "label_human", "dataset.hdf5",
    }  # fmt: skip
    assert pickle.loads((folder / "label_human").read_bytes()).tolist() == [0, 1, -1, 0, 1]
    found = rows_of(read_form(folder, "auto", Given(str(folder / "dataset.hdf5"))))
    kept = np.repeat([True, True, True, False, True, True], 4)
    for one, other in ((found.left, rows.left), (found.right, rows.right)):
        np.testing.assert_array_equal(one.obs, other.obs[kept])
        np.testing.assert_array_equal(one.action, other.action[kept])
        if next_obs:
            np.testing.assert_array_equal(one.next_obs[3::4], other.next_obs[kept][3::4])


@pytest.mark.parametrize("true_reward", [False, True])
def test_what_goes_out_for_imitation_comes_back_in_and_datasets_reads_it(tmp_path: Path, true_reward: bool) -> None:
    about = made.about((2, 4), has_next_obs=True, has_true_reward=True)
    source, rows = decided(about)
    words = ("--with-true-reward",) if true_reward else ()
    folder = exported(tmp_path, "imitation", source, *words)
    back = read_form(folder, "auto", Given())
    assert said(back) == [L, R, T, L, R]
    found = rows_of(back)
    kept = np.repeat(np.arange(6) != 3, rows.left.lengths)
    np.testing.assert_array_equal(found.left.obs, rows.left.obs[kept])
    np.testing.assert_array_equal(found.left.action, rows.left.action[kept])
    assert back.about.has_true_reward == true_reward
    if true_reward:
        np.testing.assert_array_equal(found.left.true_reward, rows.left.true_reward[kept])
        return
    program = """
import sys, datasets
for side in ("left", "right"):
    found = datasets.load_from_disk(f"{sys.argv[1]}/{side}")
    print(len(found), sorted(found.column_names), len(found[0]["obs"]) - len(found[0]["acts"]))
"""
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], env={**os.environ, **offline}, capture_output=True, text=True,
        check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["5 ['acts', 'infos', 'obs', 'terminal'] 1"] * 2


@pytest.mark.parametrize(
    ("form", "change", "told"),
    [
        ("preference-transformer", {"steps": (2, 4)}, "room for one length"),
        ("preference-transformer", {"answers": "mean"}, r"labelers differ, with the targets \[0.75\]"),
        ("preference-transformer", {"answers": "none"}, "no comparison that can be trained on"),
        ("imitation", {"answers": "none"}, "no comparison that can be trained on"),
        ("imitation", {"words": ("--with-clips",)}, "no place for clips"),
        ("imitation", {"words": ("--with-true-reward",)}, "has no true rewards"),
    ],
)
def test_what_another_form_has_no_room_for_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, change: dict[str, object], told: str
) -> None:
    about = made.about(change.get("steps", (4, 4)))
    source, rows = decided(about)
    one = rows.id[0]
    answers = {"mean": [Answer(one, "ann", L), Answer(one, "bob", T)], "none": []}.get(str(change.get("answers")))
    if answers is not None:
        source = dataclasses.replace(source, answers=answers)
    from rl_teacher.data.folder import write_folder

    write_folder(source, tmp_path / "ours")
    words = ["data", "export", str(tmp_path / "ours"), "--to", str(tmp_path / "x"), "--format", form]
    assert main([*words, *change.get("words", ())]) == 2
    import re

    error = capsys.readouterr().err
    assert re.search(told, error), error
    assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"ours"}


def test_export_import_export_makes_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = made.about(has_true_reward=True)
    source, _ = decided(about)
    from rl_teacher.data.folder import write_folder

    for words in ((), ("--with-true-reward",)):
        home = tmp_path / str(len(words))
        home.mkdir()
        write_folder(source, home / "a", with_true_reward=bool(words))
        assert main(["data", "import", str(home / "a"), "--to", str(home / "b")]) == 0
        assert main(["data", "export", str(home / "b"), "--to", str(home / "c"), *words]) == 0
        files = [
            {str(one.relative_to(home / name)): one.read_bytes() for one in (home / name).rglob("*") if one.is_file()}
            for name in ("a", "b", "c")
        ]
        assert files[0] == files[1] == files[2]


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

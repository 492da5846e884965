"""A folder of comparisons: read back as it was written, the same bytes again, and one line for each damage."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_teacher.data.check import check_folder
from rl_teacher.data.folder import COMPARISONS, HEAD, LABELS, read_folder, write_folder
from rl_teacher.data.rows import NO_END, Answer, Rows
from rl_teacher.data.tables import rows_per_group
from rl_teacher.errors import DataDamaged, DataError, DataMismatch, DataRefused, FolderUnwritable
from rl_teacher.records import Preference
from tests.data import made

ABOUT = made.about()


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def written(folder: Path, num: int = 5, **more: object) -> Path:
    write_folder(made.source(ABOUT, [made.rows(ABOUT, num)]), folder, **more)
    return folder


def test_a_row_says_what_was_asked_and_what_was_answered(tmp_path: Path) -> None:
    rows = made.rows(ABOUT, 2)
    one, other = rows.id
    answers = [
        Answer(one, "ann", Preference.LEFT, "2026-01-01T00:00:00+00:00", 700, 0.5),
        Answer(one, "bob", Preference.RIGHT, "2026-01-01T00:00:01+00:00"),
        Answer(one, "bob", Preference.TIE, "2026-01-01T00:00:02+00:00", 900),
        Answer(other, "ann", Preference.RIGHT, "2026-01-01T00:00:03+00:00"),
        Answer(other, "ann", None, "2026-01-01T00:00:04+00:00"),
    ]
    write_folder(made.source(ABOUT, [rows], answers), tmp_path / "d")
    first, second = pq.read_table(tmp_path / "d" / COMPARISONS).to_pylist()
    # ann: left, 1; bob: first right, then a tie, 0.5; mean 0.75
    assert (first["target"], first["preference"], first["labeler"], first["rt_ms"]) == (0.75, "tie", "bob", 900)
    assert (second["target"], second["preference"], second["labeler"]) == (None, None, None)  # withdrawn
    assert np.array_equal(np.float32(first["right_obs"]), rows.right.obs[:4])
    assert first["left_end"] is None or first["left_end"] == rows.left.end[0]
    assert read_folder(tmp_path / "d").answers == answers
    assert set(first) & {"left_true_reward", "left_clip", "left_sim_state"} == set()


@settings(max_examples=25)
@given(
    data=st.data(),
    steps=st.tuples(st.integers(1, 4), st.integers(0, 3)),
    choices=st.booleans(),
    next_obs=st.booleans(),
    true_reward=st.booleans(),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4),
)
def test_what_was_written_is_read_back_and_makes_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, steps: tuple[int, int], choices: bool,
    next_obs: bool, true_reward: bool, sizes: list[int],
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("round")
    about = made.about(
        (steps[0], sum(steps)), made.CHOICES if choices else made.BOX,
        has_next_obs=next_obs, has_true_reward=true_reward, is_fixed_horizon=not next_obs,
    )  # fmt: skip
    parts = [made.rows(about, num, seed) for seed, num in enumerate(sizes)]
    ids = [one for part in parts for one in part.id]
    answers = data.draw(
        st.lists(
            st.builds(
                Answer, st.sampled_from(ids), st.sampled_from(["ann", "bob"]),
                st.none() | st.sampled_from(Preference), st.just("2026-01-01T00:00:00+00:00"),
                st.none() | st.integers(0, 10_000), st.none() | st.floats(0, 1),
            )
        )
    )  # fmt: skip
    source = made.source(about, parts, answers)
    write_folder(source, folder / "a", with_true_reward=true_reward)
    found = read_folder(folder / "a")
    assert found.about == about
    assert found.answers == answers
    assert made.joined(list(found.read())) == made.joined(parts)
    write_folder(found, folder / "b", with_true_reward=true_reward)
    assert bytes_of(folder / "a") == bytes_of(folder / "b")
    assert check_folder(folder / "a").comparisons == sum(sizes)


def test_rows_are_grouped_alike_however_they_came(tmp_path: Path) -> None:
    about = made.about((200, 200), obs_shape=(1000,), names=())  # some 2 MB a comparison
    rows = made.rows(about, 20)
    size = rows_per_group(about)
    assert 1 < size < 20
    write_folder(made.source(about, [rows]), tmp_path / "whole")
    one_by_one = [
        Rows([rows.id[i]], rows.step[i : i + 1], *(cut(of, i) for of in (rows.left, rows.right))) for i in range(20)
    ]
    write_folder(made.source(about, one_by_one, made.source(about, [rows]).answers), tmp_path / "parts")
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "parts")
    assert pq.ParquetFile(tmp_path / "whole" / COMPARISONS).metadata.num_row_groups == -(-20 // size)


def cut(of: made.Side, row: int) -> made.Side:
    bounds = of.bounds()
    steps, one = slice(bounds[row], bounds[row + 1]), slice(row, row + 1)
    parts = {
        field.name: getattr(of, field.name)[steps if field.name in ("obs", "action") else one]
        for field in dataclasses.fields(of)
        if getattr(of, field.name) is not None
    }
    return made.Side(**parts)


def test_the_true_reward_comes_only_when_asked_for(tmp_path: Path) -> None:
    about = made.about(has_true_reward=True)
    source = made.source(about, [made.rows(about, 3)])
    write_folder(source, tmp_path / "blind")
    write_folder(source, tmp_path / "told", with_true_reward=True)
    names = {name: pq.read_schema(tmp_path / name / COMPARISONS).names for name in ("blind", "told")}
    assert set(names["told"]) - set(names["blind"]) == {"left_true_reward", "right_true_reward"}
    assert json.loads((tmp_path / "blind" / HEAD).read_text())["true_reward"] is False
    write_folder(read_folder(tmp_path / "told"), tmp_path / "again")
    assert bytes_of(tmp_path / "again") == bytes_of(tmp_path / "blind")
    with pytest.raises(DataMismatch, match="has no true rewards"):
        write_folder(read_folder(tmp_path / "blind"), tmp_path / "never", with_true_reward=True)
    assert not (tmp_path / "never").exists()


def test_clips_lie_beside_the_tables_and_go_along(tmp_path: Path) -> None:
    rows = made.rows(ABOUT, 3)
    source = made.source(dataclasses.replace(ABOUT, has_clips=True), [rows])
    source = dataclasses.replace(source, clip=lambda one: f"mp4 of {one}".encode())
    write_folder(source, tmp_path / "a", with_clips=True)
    name = pq.read_table(tmp_path / "a" / COMPARISONS).column("left_clip").to_pylist()[1]
    assert (tmp_path / "a" / name).read_bytes() == f"mp4 of {rows.left.id[1]}".encode()
    write_folder(read_folder(tmp_path / "a"), tmp_path / "b", with_clips=True)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert "has clips" in check_folder(tmp_path / "a").text()
    (tmp_path / "a" / name).write_bytes(b"another")
    with pytest.raises(DataDamaged, match=r"clips/.*sha256"):
        check_folder(tmp_path / "a")


def test_datasets_loads_the_folder_without_a_script_and_without_a_network(tmp_path: Path) -> None:
    written(tmp_path / "d")
    program = """
import sys, datasets
comparisons = datasets.load_dataset(sys.argv[1], split="train")
labels = datasets.load_dataset(sys.argv[1], "labels", split="train")
assert comparisons.with_format("numpy")[0]["left_obs"].shape == (4, 3)
print(len(comparisons), len(labels), comparisons[0]["id"], labels[1]["preference"])
"""
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "d")], env={**os.environ, **offline},
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.split() == ["5", "5", made.rows(ABOUT, 5).id[0], "right"]


def replaced(folder: Path, name: str, column: str, value: object) -> None:
    """Write a table again with another column, and its new hash."""
    import hashlib

    table = pq.read_table(folder / name)
    index = table.schema.get_field_index(column)
    changed = table.remove_column(index)
    if value is not None:
        changed = table.set_column(index, table.schema.field(index), pa.array(value, table.schema.field(index).type))
    pq.write_table(changed, folder / name)
    head = json.loads((folder / HEAD).read_text())
    head["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / HEAD).write_text(json.dumps(head))


OBS = [[[1.0, 2.0, 3.0]] * 4] * 5
DAMAGE = {
    "a number that is none": (COMPARISONS, "left_obs", [[[1.0, float("nan"), 3.0]] * 4, *OBS[1:]], "left_obs.*nan"),
    "a missing column": (COMPARISONS, "right_action", None, "0 columns named 'right_action'"),
    "a missing value": (COMPARISONS, "step", [1, None, 3, 4, 5], "step is missing in 1 places"),
    "missing arrays": (COMPARISONS, "left_obs", [None, *OBS[1:]], "left_obs is missing"),
    "the same comparison twice": (COMPARISONS, "id", ["a", "a", "b", "c", "d"], "comparison a is there twice"),
    "one side twice": (COMPARISONS, "left_id", [made.rows(ABOUT, 5).right.id[0]] * 5, "expected two"),
    "an end behind the end": (COMPARISONS, "left_end", [9, None, None, None, None], "of 4 steps ends after 9"),
    "another target": (COMPARISONS, "target", [0.0] * 5, "but its labels say 1.0"),
    "another answer": (COMPARISONS, "preference", ["tie"] * 5, "preference 'tie'"),
    "an answer to nothing": (LABELS, "comparison", ["lost"] * 5, "comparison lost, which is not there"),
    "an unknown preference": (LABELS, "preference", ["lefft"] * 5, "row 0: got"),
    "a missing labeler": (LABELS, "labeler", [None] * 5, "row 0: got"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_table_that_was_changed_is_named(tmp_path: Path, what: str) -> None:
    name, column, value, said = DAMAGE[what]
    replaced(written(tmp_path / "d"), name, column, value)
    with pytest.raises(DataDamaged, match=said) as error:
        check_folder(tmp_path / "d")
    assert "\n" not in str(error.value)
    assert str(tmp_path / "d") in str(error.value)


@pytest.mark.parametrize("name", [COMPARISONS, LABELS])
@pytest.mark.parametrize("damage", ["cut", "gone", "empty", "flipped", "folder"])
def test_a_file_that_is_not_whole_is_named(tmp_path: Path, name: str, damage: str) -> None:
    path = written(tmp_path / "d") / name
    data = path.read_bytes()
    middle = len(data) // 2
    changed = {
        "cut": data[:-100],
        "empty": b"",
        "flipped": data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
    }
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage in changed:
        path.write_bytes(changed[damage])
    with pytest.raises(DataDamaged, match=path.name) as error:
        check_folder(tmp_path / "d")
    assert "\n" not in str(error.value)
    if damage != "flipped":  # a single bit is found by the hash that `check` looks at
        with pytest.raises(DataDamaged, match=path.name):
            list(read_folder(tmp_path / "d").read())


HEADS = {
    "a newer schema": (lambda head: head | {"schema": "rl-teacher/comparisons/9"}, DataRefused, "pip install -U"),
    "no schema": (lambda head: {}, DataDamaged, "says no schema"),
    "no object": (lambda head: [], DataDamaged, "says no schema"),
    "no env_id": (lambda head: {k: v for k, v in head.items() if k != "env_id"}, DataDamaged, "'env_id' is missing"),
    "odd steps": (lambda head: head | {"steps": [4, 2]}, DataDamaged, "'steps'"),
    "odd shape": (lambda head: head | {"observation": {"shape": [0], "dtype": "float32"}}, DataDamaged, "'shape'"),
    "odd dtype": (lambda head: head | {"observation": {"shape": [3], "dtype": "object"}}, DataDamaged, "'dtype'"),
    "odd action": (lambda head: head | {"action": {"kind": "text"}}, DataDamaged, "action space"),
    "other spaces": (lambda head: head | {"observation": {"shape": [4], "dtype": "float32"}}, DataDamaged, "left_obs"),
    "another count": (lambda head: head | {"comparisons": 7}, DataDamaged, "counts 7 comparisons"),
    "a file elsewhere": (
        lambda head: head | {"files": head["files"] | {"../secret": "0"}}, DataDamaged, "not in the folder",
    ),
    "no files": (lambda head: head | {"files": {}}, DataDamaged, "'files'"),
}  # fmt: skip


@pytest.mark.parametrize("what", HEADS)
def test_a_head_that_was_changed_is_named(tmp_path: Path, what: str) -> None:
    change, error_class, said = HEADS[what]
    path = written(tmp_path / "d") / HEAD
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(error_class, match=said) as error:
        check_folder(tmp_path / "d")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_head_that_is_no_json_is_named(tmp_path: Path, data: bytes) -> None:
    (written(tmp_path / "d") / HEAD).write_bytes(data)
    with pytest.raises(DataDamaged, match=HEAD):
        check_folder(tmp_path / "d")


def wrong_rows() -> dict[str, tuple[Rows, str]]:
    rows = made.rows(ABOUT, 3)

    def of_left(**more: object) -> Rows:
        return dataclasses.replace(rows, left=dataclasses.replace(rows.left, **more))

    bad = rows.left.action.copy()
    bad[5, 1] = np.inf
    return {
        "an infinity": (
            of_left(action=bad),
            f"comparison {rows.id[1]}, step 1 of its left segment: left_action.1. is inf",
        ),
        "too few actions": (of_left(action=rows.left.action[:-1]), r"left_action has the shape \(11, 2\)"),
        "too many numbers": (of_left(obs=np.zeros((12, 4), np.float32)), r"left_obs has the shape \(12, 4\)"),
        "odd lengths": (of_left(lengths=np.array([4, 3, 5])), "has 3 steps, expected 4"),
        "no id": (of_left(id=["", "x", "y"]), "its sides are ''"),
        "too few ends": (of_left(end=np.full(2, NO_END)), "expected as many"),
        "twice": (dataclasses.replace(rows, id=[rows.id[0]] * 3), "is there twice"),
    }


@pytest.mark.parametrize("what", wrong_rows())
def test_nothing_is_written_of_rows_that_are_none(tmp_path: Path, what: str) -> None:
    rows, said = wrong_rows()[what]
    with pytest.raises(DataDamaged, match=said):
        write_folder(made.source(ABOUT, [rows], []), tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_a_choice_that_is_none_is_named(tmp_path: Path) -> None:
    about = made.about(action=made.CHOICES)
    rows = made.rows(about, 2)
    rows.right.action[6] = 4
    with pytest.raises(DataDamaged, match=r"step 2 of its right segment: right_action is 4, expected 1 to 3"):
        write_folder(made.source(about, [rows]), tmp_path / "d")


def test_what_holds_no_comparison_makes_no_folder(tmp_path: Path) -> None:
    for parts in ([], [made.rows(ABOUT, 0)]):
        with pytest.raises(DataMismatch, match="holds no comparison"):
            write_folder(made.source(ABOUT, parts), tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_comparisons_that_nobody_answered_are_kept(tmp_path: Path) -> None:
    write_folder(made.source(ABOUT, [made.rows(ABOUT, 3)], []), tmp_path / "d")
    report = check_folder(tmp_path / "d")
    assert (report.comparisons, report.unanswered, report.answers) == (3, 3, 0)
    assert "3 without an answer" in report.text()


def test_a_folder_that_holds_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine.txt").write_text("mine")
    with pytest.raises(FolderUnwritable, match="is not empty"):
        written(tmp_path / "d")
    assert bytes_of(tmp_path / "d") == {"mine.txt": b"mine"}
    (tmp_path / "empty").mkdir()
    assert isinstance(check_folder(written(tmp_path / "empty")).comparisons, int)


def test_ids_that_would_leave_the_folder_name_no_clip(tmp_path: Path) -> None:
    rows = made.rows(ABOUT, 1)
    rows = dataclasses.replace(rows, left=dataclasses.replace(rows.left, id=["../../escaped"]))
    source = dataclasses.replace(
        made.source(dataclasses.replace(ABOUT, has_clips=True), [rows]), clip=lambda one: b"mp4"
    )
    with pytest.raises(DataError, match="no file can be named so"):
        write_folder(source, tmp_path / "d", with_clips=True)
    assert list(tmp_path.iterdir()) == []

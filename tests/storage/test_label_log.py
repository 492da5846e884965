"""The label log: append-only, whole after a crash, the same when a round is repeated."""

import json
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.core.arrays import NO_END, Segments
from rl_teacher.errors import FileDamaged
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.records import Comparison, Label, Preference
from rl_teacher.storage.label_log import COMPARISONS, LABELS, LabelLog
from tests.storage.former_files import in_former_form


def segments(prefix: str, num: int = 2, end: list[int] | None = None) -> Segments:
    grid = np.arange(num * 3, dtype=np.float32).reshape(num, 3)
    return Segments(
        id=np.array([f"{prefix}{i}" for i in range(num)], dtype="U36"), obs=np.stack([grid, grid], -1),
        reward_action=grid[..., None], env_action=grid[..., None], true_reward=grid,
        sim_state=np.zeros((num, 3, 4)), env=np.arange(num), episode=np.zeros(num, np.int64),
        start=np.zeros(num, np.int64), iteration=np.zeros(num, np.int64),
        end=np.full(num, NO_END) if end is None else np.array(end), next_obs=np.zeros((num, 3, 0)),
    )  # fmt: skip


PAIRS = [Comparison("c0000000", "l0", "r0", 5), Comparison("c1111111", "l1", "r1", 5)]


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    log = LabelLog(tmp_path)
    log.write_comparisons(3, PAIRS, segments("l"), segments("r"))
    log.write_labels([Label("c0000000", Preference.LEFT, "a", ""), Label("c1111111", Preference.TIE, "a", "")])
    dataset = Dataset()
    LabelLog(tmp_path).read(dataset, before_iteration=4)
    labeled = dataset.labeled()
    assert labeled is not None
    assert dataset.comparisons == PAIRS
    np.testing.assert_array_equal(labeled.target, [1.0, 0.5])
    np.testing.assert_array_equal(labeled.obs[:, 0], segments("l").obs)


def test_rounds_after_the_checkpoint_are_left_to_be_asked_again(tmp_path: Path) -> None:
    log = LabelLog(tmp_path)
    log.write_comparisons(3, PAIRS[:1], segments("l", 1), segments("r", 1))
    log.write_comparisons(5, PAIRS[1:], rows("l", 1), rows("r", 1))
    dataset = Dataset()
    log.read(dataset, before_iteration=5)
    assert dataset.comparisons == PAIRS[:1]


def test_repeating_a_round_changes_no_byte(tmp_path: Path) -> None:
    def write(log: LabelLog) -> list[bytes]:
        log.write_comparisons(3, PAIRS, segments("l"), segments("r"))
        log.write_labels([Label("c0000000", Preference.LEFT, "a", "")])
        return [(tmp_path / name).read_bytes() for name in (COMPARISONS, LABELS)]

    assert write(LabelLog(tmp_path)) == write(LabelLog(tmp_path))


def test_a_line_torn_by_a_crash_is_dropped_and_the_next_one_is_whole(tmp_path: Path) -> None:
    log = LabelLog(tmp_path)
    log.write_labels([Label("c0000000", Preference.LEFT, "a", "")])
    with (tmp_path / LABELS).open("ab") as file:
        file.write(b'{"comparison": "c111')
    log = LabelLog(tmp_path)
    log.write_labels([Label("c1111111", Preference.RIGHT, "a", "")])
    assert [label.preference for label in LabelLog(tmp_path).labels()] == [Preference.LEFT, Preference.RIGHT]


def test_a_revision_is_appended_and_wins(tmp_path: Path) -> None:
    log = LabelLog(tmp_path)
    log.write_comparisons(0, PAIRS, segments("l"), segments("r"))
    log.write_labels([Label("c0000000", Preference.LEFT, "a", "1")])
    log.write_labels([Label("c0000000", Preference.RIGHT, "a", "2")])
    dataset = Dataset()
    log.read(dataset, before_iteration=1)
    labeled = dataset.labeled()
    assert labeled is not None
    np.testing.assert_array_equal(labeled.target, [0.0])
    assert len((tmp_path / LABELS).read_text().splitlines()) == 2


def test_ends_are_written_and_read_back_and_where_there_are_none_nothing_is_written(tmp_path: Path) -> None:
    ended, endless = tmp_path / "ended", tmp_path / "endless"
    LabelLog(ended).write_comparisons(3, PAIRS, segments("l", end=[NO_END, 2]), segments("r"))
    LabelLog(endless).write_comparisons(3, PAIRS, segments("l"), segments("r"))
    written: list[set[str]] = []
    for folder in (ended, endless):
        (file,) = (folder / "segments").iterdir()
        with np.load(file) as arrays:
            written.append(set(arrays.files))
    assert written[0] - written[1] == {"end"}
    dataset = Dataset()
    log = LabelLog(ended)
    log.write_labels([Label(pair.id, Preference.LEFT, "a", "") for pair in PAIRS])
    log.read(dataset)
    # of three steps the second is the last one of its episode
    assert dataset.labeled().phase.tolist() == [[[0, 0, 0], [0, 0, 0]], [[0, 1, 2], [0, 0, 0]]]


def test_a_file_that_lacks_another_array_is_damaged_and_not_filled_up(tmp_path: Path) -> None:
    LabelLog(tmp_path).write_comparisons(3, PAIRS, segments("l"), segments("r"))
    (file,) = (tmp_path / "segments").iterdir()
    with np.load(file) as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "obs"}
    np.savez(file, allow_pickle=False, **kept)
    with pytest.raises(FileDamaged, match="cannot be read"):
        LabelLog(tmp_path).read(Dataset())


def asked_and_answered(folder: Path) -> None:
    log = LabelLog(folder)
    log.write_comparisons(3, PAIRS, segments("l"), segments("r"))
    log.write_labels([Label("c0000000", Preference.LEFT, "a", ""), Label("c1111111", Preference.TIE, "a", "")])


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("name", [COMPARISONS, LABELS])
def test_a_log_that_was_edited_by_hand_loses_nothing(tmp_path: Path, name: str, end: bytes) -> None:
    asked_and_answered(tmp_path)
    data = (tmp_path / name).read_bytes().replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + data + end)
    log, dataset = LabelLog(tmp_path), Dataset()
    log.write_labels([Label("c0000000", Preference.RIGHT, "b", "")])
    log.read(dataset)
    assert dataset.comparisons == PAIRS
    assert [label.preference for label in log.labels()] == [Preference.LEFT, Preference.TIE, Preference.RIGHT]
    asked_and_answered(tmp_path)  # known already
    assert len(list(LabelLog(tmp_path).labels())) == 3


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        (LABELS, b'"left"', b'"lefft"', "labels.jsonl, entry 1: got preference 'lefft'"),
        (LABELS, b'"labeler": "a", ', b"", "labels.jsonl, entry 1: got labeler None"),
        (LABELS, b"{", b"[{", "labels.jsonl, line 1: got"),
        (COMPARISONS, b'"step": 5', b'"step": "5"', "comparisons.jsonl, entry 1: got step '5'"),
        (COMPARISONS, b'"left"', b'"lfet"', "comparisons.jsonl, entry 1: got left None"),
    ],
)
def test_a_line_that_was_broken_by_hand_is_named(
    tmp_path: Path, name: str, before: bytes, after: bytes, said: str
) -> None:
    asked_and_answered(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes().replace(before, after, 1))
    with pytest.raises(FileDamaged) as error:
        LabelLog(tmp_path)
    assert said in str(error.value)


def damaged(path: Path, damage: str) -> None:
    """A file of segments that was cut off, emptied, or whose ids were changed by a disk."""
    data, l0 = path.read_bytes(), "l0".encode("utf-32-le")
    assert l0 in data
    path.write_bytes(
        {"cut": data[:200], "half": data[: len(data) // 2], "empty": b"", "id": data.replace(l0, b"?" * 8)}[damage]
    )


@pytest.mark.parametrize("is_former", [False, True])
@pytest.mark.parametrize("damage", ["cut", "half", "empty", "id"])
def test_segments_that_cannot_be_read_are_named(tmp_path: Path, damage: str, is_former: bool) -> None:
    asked_and_answered(tmp_path)
    if is_former:
        in_former_form(tmp_path)
    (path,) = (tmp_path / "segments").iterdir()
    damaged(path, damage)
    with pytest.raises(FileDamaged, match=f"{path.name}: cannot be read") as error:
        LabelLog(tmp_path).read(Dataset())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("is_former", [False, True])
def test_a_segment_that_no_file_holds_is_named_with_its_comparison(tmp_path: Path, is_former: bool) -> None:
    asked_and_answered(tmp_path)
    if is_former:
        in_former_form(tmp_path)
    (path,) = (tmp_path / "segments").iterdir()
    path.unlink()
    with pytest.raises(FileDamaged, match=r"comparison c0000000 is about segment l0, which no file in .* holds"):
        LabelLog(tmp_path).read(Dataset())


# -- each segment once -----------------------------------------------------------------------------


def rows(prefix: str, *numbers: int) -> Segments:
    """Some of eight segments."""
    return segments(prefix, 8).take(np.array(numbers))


def ids_on_disk(folder: Path) -> list[str]:
    """Of all segments in files of today's form, as often as they are there."""
    found = []
    for path in sorted((folder / "segments").iterdir()):
        with np.load(path) as arrays:
            assert all(len(arrays[name]) == len(arrays["id"]) for name in arrays.files)
            found += arrays["id"].tolist()
    return found


def round_of(log: LabelLog, iteration: int, *pairs: tuple[int, int]) -> list[Comparison]:
    """Ask about pairs of a list of eight segments."""
    asked = [Comparison(f"c{iteration}-{one}-{other}", f"s{one}", f"s{other}", 0) for one, other in pairs]
    log.write_comparisons(
        iteration, asked, rows("s", *(one for one, _ in pairs)), rows("s", *(other for _, other in pairs))
    )
    return asked


def obs_of(dataset: Dataset) -> list[tuple[str, list[float], list[float]]]:
    return [
        (one.id, left.obs.ravel().tolist(), right.obs.ravel().tolist())
        for one, left, right in dataset.pairs(one.id for one in dataset.comparisons)
    ]


def expected(*asked: Comparison) -> list[tuple[str, list[float], list[float]]]:
    """The same, of segments that `rows` makes."""
    sides = [(one.id, rows("s", int(one.left[1:])), rows("s", int(one.right[1:]))) for one in asked]
    return [(one, left.obs.ravel().tolist(), right.obs.ravel().tolist()) for one, left, right in sides]


def test_a_segment_is_on_disk_once_however_often_it_is_asked_about(tmp_path: Path) -> None:
    log = LabelLog(tmp_path)
    asked = round_of(log, 1, (0, 1), (1, 2), (0, 2))
    asked += round_of(log, 2, (3, 0), (2, 3))
    asked += round_of(LabelLog(tmp_path), 3, (4, 1))
    assert ids_on_disk(tmp_path) == ["s0", "s1", "s2", "s3", "s4"]
    before = sorted(path.name for path in (tmp_path / "segments").iterdir())
    assert before == ["000001-s0.npz", "000002-s3.npz", "000003-s4.npz"]
    asked += round_of(LabelLog(tmp_path), 5, (3, 1))
    assert "000005" not in " ".join(path.name for path in (tmp_path / "segments").iterdir())
    line = json.loads((tmp_path / COMPARISONS).read_text().splitlines()[1])
    assert line == {"id": "c1-1-2", "left": "s1", "right": "s2", "step": 0, "iteration": 1}
    dataset = Dataset()
    LabelLog(tmp_path).read(dataset)
    assert dataset.comparisons == asked
    assert obs_of(dataset) == expected(*asked)


def test_a_round_of_which_a_part_is_known_writes_beside_the_file_that_is_there(tmp_path: Path) -> None:
    asked = round_of(LabelLog(tmp_path), 1, (0, 1))
    (path,) = (tmp_path / "segments").iterdir()
    before = path.read_bytes()
    asked = round_of(LabelLog(tmp_path), 1, (0, 1), (2, 3))
    assert path.read_bytes() == before
    dataset = Dataset()
    LabelLog(tmp_path).read(dataset)
    assert obs_of(dataset) == expected(*asked)


def test_arrays_that_a_crash_left_without_lines_are_used_when_the_round_is_repeated(tmp_path: Path) -> None:
    round_of(LabelLog(tmp_path), 1, (0, 1))
    (tmp_path / COMPARISONS).unlink()
    dataset = Dataset()
    LabelLog(tmp_path).read(dataset)
    assert not dataset.comparisons
    (path,) = (tmp_path / "segments").iterdir()
    before = path.read_bytes(), path.stat().st_mtime_ns
    asked = round_of(LabelLog(tmp_path), 1, (0, 1))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    LabelLog(tmp_path).read(dataset)
    assert obs_of(dataset) == expected(*asked)


def test_more_comparisons_than_are_read_at_once_come_back_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, asked = LabelLog(tmp_path), list[Comparison]()
    for iteration in range(20):
        asked += round_of(log, iteration, (iteration % 8, (iteration + 1) % 8), ((iteration + 3) % 8, iteration % 8))
    assert sorted(ids_on_disk(tmp_path)) == [f"s{i}" for i in range(8)]
    for kept in (0, 2**20):  # nothing, or everything, stays in memory
        monkeypatch.setattr("rl_teacher.storage.segment_files.MOST_KEPT", kept)
        dataset = Dataset()
        LabelLog(tmp_path).read(dataset)
        assert obs_of(dataset) == expected(*asked)


def test_a_run_of_version_0_1_is_read_and_goes_on_in_the_form_of_today(tmp_path: Path) -> None:
    asked = round_of(LabelLog(tmp_path), 1, (0, 1), (1, 2)) + round_of(LabelLog(tmp_path), 2, (2, 3))
    in_former_form(tmp_path)
    former = {path: path.read_bytes() for path in (tmp_path / "segments").iterdir()}
    assert len(former) == 2
    lines = (tmp_path / COMPARISONS).read_text()
    assert json.loads(lines.splitlines()[1])["row"] == 1
    dataset = Dataset()
    LabelLog(tmp_path).read(dataset)
    assert obs_of(dataset) == expected(*asked)
    round_of(LabelLog(tmp_path), 2, (2, 3))  # asked again after a crash: nothing is new
    asked += round_of(LabelLog(tmp_path), 3, (3, 0), (0, 4))
    assert all(path.read_bytes() == data for path, data in former.items())
    (new,) = set((tmp_path / "segments").iterdir()) - former.keys()
    with np.load(new) as arrays:
        assert arrays["id"].tolist() == ["s4"]
    assert (tmp_path / COMPARISONS).read_text().startswith(lines)
    dataset = Dataset()
    LabelLog(tmp_path).read(dataset)
    assert obs_of(dataset) == expected(*asked)

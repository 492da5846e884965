"""The label log: append-only, whole after a crash, the same when a round is repeated."""

from pathlib import Path

import numpy as np
import pytest

from rl_teacher.core.arrays import NO_END, Segments
from rl_teacher.errors import FileDamaged
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.records import Comparison, Label, Preference
from rl_teacher.storage.label_log import COMPARISONS, LABELS, LabelLog


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
    log.write_comparisons(5, PAIRS[1:], segments("m", 1), segments("s", 1))
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
    assert written[0] - written[1] == {"left_end"}
    assert not any(name.endswith("_end") for name in written[1])
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
        kept = {name: arrays[name] for name in arrays.files if name != "left_obs"}
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
        (COMPARISONS, b'"row": 0', b'"row": "0"', "comparisons.jsonl, entry 1: got row '0'"),
        (COMPARISONS, b'"file"', b'"fiel"', "comparisons.jsonl, entry 1: got file None"),
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


@pytest.mark.parametrize("damage", ["cut", "gone", "empty"])
def test_segments_that_cannot_be_read_are_named(tmp_path: Path, damage: str) -> None:
    asked_and_answered(tmp_path)
    (path,) = (tmp_path / "segments").iterdir()
    path.write_bytes(path.read_bytes()[:200] if damage == "cut" else b"")
    if damage == "gone":
        path.unlink()
    with pytest.raises(FileDamaged, match=f"{path.name}: cannot be read"):
        LabelLog(tmp_path).read(Dataset())

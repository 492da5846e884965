"""Files that survive a crash."""

from pathlib import Path

import pytest

from rl_teacher.errors import FolderUnwritable
from rl_teacher.files import append_lines, drop_torn_line, read_lines, write_whole


def test_a_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path: Path):
    path = tmp_path / "summary.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["summary.json"]


def test_a_file_that_cannot_be_written_keeps_its_old_content(tmp_path: Path):
    path = tmp_path / "summary.json"
    write_whole(path, b"old")
    (tmp_path / ".summary.json.new").mkdir()  # in the way, as a full disk would be
    with pytest.raises(FolderUnwritable, match=r"summary.json: cannot be written \(Is a directory\)"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_lines_come_back_as_they_were_added(tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    append_lines(path, [{"b": 1, "a": "ä\n"}, "x"])
    append_lines(path, [{"b": 1, "a": 2}], sort_keys=True)
    assert list(read_lines(path)) == [{"b": 1, "a": "ä\n"}, "x", {"a": 2, "b": 1}]
    assert path.read_bytes().endswith(b'\n{"a": 2, "b": 1}\n')


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path):
    assert list(read_lines(tmp_path / "none")) == []
    drop_torn_line(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("torn", "whole"), [(b'{"a": 1}\n{"a', b'{"a": 1}\n'), (b'{"a', b""), (b"", b""), (b"1\n2\n", b"1\n2\n")]
)
def test_a_line_that_a_crash_tore_is_left_out_and_cut_off(tmp_path: Path, torn: bytes, whole: bytes):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(torn)
    assert len(list(read_lines(path))) == whole.count(b"\n")
    drop_torn_line(path)
    assert path.read_bytes() == whole

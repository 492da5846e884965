"""Files that survive a crash."""

import errno
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rl_teacher.errors import FileDamaged, FolderUnwritable
from rl_teacher.files import (
    append_lines,
    drop_torn_line,
    make_folder,
    read_json,
    read_lines,
    require_writable,
    user_path,
    write_json,
    write_whole,
)


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


@pytest.mark.parametrize("special", ["folder", "pipe"])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path, special: str):
    path = tmp_path / "out.png"
    path.mkdir() if special == "folder" else os.mkfifo(path)
    kind = path.stat().st_mode
    with pytest.raises(FolderUnwritable, match=r"out\.png: cannot be written \(it is there, and no file\)"):
        write_whole(path, b"new")
    assert path.stat().st_mode == kind
    assert [one.name for one in tmp_path.iterdir()] == ["out.png"]


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
    ("torn", "whole"),
    [
        (b'{"a": 1}\n{"a', b'{"a": 1}\n'),
        (b'{"a', b""),
        (b"", b""),
        (b"1\n2\n", b"1\n2\n"),
        (b'{"a": 1}\n{"a": 2}', b'{"a": 1}\n{"a": 2}\n'),  # an editor, or a crash just before the end of the line
        (b'"one"', b'"one"\n'),
        (b'"on', b""),
        (b'\xef\xbb\xbf{"a": 1}', b'\xef\xbb\xbf{"a": 1}\n'),
        (b'{"a": 1}\n1', b'{"a": 1}\n'),  # a number may be part of a longer one
    ],
)
def test_a_line_that_a_crash_tore_is_left_out_and_cut_off(tmp_path: Path, torn: bytes, whole: bytes):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(torn)
    assert len(list(read_lines(path))) == whole.count(b"\n")
    drop_torn_line(path)
    assert path.read_bytes() == whole


@contextmanager
def files_of_at_most(num_bytes: int) -> Iterator[None]:
    """Files that cannot grow further: a write takes a part, and the next one fails, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_lines_that_do_not_fit_leave_the_file_as_it_was(tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    append_lines(path, ["a" * 10])
    before = path.read_bytes()
    with (
        files_of_at_most(40),
        pytest.raises(FolderUnwritable, match=r"lines\.jsonl: cannot be written"),
    ):
        append_lines(path, ["b" * 10, "c" * 10, "d" * 10])
    assert path.read_bytes() == before
    append_lines(path, ["e"])
    assert list(read_lines(path)) == ["a" * 10, "e"]


def test_a_whole_file_that_does_not_fit_leaves_the_old_one_and_gives_its_room_back(tmp_path: Path):
    path = tmp_path / "checkpoint.npz"
    write_whole(path, b"old")
    with files_of_at_most(100), pytest.raises(FolderUnwritable):
        write_whole(path, bytes(1000))
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"checkpoint.npz": b"old"}


def test_a_folder_is_tried_with_bytes_and_left_empty(tmp_path: Path):
    with files_of_at_most(100), pytest.raises(FolderUnwritable, match=r"^--tb-dir .*tb: cannot be written \(File too"):
        require_writable(tmp_path / "tb", "--tb-dir")
    assert list((tmp_path / "tb").iterdir()) == []
    require_writable(tmp_path / "tb")
    assert list((tmp_path / "tb").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "to_do"),
    [
        ("x" * 300, "Use a shorter name"),
        ("file", "is no folder: move it away"),
        ("file/x", "is no folder: move it away"),
        ("nowhere", "is no folder: move it away"),
        ("loop/x", "choose another folder"),
    ],
)
def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path, name: str, to_do: str):
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FolderUnwritable, match=to_do):
        make_folder(tmp_path / name)


def test_the_home_of_nobody_is_refused():
    assert user_path("~") == Path(os.path.expanduser("~"))
    with pytest.raises(FolderUnwritable, match="Choose another folder"):
        user_path("~nobody-of-this-name/runs")


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}\n{"a": 2}\n',
        b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n',
        b'{"a": 1}\r\n\r\n{"a": 2}',
        b'\n{"a":1}\n\n  {"a":2}  \n\n',
    ],
)
def test_lines_are_read_as_any_editor_leaves_them(tmp_path: Path, data: bytes):
    (tmp_path / "x").write_bytes(data)
    assert list(read_lines(tmp_path / "x")) == [{"a": 1}, {"a": 2}]


def test_a_line_that_is_none_is_named(tmp_path: Path):
    (tmp_path / "x").write_bytes(b'{"a": 1}\nnonsense\n{"a": 2}\n')
    with pytest.raises(FileDamaged, match=r"x, line 2: got 'nonsense', expected JSON"):
        list(read_lines(tmp_path / "x"))


@pytest.mark.parametrize("data", [b'\xef\xbb\xbf{\r\n "x": 1\r\n}\r\n', b'{"x":1}'])
def test_an_object_is_read_as_any_editor_leaves_it(tmp_path: Path, data: bytes):
    (tmp_path / "x").write_bytes(data)
    assert read_json(tmp_path / "x") == {"x": 1}


@pytest.mark.parametrize("data", [b"", b"[1]", b'{"x": ', b"\xff\xfe\x00", b"{'x': 1}"])
def test_a_file_without_an_object_is_refused(tmp_path: Path, data: bytes):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(FileDamaged, match=r"x: (cannot be read|got list)"):
        read_json(tmp_path / "x")
    write_json(tmp_path / "x", {"x": 1})
    assert read_json(tmp_path / "x") == {"x": 1}


def test_lines_that_cannot_be_read_are_named(tmp_path: Path):
    (tmp_path / "labels.jsonl").mkdir()
    with pytest.raises(FileDamaged, match=r"labels\.jsonl: cannot be read \(Is a directory\)"):
        list(read_lines(tmp_path / "labels.jsonl"))


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_disk_that_cannot_sync_folders_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    fsync = os.fsync

    def of_files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", of_files_only)
    write_whole(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"

"""Run folders: names, locks, what may change on resume."""

import dataclasses
import errno
import fcntl
import importlib.metadata
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_teacher.config.agents import PPOConfig
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import BadRunName, FileDamaged, FolderUnwritable, RunChanged, RunExists, RunLocked, RunMissing
from rl_teacher.files import read_json, write_json
from rl_teacher.storage.folder import find_run, open_run, resumed_settings
from rl_teacher.storage.names import experiment_name, slug


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("base-rl", "base-rl"),
        ("Base RL", "base-rl"),
        ("a  -- b", "a-b"),
        ("syn.1400!", "syn1400"),
        ("Größe_1", "größe_1"),
    ],
)
def test_names_become_folders_as_in_2017(name: str, made: str) -> None:
    assert slug(name) == made


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "/etc", "!!", "-", "a\\b", "a\0b"])
def test_names_that_are_empty_or_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(BadRunName):
        slug(name)


def config(tmp_path: Path, **changes: object) -> RunConfig:
    base = RunConfig(env_id="Hopper-v1", predictor="rl", name="x", runs_dir=str(tmp_path), tb_dir=str(tmp_path / "tb"))
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def test_an_existing_run_is_refused_without_resume(tmp_path: Path) -> None:
    open_run(config(tmp_path))[1].close()
    with pytest.raises(RunExists, match="--resume"):
        open_run(config(tmp_path))
    open_run(config(tmp_path, resume=True, workers=1))[1].close()


def test_two_processes_cannot_work_on_one_run(tmp_path: Path) -> None:
    _, lock = open_run(config(tmp_path))
    with pytest.raises(RunLocked):
        open_run(config(tmp_path, resume=True))
    lock.close()


def test_resuming_with_other_settings_is_refused_and_names_them(tmp_path: Path) -> None:
    open_run(config(tmp_path))[1].close()
    changed = config(tmp_path, resume=True, seed=2, ppo=PPOConfig(num_epochs=3))
    with pytest.raises(RunChanged, match=r"ppo.num_epochs: None -> 3; seed: 1 -> 2"):
        open_run(changed)


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunMissing, match="'nobody'"):
        find_run(str(tmp_path), "nobody")


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 1})
    write_json(tmp_path / "a.json", {"x": 2})
    assert (tmp_path / "a.json").read_text() == '{\n "x": 2\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x" * 256, "ü" * 128, "a-" * 200])
def test_a_name_longer_than_a_disk_takes_is_refused(name: str) -> None:
    with pytest.raises(BadRunName, match=r"\d+ bytes as a folder name, expected at most 255\. Use a shorter name\.$"):
        slug(name)


@pytest.mark.parametrize("name", ["...", "....", ". .", "\udcff", "\ud800.", "‮", "\u200b"])
def test_a_name_of_which_nothing_is_left_is_refused(name: str) -> None:
    with pytest.raises(BadRunName, match="nothing is left"):
        slug(name)


@pytest.mark.parametrize("name", ["human-175", "Human 175", "a_b", "x" * 100, "7"])
def test_an_experiment_is_called_as_its_run_where_a_server_takes_that(name: str) -> None:
    assert experiment_name(name) == slug(name)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("Übung 1", "ubung-1-"),
        ("Größe", "groe-"),
        ("日本", "run-"),
        ("_x", "x-"),
        ("Crème brûlée №2", "creme-brulee-2-"),
        ("x" * 101, "x" * 93 + "-"),
        ("é" * 120, "e" * 93 + "-"),
    ],
)
def test_another_name_becomes_one_that_every_server_takes(name: str, start: str) -> None:
    made = experiment_name(name)
    assert re.fullmatch(re.escape(start) + "[0-9a-f]{6}", made)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", made), "what the server asks for"
    assert experiment_name(slug(name)) == experiment_name(made) == made, "the same from run, folder and server"


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_two_folders_never_share_an_experiment(one: str, other: str) -> None:
    try:
        folders = slug(one), slug(other)
    except BadRunName:
        return
    assert (folders[0] == folders[1]) == (experiment_name(one) == experiment_name(other))
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", experiment_name(one))


# -- odd places -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x" * 5000, "...", "", "\udcff", "!!", "a\\b"])
def test_a_run_of_an_impossible_name_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises((RunMissing, BadRunName)):
        find_run(str(tmp_path), name)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf{}", b"{\r\n}"])
def test_a_config_that_was_edited_by_hand_is_read(tmp_path: Path, data: bytes) -> None:
    open_run(config(tmp_path))[1].close()
    path = tmp_path / "x" / "config.json"
    path.write_bytes(data.replace(b"{", b"{" + path.read_bytes().strip()[1:-1]))
    open_run(config(tmp_path, resume=True))[1].close()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\x00\xff"])
def test_a_config_that_is_damaged_is_named(tmp_path: Path, data: bytes) -> None:
    open_run(config(tmp_path))[1].close()
    (tmp_path / "x" / "config.json").write_bytes(data)
    with pytest.raises(FileDamaged, match=r"config\.json: "):
        open_run(config(tmp_path, resume=True))


def test_a_config_says_which_version_wrote_it(tmp_path: Path) -> None:
    open_run(config(tmp_path))[1].close()
    written = read_json(tmp_path / "x" / "config.json")
    assert written["rl_teacher_version"] == importlib.metadata.version("rl-teacher")


def test_a_setting_that_an_older_version_did_not_write_is_said(tmp_path: Path) -> None:
    open_run(config(tmp_path))[1].close()
    path = tmp_path / "x" / "config.json"
    written = read_json(path)
    del written["rl_teacher_version"], written["reward"]["doubtful_refit_growth"]
    write_json(path, written)
    before = path.read_bytes()
    resumed, notes = resumed_settings(config(tmp_path, resume=True))
    assert resumed == config(tmp_path, resume=True)
    assert notes == [
        "The run was begun by rl-teacher 0.1.0, which did not write down some settings. They are as they were by "
        "default: reward.doubtful_refit_growth = 0.03."
    ]
    open_run(resumed)[1].close()
    assert path.read_bytes() == before, "how it began stays written"


def test_a_disk_without_locks_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(FolderUnwritable, match=r"^--runs-dir .*lock: cannot be written \(No locks available\)"):
        open_run(config(tmp_path))
    assert not list(tmp_path.rglob("config.json"))

"""Run folders: names, locks, what may change on resume."""

import dataclasses
from pathlib import Path

import pytest

from rl_teacher.config.agents import PPOConfig
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import BadRunName, RunChanged, RunExists, RunLocked, RunMissing
from rl_teacher.files import write_json
from rl_teacher.storage.folder import find_run, open_run
from rl_teacher.storage.names import slug


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
def test_names_become_folders_as_in_the_seed(name: str, made: str) -> None:
    assert slug(name) == made


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "/etc", "!!", "-", "a\\b", "a\0b"])
def test_names_that_are_empty_or_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(BadRunName):
        slug(name)


def config(tmp_path: Path, **changes: object) -> RunConfig:
    base = RunConfig(env_id="Hopper-v1", predictor="rl", name="x", runs_dir=str(tmp_path))
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
    with pytest.raises(RunChanged, match=r"ppo.num_epochs: \d+ -> 3; seed: 1 -> 2"):
        open_run(changed)


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunMissing, match="'nobody'"):
        find_run(str(tmp_path), "nobody")


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 1})
    write_json(tmp_path / "a.json", {"x": 2})
    assert (tmp_path / "a.json").read_text() == '{\n "x": 2\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]

"""A disk that is full, or cannot be written, at any moment of a run: one line, and --resume goes on with every byte."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_teacher.cli import main

WORDS = [
    "teach", "-p", "synth", "-e", "ShortReacher-v1", "-n", "x", "-l", "16", "-L", "4", "-c", "0.3", "-t", "1500", "-V",
    "--ppo.num_envs", "4", "--ppo.rollout_steps", "32", "--ppo.hidden", "8,8", "--ppo.minibatch_size", "64",
]  # fmt: skip


def command(folder: Path, *more: str) -> list[str]:
    return [*WORDS, "--runs-dir", str(folder / "runs"), "--tb-dir", str(folder / "tb"), *more]


def learned(folder: Path) -> dict[str, Any]:
    """All that a run keeps but clocks and logs, byte by byte."""
    run = folder / "runs" / "x"
    with np.load(run / "checkpoint.npz") as arrays:
        kept = {name: arrays[name].tobytes() for name in arrays.files if name != "head.json"}
    for name in ("labels.jsonl", "comparisons.jsonl", *(f"segments/{path.name}" for path in run.glob("segments/*"))):
        kept[name] = (run / name).read_bytes()
    return kept


def fails_for(path_holds: str, number: int, after: int) -> Callable[[int], None]:
    """An os.fsync of a disk that refuses files whose path holds this word, when `after` of them were taken."""
    fsync, taken = os.fsync, [0]

    def full(handle: int) -> None:
        if path_holds in os.readlink(f"/proc/self/fd/{handle}"):
            taken[0] += 1
            if taken[0] > after:
                raise OSError(number, os.strerror(number))
        fsync(handle)

    return full


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an uninterrupted run keeps."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(command(folder)) == 0
    return learned(folder)


@pytest.mark.parametrize(
    ("path_holds", "number", "after"),
    [
        ("/labels.jsonl", errno.EDQUOT, 0),
        *(
            pytest.param(*where, marks=pytest.mark.slow)
            for where in (
                ("/.checkpoint.npz", errno.ENOSPC, 1),
                ("/comparisons.jsonl", errno.EROFS, 1),
                ("/segments/", errno.ENOSPC, 2),
                ("/tb/x/events", errno.EACCES, 2),
            )
        ),
    ],
)
def test_a_disk_that_fills_up_stops_the_run_in_one_line_and_it_goes_on_later(
    whole: dict[str, Any],
    path_holds: str,
    number: int,
    after: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("rl_teacher.training.checkpointing.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("rl_teacher.storage.metrics.FLUSH_SECONDS", 0.0)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", fails_for(path_holds, number, after))
        assert main(command(tmp_path)) == 2
    said = capsys.readouterr().err
    assert said.startswith("FolderUnwritable: ")
    assert f"cannot be written ({os.strerror(number)})" in said
    assert said.count("\n") == 1
    assert not list(tmp_path.rglob(".*.new")), "what was half-written gives its room back"
    assert main(command(tmp_path, "--resume")) == 0
    assert learned(tmp_path) == whole


@pytest.mark.parametrize("flag", ["--runs-dir", "--tb-dir"])
@pytest.mark.parametrize("obstacle", ["a file", "a link to nowhere", "full"])
def test_a_folder_that_cannot_be_used_leaves_nothing_half_made(
    flag: str, obstacle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command(tmp_path, "-t", "200")
    folder = Path(words[words.index(flag) + 1]) / "x"
    folder.parent.mkdir(parents=True)
    with monkeypatch.context() as disk:
        if obstacle == "a file":
            folder.write_text("")
        elif obstacle == "a link to nowhere":
            folder.symlink_to(tmp_path / "nowhere")
        else:
            disk.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"FolderUnwritable: {flag if obstacle != 'full' else '--runs-dir'} ")
    assert said.count("\n") == 1
    assert not list(tmp_path.rglob("config.json"))
    if obstacle != "full":
        folder.unlink()
    assert main(words) == 0


@pytest.mark.parametrize("flag", ["--runs-dir", "--tb-dir"])
def test_a_folder_that_cannot_be_used_is_said_before_people_are_asked(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    words = command(tmp_path, "-p", "human", "--human.data-dir", str(data), flag, "/dev/null/x")
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(f"FolderUnwritable: {flag} /dev/null/x/x: ")
    assert not data.exists(), "no server was started, and no experiment made"


def tmpfs(folder: Path, size: str) -> bool:
    """Whether a small disk of its own could be mounted there."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return sys.platform == "linux" and os.geteuid() == 0 and not subprocess.run(mount, capture_output=True).returncode


@pytest.mark.slow
def test_a_real_disk_that_fills_up(whole: dict[str, Any], tmp_path: Path) -> None:
    """On a tmpfs of 130 kB where one can be mounted; else with files of at most 20 kB."""
    disk = tmp_path / "disk"
    is_mounted = tmpfs(disk, "130k")
    limit = [] if is_mounted else ["prlimit", "--fsize=20000"]
    try:
        program = [sys.executable, "-m", "rl_teacher", *command(disk)]
        environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
        done = subprocess.run([*limit, *program], capture_output=True, text=True, env=environment)
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stderr.startswith("FolderUnwritable: ")
        assert done.stderr.count("\n") == 1
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        done = subprocess.run([*program, "--resume"], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        assert learned(disk) == whole
    finally:
        if is_mounted:
            subprocess.run(["umount", str(disk)], check=True)

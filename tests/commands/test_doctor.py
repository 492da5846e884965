"""The doctor finds what is wrong, says so in a line, and never dies of it."""

import sys
from pathlib import Path

import pytest

from rl_teacher.commands import doctor
from rl_teacher.commands.doctor import (
    Check,
    Verdict,
    check_disk,
    check_python,
    check_sqlite,
    file_system,
    format_checks,
    is_wal_safe,
)
from rl_teacher.video import backend


@pytest.mark.render
def test_everything_is_tried_on_this_machine(tmp_path: Path) -> None:
    checks = doctor.run_doctor(home=tmp_path)
    assert [check.name for check in checks] == [
        "Python", "JAX", "MuJoCo", "rendering", "mp4 (H.264)", "webm (VP9)", "people", "SQLite",
        "file system", "free disk", "logs",
    ]  # fmt: skip
    assert not [check for check in checks[:8] if check.verdict is Verdict.FAIL]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),  # Debian 12
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 3), False),
        ((3, 49, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), False),  # withdrawn
        ((3, 53, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_the_write_ahead_log_is_safe_only_in_fixed_versions(version: tuple[int, ...], safe: bool) -> None:
    assert is_wal_safe(version) is safe
    assert check_sqlite(version).verdict is (Verdict.OK if safe else Verdict.WARN)


def test_an_old_python_fails_and_little_disk_warns() -> None:
    assert check_python((3, 10, 9)) == Check("Python", Verdict.FAIL, "3.10.9", "Install Python 3.11 or later.")
    assert [check_disk(Path("/x"), free).verdict for free in (0.1, 2.0, 50.0)] == ["FAIL", "WARN", "OK"]
    assert "2.0 GiB free in /x" in check_disk(Path("/x"), 2.0).found


def test_a_home_on_a_network_disk_is_noticed(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/sdb /home/me/my\\040disk xfs rw 0 0\n"
    )
    assert file_system(Path("/home/me"), mounts) == "nfs4"
    assert file_system(Path("/homes"), mounts) == "ext4"
    assert file_system(Path("/home/me/my disk/x"), mounts) == "xfs"
    assert file_system(Path("/home"), tmp_path / "missing") == ""
    check = doctor.check_file_system(Path("/home/me"), mounts)
    assert (check.verdict, "--data-dir" in check.advice) == (Verdict.WARN, True)


def test_a_gpu_that_jax_does_not_use_is_named_with_what_would_use_it(tmp_path: Path) -> None:
    import jax

    nvidia = tmp_path / "nvidia0"
    nvidia.write_text("")
    beside, without = doctor.check_jax(nvidia), doctor.check_jax(tmp_path / "none")
    assert beside.verdict is without.verdict is Verdict.OK
    assert ("JAX_PLATFORMS=cuda" in beside.advice) == (jax.devices()[0].platform == "cpu")
    assert without.advice == ""


def test_missing_parts_are_lines_and_not_crashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.setitem(sys.modules, "rl_teacher.video.encode", None)
    monkeypatch.setattr(backend, "probe", lambda name: f"no lib{name}")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: 1 / 0)
    (tmp_path / "tb").write_text("a file where a folder should be")
    checks = {check.name: check for check in doctor.run_doctor(home=tmp_path)}
    for name in ("JAX", "rendering", "mp4 (H.264)", "webm (VP9)", "free disk", "logs"):
        assert checks[name].verdict is Verdict.FAIL, name
    assert "apt-get install -y libegl1" in checks["rendering"].found
    assert "ZeroDivisionError" in checks["free disk"].found
    assert checks["Python"].verdict is Verdict.OK


@pytest.mark.parametrize(("verdicts", "code"), [(["OK", "WARN"], 0), (["OK", "FAIL"], 1), ([], 0)])
def test_only_a_failure_changes_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verdicts: list[str], code: int
) -> None:
    checks = [Check(f"part {verdict}", Verdict(verdict), "found", "do this") for verdict in verdicts]
    monkeypatch.setattr(doctor, "run_doctor", lambda: checks)
    assert doctor.main() == code
    assert capsys.readouterr().out.strip() == format_checks(checks)
    assert len(format_checks(checks).splitlines()) == len(verdicts)

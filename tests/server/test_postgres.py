"""The same suite on PostgreSQL: the one named by RL_TEACHER_TEST_POSTGRES, else one started for it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []


def as_postgres(*command: str) -> None:
    """PostgreSQL refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, timeout=120)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """Its URL."""
    if given := os.environ.get("RL_TEACHER_TEST_POSTGRES"):
        yield given
        return
    if not PROGRAMS:
        pytest.skip("no PostgreSQL: set RL_TEACHER_TEST_POSTGRES or install Debian's `postgresql`")
    pytest.importorskip("psycopg")
    bin_dir, data = PROGRAMS[-1], Path(f"/tmp/rl-teacher-postgres-{os.getpid()}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_postgres(str(bin_dir / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres")
    options = f"-p {port} -k {data} -c fsync=off -c listen_addresses=127.0.0.1"
    as_postgres(str(bin_dir / "pg_ctl"), "-D", str(data), "-o", options, "-l", f"{data}/log", "-w", "start")
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        as_postgres(str(bin_dir / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(data, ignore_errors=True)


@pytest.mark.postgres
@pytest.mark.slow
def test_the_whole_suite_passes_on_postgresql(postgres):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/server",
        "-q",
        "--ignore",
        "tests/server/test_server_process.py",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "RL_TEACHER_TEST_POSTGRES": postgres}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    print(done.stdout.strip().splitlines()[-1])

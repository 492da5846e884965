"""A PostgreSQL for tests: the one named by RL_TEACHER_TEST_POSTGRES, else one started for them."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []


def as_postgres(*command: str) -> None:
    """PostgreSQL refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, timeout=120, cwd="/")


@contextmanager
def own_postgres(*settings: str) -> Iterator[str]:
    """The URL of one that runs while the block lasts; skips the test where Debian's package is missing."""
    if not PROGRAMS:
        pytest.skip("no PostgreSQL: set RL_TEACHER_TEST_POSTGRES or install Debian's `postgresql`")
    pytest.importorskip("psycopg_pool")
    bin_dir, data = PROGRAMS[-1], Path(tempfile.mkdtemp(prefix="rl-teacher-postgres-"))
    if os.getuid() == 0:
        shutil.chown(data, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_postgres(str(bin_dir / "initdb"), "-D", f"{data}/db", "-A", "trust", "-U", "postgres")
    options = " ".join(
        [f"-p {port} -k {data} -c listen_addresses=127.0.0.1", *(f"-c {one}" for one in settings or ["fsync=off"])]
    )
    control = [str(bin_dir / "pg_ctl"), "-D", f"{data}/db"]
    as_postgres(*control, "-o", options, "-l", f"{data}/log", "-w", "start")
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        as_postgres(*control, "-m", "immediate", "stop")
        shutil.rmtree(data, ignore_errors=True)

"""The same suite on PostgreSQL: the one named by RL_TEACHER_TEST_POSTGRES, else one started for it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.databases import own_postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture
def postgres() -> Iterator[str]:
    """Its URL."""
    if given := os.environ.get("RL_TEACHER_TEST_POSTGRES"):
        yield given
        return
    with own_postgres() as url:
        yield url


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

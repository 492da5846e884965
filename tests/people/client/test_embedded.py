"""Starting the server beside a trainer, joining it, and leaving it."""

import os
import signal
import stat
import subprocess
import time

import pytest

from rl_teacher.errors import ServerFault
from rl_teacher.people.client.embedded import is_healthy, is_locked, start_or_attach


def quiet(line):
    pass


def test_one_starts_and_the_next_attaches(server, tmp_path_factory):
    folders = tmp_path_factory.getbasetemp().glob("feedback*")
    data_dir = next(path for path in folders if (path / "server.json").exists())
    second = start_or_attach(data_dir, port=0, log=quiet)
    assert second.process is None
    assert (second.url, second.token) == (server.url, server.token)
    second.stop()
    assert is_healthy(server.url)


def test_a_clean_end_stops_the_server_and_secrets_are_private(tmp_path):
    started = time.monotonic()
    with start_or_attach(tmp_path, port=0, log=quiet) as server:
        assert time.monotonic() - started < 20
        assert is_healthy(server.url)
        assert is_locked(tmp_path)
        assert any("/enter#" in line for line in server.lines)
        for name in ("secret_key", "trainer.token", "server.json", "db.sqlite3"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert server.token not in " ".join(subprocess.check_output(["ps", "-eo", "args"], text=True).split())
    assert not is_healthy(server.url)
    assert not is_locked(tmp_path)
    assert not (tmp_path / "server.json").exists()


def test_a_killed_server_is_started_again_with_the_same_token(tmp_path):
    first = start_or_attach(tmp_path, port=0, log=quiet)
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait()
    with start_or_attach(tmp_path, port=0, log=quiet) as second:
        assert second.process is not None
        assert second.token == first.token
        assert is_healthy(second.url)


def test_a_server_that_cannot_start_says_why(tmp_path):
    (tmp_path / "db.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(ServerFault, match=r"ended with code .*server\.log"):
        start_or_attach(tmp_path, port=0, log=quiet)

"""The server as compose.yaml starts it, outside of a container."""

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.deploy.files import ROOT, Server, filled, services
from tests.proxies import free_port, wait_for


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a folder and a port of this machine, and SQLite."""
    found = Server(tmp_path_factory.mktemp("deploy"), free_port(), free_port())
    (found.folder / "data").mkdir()
    command = [filled(word, RL_TEACHER_HOST=f"localhost:{found.outside}") for word in services()["server"]["command"]]
    here = ["--host=127.0.0.1", f"--port={found.inside}"]
    environment = {**os.environ, "RL_TEACHER_FEEDBACK_DIR": str(found.folder / "data")}
    with (found.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rl_teacher.server", *command, *here],
            cwd=ROOT, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for(lambda: httpx.get(f"http://127.0.0.1:{found.inside}/healthz", trust_env=False).status_code == 200)
        yield found
    finally:
        process.terminate()
        process.wait()
    assert "Traceback" not in (found.folder / "server.log").read_text()

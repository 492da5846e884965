"""rl-teacher.service: systemd understands it, and it starts the server with flags and variables that exist."""

import os
import shutil
import subprocess
import sys

import pytest

from rl_teacher.server import settings
from rl_teacher.server.serve import parser
from tests.deploy import files
from tests.deploy.files import DEPLOY, exec_start, filled, unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_every_line(tmp_path):
    text = (DEPLOY / "rl-teacher.service").read_text()
    program = exec_start()[0]
    assert program == "/opt/rl-teacher/bin/rl-teacher"
    (tmp_path / "rl-teacher.service").write_text(text.replace(program, sys.executable))  # one that is there
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "rl-teacher.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "rl-teacher" in line]
    assert (done.returncode, ours) == (0, [])
    (tmp_path / "rl-teacher.service").write_text(text.replace("ProtectHome=yes", "ProtectHouse=yes"))
    assert "ProtectHouse" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_it_starts_the_server_with_flags_that_it_knows(monkeypatch):
    words = [filled(word, RL_TEACHER_HOST="lab.example") for word in exec_start()]
    assert words[1] == "serve"
    args = parser().parse_args(words[2:])
    assert (args.public_url, args.port) == ("https://lab.example", 8000)
    assert args.host == "127.0.0.1"  # reached by the proxy alone
    environment = dict(part.split("=", 1) for value in unit()["Environment"] for part in value.split())
    monkeypatch.setenv("RL_TEACHER_FEEDBACK_DIR", environment["RL_TEACHER_FEEDBACK_DIR"])
    assert str(settings.default_data_dir()) == f"/var/lib/{unit()['StateDirectory'][0]}"


def test_every_variable_of_the_example_is_read_by_somebody():
    compose, service = (DEPLOY / "compose.yaml").read_text(), (DEPLOY / "rl-teacher.service").read_text()
    caddyfile, code = (DEPLOY / "Caddyfile").read_text(), (files.ROOT / "rl_teacher/server/settings.py").read_text()
    for name in files.example_variables():
        assert name in compose + service + caddyfile or f'"{name}"' in code, name
    for name in files.variables(service):
        assert name in files.example_variables()
    assert "RL_TEACHER_DATABASE_URL" in os.linesep.join(files.example_variables())

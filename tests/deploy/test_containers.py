"""Containerfile and compose.yaml: they name what exists, and all their command lines run, outside of a container."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_teacher.server.serve import parser
from tests.deploy import files
from tests.deploy.files import DEPLOY, ROOT, instruction, instructions, services, words
from tests.proxies import free_port, wait_for

ENV = {"RL_TEACHER_HOST": "lab.example", "POSTGRES_PASSWORD": "secret"}


def test_the_container_is_small_and_nobody_special():
    assert instruction("FROM").startswith("docker.io/library/python:3.")
    assert instruction("FROM").endswith("-slim")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instruction("USER")), "a number, so that it can be seen not to be root"
    assert instruction("VOLUME") == "/data"
    environment = dict(part.split("=", 1) for name, rest in instructions() if name == "ENV" for part in rest.split())
    assert environment["RL_TEACHER_FEEDBACK_DIR"] == environment["HOME"] == "/data"
    order = [name for name, _ in instructions()]
    assert order.index("USER") > max(at for at, name in enumerate(order) if name == "RUN")


def test_what_the_container_copies_exists_and_is_let_through():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    let_through = [line.removeprefix("!") for line in rules if line.startswith("!")]
    copied = [source for name, rest in instructions() if name == "COPY" for source in rest.split()[:-1]]
    assert len(copied) >= 6
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, rule) for rule in let_through), f"{source} is kept out by .dockerignore"
    assert set(let_through) == set(copied), "and nothing else"


def test_the_container_starts_the_server_with_flags_that_it_knows():
    command = words("ENTRYPOINT") + words("CMD")
    assert command[:2] == ["rl-teacher", "serve"]
    args = parser().parse_args(command[2:])
    assert (args.host, args.port, args.behind_proxy) == ("0.0.0.0", int(instruction("EXPOSE")), True)
    assert f":{args.port}/healthz" in " ".join(words("HEALTHCHECK"))


def test_compose_names_only_what_exists():
    text = (DEPLOY / "compose.yaml").read_text()
    found = services()
    assert found.keys() == {"postgres", "server", "caddy"}
    assert files.variables(text) <= files.example_variables()
    volumes = files.yaml.safe_load(text)["volumes"].keys()
    used = set()
    for name, service in found.items():
        assert service.keys() <= KNOWN, f"{name}: {service.keys() - KNOWN}"
        for mount in service.get("volumes", []):
            source, target, *_ = mount.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert (DEPLOY / source).is_file(), source
            else:
                used.add(source)
        for other, how in service.get("depends_on", {}).items():
            assert other in found
            checked = "healthcheck" in found[other] or found[other].get("build")
            assert how == {"condition": "service_healthy"}
            assert checked, f"{other} never says that it is healthy"
    assert used == volumes
    build = found["server"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


KNOWN = (
    {"image", "build", "restart", "depends_on", "environment", "command", "volumes", "ports", "healthcheck"}
    | {"read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period"}
)  # fmt: skip
"""What of the specification of compose files we use."""


def test_only_the_proxy_is_reached_from_outside_and_the_server_writes_nowhere_else():
    found = services()
    assert [name for name, service in found.items() if "ports" in service] == ["caddy"]
    server = found["server"]
    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert server["volumes"] == ["data:/data"]


def test_the_services_find_each_other():
    server, postgres, caddy = services()["server"], services()["postgres"]["environment"], services()["caddy"]
    args = parser().parse_args([files.filled(word, **ENV) for word in server["command"][1:]])
    assert (args.host, args.public_url) == ("0.0.0.0", "https://lab.example")
    url = server["environment"]["RL_TEACHER_DATABASE_URL"]
    assert url == (
        f"postgres://{postgres['POSTGRES_USER']}:${{POSTGRES_PASSWORD}}@postgres:5432/{postgres['POSTGRES_DB']}"
    )
    assert caddy["environment"]["RL_TEACHER_UPSTREAM"] == f"server:{args.port}"
    test = services()["postgres"]["healthcheck"]["test"]
    assert test == ["CMD", "pg_isready", "-U", postgres["POSTGRES_USER"], "-d", postgres["POSTGRES_DB"]]


def health(port: int) -> int:
    """The exit code of the container's HEALTHCHECK, for a server at `port`."""
    command = [word.replace(":8000/", f":{port}/") for word in words("HEALTHCHECK")]
    return subprocess.run([sys.executable, *command[1:]], stderr=subprocess.DEVNULL, check=False).returncode


def test_the_health_check_tells_a_server_from_none(server):
    assert words("HEALTHCHECK")[0] == "python"
    assert health(server.inside) == 0
    assert health(free_port()) != 0


@pytest.fixture
def everybodys_folder() -> Iterator[Path]:
    """pytest's own cannot be entered by another user."""
    with tempfile.TemporaryDirectory(prefix="rl-teacher-container-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.slow
def test_the_container_is_built_and_serves_outside_of_one(everybodys_folder):
    """Its RUN lines in a fresh environment, in a folder that holds only what it copies; then with its user's rights."""
    source, data = everybodys_folder / "src", everybodys_folder / "data"
    source.mkdir()
    venv.create(everybodys_folder / "venv", with_pip=True)
    programs = everybodys_folder / "venv" / "bin"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": ""}
    for name, rest in instructions():
        if name == "COPY":
            *sources, target = rest.split()
            for one in sources:
                to = source / target / Path(one).name if target.endswith("/") else source / target
                to.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / one).is_dir():
                    shutil.copytree(ROOT / one, to)
                else:
                    shutil.copy(ROOT / one, to)
        elif name == "RUN":
            line = rest.replace("/data", str(data))
            if os.getuid() != 0:
                line = line.replace("chown", "true chown")
            subprocess.run(["sh", "-euc", line], cwd=source, env=environment, check=True, timeout=600)
    shutil.rmtree(source)
    for package in ("jax", "mujoco", "numpy"):
        found = subprocess.run([programs / "python", "-c", f"import {package}"], check=False, stderr=subprocess.DEVNULL)
        assert found.returncode != 0, f"{package} is in the container"

    port = free_port()
    user = dict(zip(("user", "group"), map(int, instruction("USER").split(":")), strict=True))
    command = [programs / "rl-teacher", *words("CMD"), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=data, env={"RL_TEACHER_FEEDBACK_DIR": str(data), "HOME": str(data), "PATH": environment["PATH"]},
        **(user if os.getuid() == 0 else {}),
    )  # fmt: skip
    try:
        wait_for(lambda: health(port) == 0)
    finally:
        process.terminate()
        assert process.wait() == 0
    assert (data / "db.sqlite3").exists()

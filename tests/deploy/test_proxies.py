"""nginx.conf and Caddyfile of deploy/: the programs find them good, and people and trainers work behind them."""

import io
import os
import re
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from rl_teacher.people.client.api import FeedbackClient, ServerRefused
from rl_teacher.server.guards import MAX_BLOB
from tests import proxies
from tests.deploy.files import DEPLOY, Server
from tests.proxies import free_port, needs_caddy, needs_nginx, replaced, running, wait_for
from tests.server.crowd import SPEC


def own_certificate(folder: Path) -> None:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "lab.key"), "-out", str(folder / "lab.pem"), "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *subject]
    subprocess.run(command, check=True, capture_output=True)


def nginx(folder: Path, inside: int, outside: int) -> tuple[list[str], Path]:
    """The command, and whose certificate to believe."""
    own_certificate(folder)
    text = replaced(
        (DEPLOY / "nginx.conf").read_text(),
        **{
            "listen 80;": f"listen 127.0.0.1:{free_port()};", "listen 443": f"listen 127.0.0.1:{outside}",
            "server_name lab.example;": "server_name localhost;",
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{inside};",
            "/var/cache/nginx-rl-teacher": str(folder / "clips"),
            "/etc/ssl/lab.example.pem": str(folder / "lab.pem"), "/etc/ssl/lab.example.key": str(folder / "lab.key"),
        },
    )  # fmt: skip
    return proxies.nginx(folder, text), folder / "lab.pem"


def caddy(folder: Path, inside: int, outside: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], Path]:
    """The file as it stands, with the variables of compose.yaml; for localhost Caddy makes a certificate itself."""
    options = f"{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {free_port()}\n}}\n"
    (folder / "Caddyfile").write_text(options + (DEPLOY / "Caddyfile").read_text())
    monkeypatch.setenv("RL_TEACHER_HOST", f"localhost:{outside}")
    monkeypatch.setenv("RL_TEACHER_UPSTREAM", f"127.0.0.1:{inside}")
    command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    return command, folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"


@needs_nginx
def test_nginx_finds_its_file_good(tmp_path):
    command, _ = nginx(tmp_path, free_port(), free_port())
    done = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr
    assert "warn" not in done.stderr


@needs_caddy
def test_caddy_finds_its_file_good(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    words = ["--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    done = subprocess.run(["caddy", "validate", *words], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "Valid configuration" in done.stdout + done.stderr
    assert "not formatted" not in done.stderr


class Behind:
    """A proxy that runs, and a browser in front of it."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        self.url, self.trust = url, trust
        self.browser = httpx.Client(base_url=url, verify=trust, timeout=60, trust_env=False)
        self.trainer_token = ""

    def post(self, path: str, page: str, browser: httpx.Client | None = None, **form: str) -> httpx.Response:
        """A form as a browser sends it."""
        browser = browser or self.browser
        token = browser.get(page).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        return browser.post(path, data={"csrfmiddlewaretoken": token, **form}, headers={"Origin": self.url})


@pytest.fixture(
    params=[pytest.param("nginx", marks=needs_nginx), pytest.param("caddy", marks=needs_caddy)], scope="module"
)
def behind(request, server, tmp_path_factory) -> Iterator[Behind]:
    """Signed in by the link that the server itself printed."""
    folder, outside = tmp_path_factory.mktemp(request.param), free_port()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "nginx":
            command, certificate = nginx(folder, server.inside, outside)
        else:
            command, certificate = caddy(folder, server.inside, outside, patch)
        patch.setenv("SSL_CERT_FILE", str(certificate))
        with running(command, folder):
            wait_for(certificate.exists)
            found = Behind(f"https://localhost:{outside}", ssl.create_default_context(cafile=certificate))
            with found.browser:
                wait_for(lambda: found.browser.get("/healthz").status_code == 200)
                sign_in(found, server)
                yield found


def sign_in(found: Behind, server: Server) -> None:
    link, secret = server.run("login-url").strip().split("/enter#")
    assert link == server.url  # the public one: by another no cookie would travel
    found.browser.headers["X-Forwarded-Proto"] = "http"  # a lie, which the proxy drops
    entered = found.post("/enter", "/enter", token=secret)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert all("Secure" in cookie for cookie in entered.headers.get_list("set-cookie"))
    shown = found.post("/tokens", "/tokens", name="far", days="1").text
    found.trainer_token = re.search(r"rlt_[\w-]{20,}", shown)[0]


def trainer_of(behind: Behind) -> FeedbackClient:
    client = FeedbackClient(behind.url, behind.trainer_token, f"run-{free_port()}", timeout_s=60)
    client.ensure_experiment(SPEC)
    return client


def arrays(size: int) -> bytes:
    """Of a segment, in nearly so many bytes."""
    file = io.BytesIO()
    np.savez(file, obs=np.random.default_rng(0).random((1024, size // 8192 - 1)), actions=np.zeros((1024, 1), np.int8))
    return file.getvalue()


def test_the_largest_upload_comes_through_and_a_larger_one_is_refused(behind):
    with trainer_of(behind) as trainer:
        largest, larger = arrays(MAX_BLOB - 8192), arrays(MAX_BLOB + 8192)
        assert MAX_BLOB - 16_384 < len(largest) <= MAX_BLOB < len(larger)
        assert MAX_BLOB == 32 * 1024**2
        stored = trainer.put_blob(largest, "application/x-npz")
        assert trainer.get_blob(stored) == largest
        for too_large in (larger, arrays(40 * 1024**2)):  # refused for good: not to be tried again
            with pytest.raises(ServerRefused, match="413"):
                trainer.put_blob(too_large, "application/x-npz")


def test_lines_of_an_event_stream_come_at_once(behind):
    trainer = trainer_of(behind)
    events = f"/api/v1/experiments/{trainer.experiment}/events"
    with trainer, behind.browser.stream("GET", events) as stream:
        lines = stream.iter_lines()
        assert any(line == "event: progress" for line in lines)
        trainer.heartbeat("waiting", 77)
        assert any(line.startswith("data:") and '"step": 77' in line for line in lines)


def test_nobody_gets_more_tries_by_saying_to_be_somebody_else(behind):
    with httpx.Client(base_url=behind.url, verify=behind.trust, timeout=60, trust_env=False) as stranger:
        codes = []
        for number in range(11):
            stranger.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            name = f"bob-{behind.url[-5:]}"
            codes.append(behind.post("/login", "/login", stranger, username=name, password="x").status_code)
    assert codes == [403] * 10 + [429]


@pytest.mark.slow
def test_a_long_poll_is_waited_for(behind):
    with trainer_of(behind) as trainer:
        start = time.monotonic()
        page = trainer.labels(0, wait_s=20)
        assert (page.events, page.head) == ((), 0)
        assert time.monotonic() - start > 19  # it was the server that ended it


@needs_nginx
def test_http_leads_to_https(tmp_path):
    command, _ = nginx(tmp_path, free_port(), free_port())
    port = re.search(r"listen 127\.0\.0\.1:(\d+);", (tmp_path / "nginx.conf").read_text())[1]
    with running(command, tmp_path):
        wait_for(lambda: httpx.get(f"http://localhost:{port}/", trust_env=False).status_code == 308)
        answer = httpx.get(f"http://localhost:{port}/e/x?y=1", trust_env=False)
    assert answer.headers["location"] == "https://localhost/e/x?y=1"

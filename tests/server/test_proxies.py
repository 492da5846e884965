"""The examples of docs/server.md, run: a browser and a trainer behind nginx and Caddy, over HTTPS."""

import io
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from rl_teacher.people.client.api import FeedbackClient, ServerRefused
from tests import proxies
from tests.proxies import free_port, needs_nginx, replaced, wait_for
from tests.server.crowd import SPEC, mp4

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "server.md").read_text()


def example(language: str) -> str:
    """A block of the page."""
    return str(re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)[0])


@dataclass
class Place:
    """Who listens where."""

    folder: Path
    inside: int
    outside: int

    @property
    def certificate(self) -> Path:
        return self.folder / "lab.pem"

    @property
    def key(self) -> Path:
        return self.folder / "lab.key"


def nginx(place: Place, host: str = "$http_host") -> list[str]:
    text = replaced(
        example("nginx"),
        **{
            "listen 443": f"listen 127.0.0.1:{place.outside}", "lab.example;": "localhost;", "$http_host": host,
            "/etc/ssl/lab.example.pem": str(place.certificate), "/etc/ssl/lab.example.key": str(place.key),
            "127.0.0.1:8000": f"127.0.0.1:{place.inside}",
        },
    )  # fmt: skip
    return proxies.nginx(place.folder, text)


def caddy(place: Place) -> list[str]:
    text = replaced(
        example("caddy"),
        **{
            "lab.example {": f"localhost:{place.outside} {{\n    tls {place.certificate} {place.key}",
            "127.0.0.1:8000": f"127.0.0.1:{place.inside}",
        },
    )
    return proxies.caddy(place.folder, text)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server that is ready for a proxy."""
    found = Place(tmp_path_factory.mktemp("proxy"), free_port(), free_port())
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(found.key), "-out", str(found.certificate), "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *subject]
    subprocess.run(command, check=True, capture_output=True)
    found.folder.chmod(0o755)  # nginx's workers are nobody
    (found.folder / "data").mkdir()
    words = ["serve", "--data-dir", str(found.folder / "data"), "--port", str(found.inside), "--behind-proxy"]
    with (found.folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "rl_teacher.server", *words, "--allowed-host", "localhost"],
            cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for(lambda: httpx.get(f"http://127.0.0.1:{found.inside}/healthz", trust_env=False).status_code == 200)
        yield found
    finally:
        server.terminate()
        server.wait()


class Behind:
    """A proxy that runs, and a browser in front of it."""

    def __init__(self, place: Place, command: list[str]) -> None:
        self.url = f"https://localhost:{place.outside}"
        self.trust = ssl.create_default_context(cafile=place.certificate)
        self.browser = httpx.Client(base_url=self.url, verify=self.trust, timeout=30, trust_env=False)
        self._proxy = proxies.running(command, place.folder)

    def __enter__(self) -> "Behind":
        self._proxy.__enter__()
        try:
            wait_for(lambda: self.browser.get("/healthz").status_code == 200)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.browser.close()
        self._proxy.__exit__(None, None, None)

    def post(self, path: str, page: str, browser: httpx.Client | None = None, **form: str) -> httpx.Response:
        """A form as a browser sends it."""
        browser = browser or self.browser
        token = browser.get(page).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        return browser.post(path, data={"csrfmiddlewaretoken": token, **form}, headers={"Origin": self.url})


def login_secret(place: Place) -> str:
    words = ["login-url", "--data-dir", str(place.folder / "data")]
    done = subprocess.run(
        [sys.executable, "-m", "rl_teacher.server", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().split("#")[1]


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_people_and_trainers_work_behind_the_proxy_of_the_page(place, monkeypatch, proxy):
    if shutil.which(proxy.__name__) is None:
        pytest.skip(f"{proxy.__name__} is not installed; apt-get install {proxy.__name__}")
    with Behind(place, proxy(place)) as behind:
        entered = behind.post("/enter", "/enter", token=login_secret(place))
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        cookies = entered.headers.get_list("set-cookie")
        assert cookies
        assert all("Secure" in cookie for cookie in cookies)
        assert behind.browser.get("/").status_code == 200

        monkeypatch.setenv("SSL_CERT_FILE", str(place.certificate))
        token = (place.folder / "data" / "trainer.token").read_text().strip()
        with FeedbackClient(behind.url, token, "x") as refused, pytest.raises(ServerRefused, match="401"):
            refused.ensure_experiment(SPEC)  # this machine's token, but it came by the proxy
        shown = behind.post("/tokens", "/tokens", name=proxy.__name__, days="1").text
        token = re.search(r"rlt_[\w-]{20,}", shown)[0]
        with FeedbackClient(behind.url, token, proxy.__name__) as trainer:
            trainer.ensure_experiment(SPEC)
            file = io.BytesIO()
            np.savez(file, obs=np.random.default_rng(0).random((1000, 2500)), actions=np.zeros((1000, 1)))
            assert len(file.getvalue()) > 20_000_000
            assert trainer.get_blob(trainer.put_blob(file.getvalue(), "application/x-npz")) == file.getvalue()
            video = trainer.put_blob(mp4(bytes(5000)), "video/mp4")
            trainer.video(1, video)
            address = trainer._call("GET", f"/blobs/{video}").headers["location"]
            part = behind.browser.get(address, headers={"Range": "bytes=10-19"})
            assert (part.status_code, part.content) == (206, mp4(bytes(5000))[10:20])
            with behind.browser.stream("GET", f"/api/v1/experiments/{proxy.__name__}/events") as stream:
                lines = stream.iter_lines()
                assert any(line == "event: video" for line in lines)
                trainer.heartbeat("waiting", 77)
                assert any(line.startswith("data:") and '"step": 77' in line for line in lines)
    assert "Traceback" not in (place.folder / "server.log").read_text()


@needs_nginx
def test_a_proxy_that_hides_the_host_is_told_what_to_pass_on(place):
    with Behind(place, nginx(place, host="$proxy_host")) as behind:
        refused = behind.post("/login", "/login", username="ann", password="x")
        assert refused.status_code == 403
        assert "proxy_set_header Host $http_host;" in refused.text


@needs_nginx
def test_wrong_passwords_count_for_the_address_behind_the_proxy(place):
    with Behind(place, nginx(place)) as behind:
        codes = [behind.post("/login", "/login", username="bob", password="x").status_code for _ in range(11)]
        assert codes == [403] * 10 + [429]
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.2", verify=behind.trust)
        with httpx.Client(base_url=behind.url, transport=elsewhere, trust_env=False) as other:
            other.headers["X-Forwarded-For"] = "127.0.0.1"  # a lie, before what nginx adds
            assert behind.post("/login", "/login", other, username="bob", password="x").status_code == 403

"""Clips come from nginx after the first time, and still only to whoever may see them at that moment."""

import hashlib
import re
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.deploy.test_proxies import Behind, nginx, sign_in, trainer_of
from tests.proxies import free_port, needs_nginx, running, wait_for
from tests.server.crowd import fill

pytestmark = needs_nginx


@pytest.fixture(scope="module")
def kept(server, tmp_path_factory) -> Iterator[tuple[Behind, Path]]:
    """Somebody behind nginx, and the folder in which it keeps clips."""
    folder, outside = tmp_path_factory.mktemp("clips"), free_port()
    command, certificate = nginx(folder, server.inside, outside)
    with pytest.MonkeyPatch.context() as patch, running(command, folder):
        patch.setenv("SSL_CERT_FILE", str(certificate))
        found = Behind(f"https://localhost:{outside}", ssl.create_default_context(cafile=certificate))
        with found.browser:
            wait_for(lambda: found.browser.get("/healthz").status_code == 200)
            sign_in(found, server)
            yield found, folder / "clips"


def guest(kept: Behind, slug: str, uses: int = 1) -> httpx.Client:
    """Somebody who came by an invitation."""
    kept.post(f"/e/{slug}/invites", f"/e/{slug}/people", role="guest", days="1", uses=str(uses))
    code = re.search(r"/join/([\w-]+)", kept.browser.get(f"/e/{slug}/people").text)[1]
    browser = httpx.Client(base_url=kept.url, verify=kept.trust, timeout=60, trust_env=False)
    assert kept.post(f"/join/{code}", f"/join/{code}", browser).status_code == 303
    browser.headers.update({"X-CSRFToken": browser.get("/api/v1/me").json()["csrf_token"], "Referer": kept.url})
    return browser


def clips_of(browser: httpx.Client, slug: str) -> list[str]:
    """Addresses that are made for this person, a pair of them."""
    body = {"want": 1, "have": [], "tab": "00000000-0000-4000-8000-000000000001"}
    (row,) = browser.post(f"/api/v1/experiments/{slug}/queue:claim", json=body).json()["assignments"]
    return [row[side]["mp4"] for side in ("left", "right")]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def name_of(address: str) -> str:
    return address.split("/media/")[1].split(".")[0]


def test_each_clip_is_kept_once_and_a_right_that_is_taken_away_ends_at_once(kept):
    behind, folder = kept
    with trainer_of(behind) as trainer:
        fill(trainer, 12)
        slug = trainer.experiment
    ann, bob = guest(behind, slug), guest(behind, slug)
    with closing(ann), closing(bob):
        for browser in (ann, bob):
            for address in clips_of(browser, slug):
                for _ in range(2):
                    got = browser.get(address)
                    assert (got.status_code, hashlib.sha256(got.content).hexdigest()) == (200, name_of(address))
                    assert "immutable" in got.headers["cache-control"]
                    assert got.headers["content-security-policy"] == "sandbox"
                    assert got.headers["x-content-type-options"] == "nosniff"
                    assert got.headers["content-type"] == "video/mp4"
                    assert "x-accel-redirect" not in got.headers
        seen = {path.name for path in files(folder)}
        keys = {line for path in files(folder) for line in re.findall(rb"KEY: (\S+)", path.read_bytes()[:2000])}
        assert len(seen) == len(keys) >= 2
        assert all(re.fullmatch(rb"/media/[0-9a-f]{64}\.mp4", key) for key in keys)

        address = clips_of(bob, slug)[0]
        assert bob.get(address).status_code == 200
        part = bob.get(address, headers={"Range": "bytes=0-3"})
        assert (part.status_code, len(part.content)) == (206, 4)
        known = bob.get(address, headers={"If-None-Match": f'"{name_of(address)}"'})
        assert known.status_code == 304
        people = behind.browser.get(f"/e/{slug}/people").text
        for member in set(re.findall(r'name="member" value="(\d+)"', people)):
            behind.post(f"/e/{slug}/people", f"/e/{slug}/people", member=member, remove="1")
        assert bob.get(address).status_code == 403


def test_nobody_comes_to_the_kept_clips_from_outside(kept):
    behind, _ = kept
    with trainer_of(behind) as trainer:
        fill(trainer, 4)
        slug = trainer.experiment
    with closing(guest(behind, slug)) as ann:
        address = clips_of(ann, slug)[0]
        assert ann.get(address).status_code == 200
        assert ann.get(address.replace("/media/", "/_clips/")).status_code == 404
        # Only nginx says where it keeps them: what a browser says in that header is dropped.
        for said in ("/_clips/", "/elsewhere/", ""):
            got = ann.get(address, headers={"X-Clips-Inside": said})
            assert hashlib.sha256(got.content).hexdigest() == name_of(address)
        assert ann.get(address.replace("&s=", "&s=x")).status_code == 403

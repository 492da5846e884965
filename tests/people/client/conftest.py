"""A real server process for the trainer's client."""

import io
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer, start_or_attach
from rl_teacher.people.client.messages import ClipSpec, ExperimentSpec


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with start_or_attach(tmp_path_factory.mktemp("feedback"), port=0, log=lambda line: None) as found:
        yield found


SPEC = ExperimentSpec("ShortHopper-v1", {"seed": 1}, "hash", 100)


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[FeedbackClient]:
    found = FeedbackClient(server.url, server.token, f"run-{uuid.uuid4().hex[:8]}")
    found.ensure_experiment(SPEC)
    yield found
    found.close()


def make_mp4(content: bytes = b"x") -> bytes:
    boxes = [(b"ftyp", b"isom\x00\x00\x02\x00isomiso2"), (b"moov", b""), (b"mdat", content)]
    return b"".join(struct.pack(">I4s", 8 + len(body), name) + body for name, body in boxes)


def make_npz(steps: int = 5) -> bytes:
    file = io.BytesIO()
    np.savez(file, obs=np.zeros((steps, 3), np.float32), actions=np.ones((steps, 2), np.float32))
    return file.getvalue()


class Labeler:
    """A person in a browser, without the browser."""

    def __init__(self, server: EmbeddedServer, data_dir: Path | None = None) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=10, trust_env=False)
        self.tab = str(uuid.uuid4())

    def sign_in(self, link: str) -> "Labeler":
        self.http.get("/enter").raise_for_status()
        page = self.http.get("/enter").text
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        body = {"token": link.split("#")[1], "csrfmiddlewaretoken": token}
        response = self.http.post("/enter", data=body, headers={"Accept": "application/json", "X-CSRFToken": token})
        response.raise_for_status()
        self.csrf = self.http.get("/api/v1/me").json()["csrf_token"]
        return self

    def post(self, path: str, body: object, method: str = "POST") -> httpx.Response:
        return self.http.request(method, f"/api/v1{path}", json=body, headers={"X-CSRFToken": self.csrf})

    def claim(self, slug: str, want: int = 1) -> list[dict]:
        response = self.post(f"/experiments/{slug}/queue:claim", {"want": want, "have": [], "tab": self.tab})
        response.raise_for_status()
        return response.json()["assignments"]

    def answer(self, assignment: str, side: str) -> httpx.Response:
        return self.post(f"/responses/{uuid.uuid4()}", {"answer": {"assignment": assignment, "side": side}}, "PUT")


@pytest.fixture(scope="session")
def labeler(server: EmbeddedServer) -> Iterator[Labeler]:
    (link,) = [line.split(": ", 1)[1] for line in server.lines if "enter#" in line]
    person = Labeler(server).sign_in(link)
    yield person
    person.http.close()


@pytest.fixture
def media():
    """`mp4`, `npz` and a clip of them."""

    class Media:
        mp4, npz = staticmethod(make_mp4), staticmethod(make_npz)

        @staticmethod
        def clip(mp4: str, arrays: str) -> ClipSpec:
            return ClipSpec(mp4=mp4, arrays=arrays, fps=20, n_frames=30, width=64, height=64, step=1000)

    return Media


@pytest.fixture
def spec() -> ExperimentSpec:
    return SPEC

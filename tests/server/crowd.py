"""Labelers that answer a server process as fast as they can, and what they need."""

import io
import sqlite3
import struct
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import numpy as np

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer
from rl_teacher.people.client.messages import ClipSpec, ExperimentSpec
from rl_teacher.records import Comparison

SPEC = ExperimentSpec("ShortHopper-v1", {"seed": 1}, "hash", 100_000)


def quiet(line):
    pass


def mp4(content):
    boxes = [(b"ftyp", b"isom\x00\x00\x02\x00isomiso2"), (b"moov", b""), (b"mdat", content)]
    return b"".join(struct.pack(">I4s", 8 + len(body), name) + body for name, body in boxes)


def sign_in(http, lines):
    (link,) = [line.split(": ", 1)[1] for line in lines if "enter#" in line]
    page = http.get("/enter").text
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    done = http.post(
        "/enter",
        data={"token": link.split("#")[1], "csrfmiddlewaretoken": token},
        headers={"Accept": "application/json"},
    )
    done.raise_for_status()
    http.headers["X-CSRFToken"] = http.get("/api/v1/me").json()["csrf_token"]


class Crowd:
    """Labelers that answer as fast as they can and remember every acknowledged answer."""

    def __init__(self, server: EmbeddedServer, pairs: int, slug: str = "load") -> None:
        self.slug, self.acknowledged, self.errors = slug, set(), []
        self.https = []
        # The same after a kill, as in a browser: what a tab had borrowed it gets back.
        self.tabs = [str(uuid.uuid4()) for _ in range(8)]
        self.join(server)
        with FeedbackClient(server.url, server.token, slug) as client:
            client.ensure_experiment(SPEC)
            fill(client, pairs)

    def join(self, server: EmbeddedServer) -> None:
        self.url = server.url
        self.link = next(line for line in server.lines if "enter#" in line)
        if not self.https:
            http = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
            sign_in(http, [self.link])
            self.https.append(http)
        self.https[0].base_url = self.url

    def work(self, num_threads: int, seconds: float, stop=None) -> None:
        stop = stop or threading.Event()
        timer = threading.Timer(seconds, stop.set)
        timer.start()
        with ThreadPoolExecutor(num_threads) as pool:
            for done in [pool.submit(self._label, stop, tab) for tab in self.tabs[:num_threads]]:
                done.result()
        timer.cancel()

    def _label(self, stop, tab) -> None:
        http, held = self.https[0], []
        pending = None
        while not stop.is_set():
            try:
                if pending is None:
                    if not held:
                        body = {"want": 3, "have": [], "tab": tab}
                        claimed = http.post(f"/api/v1/experiments/{self.slug}/queue:claim", json=body)
                        claimed.raise_for_status()
                        held = [row["assignment"] for row in claimed.json()["assignments"]]
                        if not held:
                            return
                    pending = (str(uuid.uuid4()), held.pop(0))
                body = {
                    "answer": {"assignment": pending[1], "side": "left"},
                    "refill": {"want": 1, "have": held, "tab": tab},
                }
                taken = http.put(f"/api/v1/responses/{pending[0]}", json=body)
                taken.raise_for_status()
                self.acknowledged.add(pending[0])
                held += [row["assignment"] for row in taken.json()["refill"]]
                pending = None
            except httpx.HTTPError as error:
                if isinstance(error, httpx.HTTPStatusError):
                    self.errors.append(error)
                    return
                return  # killed: the caller starts the server again

    def close(self) -> None:
        for http in self.https:
            http.close()


def fill(client, pairs):
    file = io.BytesIO()
    np.savez(file, obs=np.zeros((5, 3)), actions=np.zeros((5, 1)))
    arrays = client.put_blob(file.getvalue(), "application/x-npz")
    ids = []
    for i in range(2):
        ids.append(str(uuid.uuid4()))
        video = client.put_blob(mp4(b"%d" % i), "video/mp4")
        client.put_clip(ids[-1], ClipSpec(mp4=video, arrays=arrays, fps=20, n_frames=30, width=64, height=64, step=1))
    client.create_comparisons([Comparison(str(uuid.uuid4()), *ids, 1) for _ in range(pairs)])


def database_is_whole(data):
    with closing(sqlite3.connect(data / "db.sqlite3")) as file:
        return (
            file.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            and not file.execute("PRAGMA foreign_key_check").fetchall()
        )

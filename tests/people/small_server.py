"""A feedback server in memory, as far as a trainer's client can tell, and clip workers that draw at once."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

import httpx
import numpy as np

from rl_teacher.core.segment import Segment
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.video.encode import EncodedClip
from rl_teacher.video.jobs import ClipJob, ClipResult, Frames

DEADLINE_S = 30.0


class SmallServer(httpx.BaseTransport):
    """Answers the trainer's calls; the test plays the people.

    It takes nothing that names what it does not have: a clip of unknown bytes, a comparison of unknown clips.
    """

    def __init__(self) -> None:
        self.is_away = self.is_paused = self.needs_webm = self.is_older = False
        self.is_busy: set[str] = set()
        """Calls that it says `later` to, such as `PUT heartbeat`."""
        self.seconds_per_batch = 0.0
        """How long it takes for each batch of predictions [s]."""
        self.blobs: dict[str, bytes] = {}
        self.clips: dict[str, dict[str, Any]] = {}
        self.comparisons: dict[str, dict[str, Any]] = {}
        """By id, in the order in which they came."""
        self.states: dict[str, str] = {}
        """open, answered or cancelled, by comparison."""
        self.events: list[dict[str, Any]] = []
        self.heartbeats: list[dict[str, Any]] = []
        self.points: list[dict[str, Any]] = []
        self.predictions: list[dict[str, Any]] = []
        self.videos: list[dict[str, Any]] = []
        self.lessons: list[dict[str, Any]] = []
        """None where it `is_older`: it does not know such."""
        self.uploads: list[str] = []
        """Ids of clips and comparisons, each time one came."""
        self._changed = threading.Condition()
        self._is_closed = False

    def client(self) -> FeedbackClient:
        """A real client that speaks to this server."""
        self._is_closed = False
        return FeedbackClient("http://small", "rlt_x", "run", transport=self)

    # -- people --------------------------------------------------------------------------------------------------

    def answer(self, comparison: str, said: str | None, **more: Any) -> None:
        """Somebody answers, or withdraws the answer: None."""
        asked = self.comparisons[comparison]
        with self._changed:
            self.states[comparison] = "answered"
            row = {
                "seq": len(self.events) + 1, "kind": "withdrawn" if said is None else "answered", "assignment": "x",
                "comparison": comparison, "a": asked["a"], "b": asked["b"], "preferred": said, "labeler": "ann",
                "assignment_kind": "normal", "extra": False, "rt_ms": 900, "at": "2026-01-01T00:00:00Z",
            }  # fmt: skip
            self.events.append(row | more)
            self._changed.notify_all()

    # -- the wire ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        data = request.read()
        if self.is_away or self._is_closed:
            raise httpx.ConnectError("connection refused", request=request)
        path = request.url.path.removeprefix("/api/v1/experiments/run")
        what, _, name = path.removeprefix("/").partition("/")
        if what == "labels":
            return self._labels(int(request.url.params["after"]), float(request.url.params["wait"]))
        if what == "blobs" and request.method == "PUT":
            return self._put_blob(name, data)
        if what == "blobs":
            known = name in self.blobs
            return httpx.Response(302 if known else 404, headers={"location": f"/media/{name}"})
        if what == "media":
            return httpx.Response(200, content=self.blobs[name])
        if (call := f"{request.method} {what}") in self.is_busy:
            return httpx.Response(503)
        if what == "lesson" and self.is_older:
            return httpx.Response(404, json={"type": "/problems/not-found", "detail": "nothing at this address"})
        body = json.loads(data) if data else None
        calls: dict[str, Callable[[], Any]] = {
            "GET clips": lambda: {"clips": [{"id": one} | row for one, row in self.clips.items()], "next": None},
            "GET comparisons": lambda: {"comparisons": self._open(), "next": None},
            "PUT clips": lambda: self._put_clip(name, body),
            "POST comparisons": lambda: {"results": {row["id"]: self._put_comparison(row) for row in body}},
            "POST comparisons:cancel": lambda: {"ids": [one for one in body["ids"] if self._cancel(one)]},
            "POST metrics": lambda: self.points.extend(body),
            "POST predictions": lambda: self._predict(body),
            "POST videos": lambda: self.videos.append(body),
            "PUT lesson": lambda: self.lessons.append(body | {"num_videos": len(self.videos)}),
            "PUT heartbeat": lambda: self._heartbeat(body),
        }
        return httpx.Response(200, json=calls[call]())

    def _labels(self, after: int, wait_s: float) -> httpx.Response:
        with self._changed:
            self._changed.wait_for(lambda: len(self.events) > after or self._is_closed or self.is_away, wait_s)
        if self._is_closed or self.is_away:
            raise httpx.ReadError("connection closed")
        return httpx.Response(200, json={"events": self.events[after:], "head": len(self.events)})

    def _put_blob(self, sha256: str, data: bytes) -> httpx.Response:
        assert hashlib.sha256(data).hexdigest() == sha256
        self.blobs[sha256] = data
        return httpx.Response(201)

    def _put_clip(self, clip_id: str, clip: dict[str, Any]) -> None:
        blobs = {clip["mp4"], clip["arrays"], clip["webm"] or clip["mp4"]}
        assert blobs <= self.blobs.keys(), f"clip {clip_id} names bytes that were not sent"
        self.clips[clip_id] = clip
        self.uploads.append(clip_id)

    def _put_comparison(self, row: dict[str, Any]) -> str:
        assert {row["a"], row["b"]} <= self.clips.keys(), f"comparison {row['id']} names clips that were not sent"
        self.uploads.append(row["id"])
        if row["id"] in self.comparisons:
            return "exists"
        self.comparisons[row["id"]], self.states[row["id"]] = row, "open"
        return "created"

    def _open(self) -> list[dict[str, Any]]:
        return [row for one, row in self.comparisons.items() if self.states[one] == "open"]

    def _cancel(self, comparison: str) -> bool:
        if self.states.get(comparison) != "open":
            return False
        self.states[comparison] = "cancelled"
        return True

    def _predict(self, rows: list[dict[str, Any]]) -> None:
        time.sleep(self.seconds_per_batch)
        self.predictions += rows

    def _heartbeat(self, body: dict[str, Any]) -> dict[str, bool]:
        self.heartbeats.append(body)
        return {"paused": self.is_paused, "needs_webm": self.needs_webm}


class InstantWorkers:
    """Clip workers that draw in no time; what is `broken` cannot be drawn."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.num_closed = 0
        self._results: SimpleQueue[ClipResult] = SimpleQueue()

    def submit(self, job: ClipJob) -> None:
        clip = EncodedClip(job.id.encode(), b"vp9" if job.with_webm else None, job.fps, 8, 3, 320, 320)
        is_broken = job.id in self.broken
        self._results.put(ClipResult(job.id, None if is_broken else clip, "no light" if is_broken else ""))

    def poll(self, timeout_seconds: float = 0.0) -> list[ClipResult]:
        try:
            return [self._results.get(timeout=timeout_seconds)]
        except Empty:
            return []

    def close(self) -> None:
        self.num_closed += 1


def segment(number: int) -> Segment:
    """Five steps that all say their number."""
    return Segment(
        obs=np.full((5, 2), number, np.float32), reward_action=np.full((5, 1), number / 10),
        env_action=np.full((5, 1), 99.0), true_reward=np.full(5, float(number)),
        sim_state=np.full((5, 4), number + 0.5), env=number, episode=number + 1, start=number + 2, iteration=number + 3,
    )  # fmt: skip


def frames(one: Segment) -> Frames:
    """Five pictures."""
    return Frames(np.zeros((5, 4, 4, 3), np.uint8))


def wait_for(what: Callable[[], Any]) -> Any:
    """What `what()` says, once it is true."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)
    return found

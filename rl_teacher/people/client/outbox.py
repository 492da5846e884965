"""Uploads that wait on disk until the server has acknowledged them, in order, also across crashes."""

import base64
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rl_teacher.errors import FolderUnwritable, ServerFault
from rl_teacher.files import make_folder, write_whole, writing
from rl_teacher.people.client.api import FeedbackClient, ServerAway, ServerRefused
from rl_teacher.people.client.messages import ClipSpec, Ending, Lesson, MetricPoint, Prediction
from rl_teacher.records import Comparison, SegmentId

MAX_BYTES = 1024**3
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
SUFFIX = ".item"
log = logging.getLogger(__name__)


class Outbox:
    """A folder of numbered items and a thread that sends them, lowest number first.

    An item is on disk before `put_*` returns, and it leaves the disk when the server has said yes. All uploads are
    idempotent, so an item whose acknowledgement was lost is simply sent again. What the server refuses for good goes to
    `refused/`, beside the reason, and does not hold up the rest.
    """

    def __init__(self, folder: Path, client: FeedbackClient, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder, self._client, self._max_bytes = folder, client, max_bytes
        make_folder(folder)
        with writing(folder):
            for torn in folder.glob(".*.new"):
                torn.unlink()
        self._lock = threading.Lock()
        self._sizes = {path.name: path.stat().st_size for path in sorted(folder.glob(f"{'[0-9]' * 12}-*{SUFFIX}"))}
        self._next = 1 + max((int(name.split("-")[0]) for name in self._sizes), default=0)
        self._wake, self._stop, self._idle = threading.Event(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.last_error = ""
        """Why the last attempt failed; empty when it did not."""
        self.num_refused = 0
        """Items that the server refused for good."""

    @property
    def num_waiting(self) -> int:
        """Items that are not acknowledged yet."""
        with self._lock:
            return len(self._sizes)

    @property
    def num_bytes(self) -> int:
        """What they take on disk."""
        with self._lock:
            return sum(self._sizes.values())

    def has_room(self, num_bytes: int) -> bool:
        """Whether so much more fits; if not, ask no new questions."""
        return self.num_bytes + num_bytes <= self._max_bytes

    def put_blob(self, sha256: str, data: bytes, content_type: str) -> None:
        """Upload bytes."""
        self._put({"kind": "blob", "sha256": sha256, "content_type": content_type}, data)

    def put_clip(self, clip_id: SegmentId, clip: ClipSpec) -> None:
        """Make a clip of blobs that were put before."""
        self._put({"kind": "clip", "id": clip_id, "clip": asdict(clip)})

    def put_comparisons(self, comparisons: Sequence[Comparison], *, priority: float = 0.0) -> None:
        """Ask people about clips that were put before."""
        self._put({"kind": "comparisons", "rows": [asdict(row) for row in comparisons], "priority": priority})

    def put_video(self, step: int, sha256: str) -> None:
        """Name a blob that was put before as the agent's video of `step`."""
        self._put({"kind": "video", "step": step, "sha256": sha256})

    def put_metrics(self, points: Sequence[MetricPoint]) -> None:
        """Add points to curves."""
        self._put({"kind": "metrics", "points": [asdict(point) for point in points]})

    def put_predictions(self, rows: Sequence[Prediction]) -> None:
        """Tell what the reward model made of comparisons that were put before."""
        self._put({"kind": "predictions", "rows": [_prediction_row(row) for row in rows]})

    def put_lesson(self, lesson: Lesson) -> None:
        """Tell how far the lesson is."""
        self._put({"kind": "lesson", "lesson": asdict(lesson)})

    def _put(self, head: dict[str, Any], data: bytes = b"") -> None:
        content = json.dumps(head).encode() + b"\n" + data
        if not self.has_room(len(content)):
            raise ServerFault(
                f"outbox {self._folder}: {self.num_bytes:,} bytes wait for {self._client.url}, "
                f"at most {self._max_bytes:,} may. "
                "Start the server (`rl-teacher serve`) and they go out."
            )
        with self._lock:
            name = f"{self._next:012d}-{head['kind']}{SUFFIX}"
            self._next += 1
            write_whole(self._folder / name, content)
            self._sizes[name] = len(content)
            self._idle.clear()
        self._wake.set()

    def start(self) -> None:
        """Begin to send."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
            self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop sending; what waits stays on disk."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged; whether it is."""
        deadline = time.monotonic() + timeout_s
        while self.num_waiting and time.monotonic() < deadline:
            self._idle.wait(min(0.2, max(0.0, deadline - time.monotonic())))
        return self.num_waiting == 0

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            with self._lock:
                name = min(self._sizes, default=None)
                if name is None:
                    self._wake.clear()
                    self._idle.set()
            if name is None:
                self._wake.wait()
                continue
            try:
                self._send(name, is_retry=failures > 0)
                self.last_error, failures = "", 0
            except ServerAway as away:
                self.last_error, failures = str(away), failures + 1
                if failures == 1:
                    log.warning("outbox: %s Everything is kept and sent later.", away)
                self._stop.wait(backoff_s(failures))
            except (FolderUnwritable, OSError, ValueError, KeyError) as error:  # a full disk, an answer without sense
                self.last_error, failures = str(error), failures + 1
                if failures == 1:
                    log.error("outbox: %s", error)
                self._stop.wait(backoff_s(failures))

    def _send(self, name: str, *, is_retry: bool) -> None:
        try:
            deliver = self._prepared(*read_item(self._folder / name), is_retry)
        except (KeyError, TypeError, ValueError) as error:
            deliver = refusing(name, error)
        try:
            deliver()
        except ServerRefused as refused:
            self.num_refused += 1
            log.error("outbox: %s The item is kept in %s.", refused, self._folder / "refused")
            target = self._folder / "refused" / name
            target.parent.mkdir(exist_ok=True)
            write_whole(target.with_suffix(".txt"), f"{refused}\n".encode())
            (self._folder / name).replace(target)
        else:
            (self._folder / name).unlink()
        with self._lock:
            del self._sizes[name]

    def _prepared(self, head: dict[str, Any], data: bytes, is_retry: bool) -> Callable[[], object]:
        """The call that an item asks for; all of the item has been read before it is made."""
        match head["kind"]:
            case "blob":
                sha256, content_type = str(head["sha256"]), str(head["content_type"])
                return lambda: self._blob(sha256, content_type, data, is_retry)
            case "clip":
                clip_id, clip = str(head["id"]), ClipSpec(**head["clip"])
                return lambda: self._client.put_clip(clip_id, clip)
            case "comparisons":
                rows, priority = [Comparison(**row) for row in head["rows"]], float(head["priority"])
                return lambda: self._client.create_comparisons(rows, priority=priority)
            case "video":
                step, video = int(head["step"]), str(head["sha256"])
                return lambda: self._client.video(step, video)
            case "predictions":
                predictions = [_read_prediction(row) for row in head["rows"]]
                return lambda: self._client.predictions(predictions)
            case "lesson":
                lesson = read_lesson(head["lesson"])
                return lambda: self._client.lesson(lesson)
            case "metrics":
                points = [MetricPoint(**point) for point in head["points"]]
                return lambda: self._client.metrics(points)
        raise ValueError(f"kind {head['kind']!r}")

    def _blob(self, sha256: str, content_type: str, data: bytes, is_retry: bool) -> None:
        if not (is_retry and self._client.has_blob(sha256)):
            self._client.put_blob(data, content_type)


def refusing(name: str, error: Exception) -> Callable[[], object]:
    """What is done with an item that cannot be read: cut off, or written by a version that knew other kinds."""

    def refuse() -> None:
        raise ServerRefused(f"{name}: {type(error).__name__}: {error}: no item that this version can send.", "", {})

    return refuse


def backoff_s(failures: int) -> float:
    """Longer after each failure, never quite the same, so that many trainers do not come back together."""
    return random.uniform(0.5, 1.0) * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - 1, 10))


PICTURES = ("left_picture", "right_picture")
"""Of a prediction: bytes, which an item holds as text."""


def _prediction_row(prediction: Prediction) -> dict[str, Any]:
    row = asdict(prediction)
    return row | {name: base64.b64encode(row[name]).decode() for name in PICTURES if row[name] is not None}


def _read_prediction(row: dict[str, Any]) -> Prediction:
    return Prediction(**row | {name: base64.b64decode(row[name]) for name in PICTURES if row.get(name) is not None})


def read_lesson(row: dict[str, Any]) -> Lesson:
    """A lesson as an item holds it."""
    told = row["ending"]
    ending = told and Ending(**told | {"commands": tuple(told["commands"])})
    return Lesson(**row | {"ending": ending})


def read_item(path: Path) -> tuple[dict[str, Any], bytes]:
    """What an item says, and its bytes."""
    head, _, data = path.read_bytes().partition(b"\n")
    return json.loads(head), data

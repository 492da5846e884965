"""The trainer's side of the feedback server: one typed call per thing, errors that say what to do."""

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from rl_teacher.errors import ServerFault
from rl_teacher.people.client.address import bearer_token, known_authorities, server_address
from rl_teacher.people.client.messages import (
    TAKEN_FOR_GRANTED,
    ClipSpec,
    ExperimentAbout,
    ExperimentSpec,
    ExperimentState,
    HeartbeatReply,
    Invitation,
    LabelEvent,
    LabelPage,
    Lesson,
    MetricPoint,
    Prediction,
)
from rl_teacher.records import Comparison, ComparisonId, Preference, SegmentId

PREFERENCES = {"a": Preference.LEFT, "b": Preference.RIGHT, "tie": Preference.TIE, "cant_tell": Preference.CANT_TELL}
"""On the wire left is `a`, right is `b`."""
RETRY_STATUS = (408, 425, 429, 500, 502, 503, 504, 507)
MAX_COMPARISONS = 256
MAX_METRICS = 1000
MAX_PREDICTIONS = 64
MAX_NOTICE = 500
MAX_FRAMES = 40_000
"""Frames of curves in one request, which may be 1 MiB long."""
WAIT_S = 20.0


class ServerAway(ServerFault):
    """No answer, or one that says `later`: the same call may work in a while."""


class ServerRefused(ServerFault):
    """The server understood and said no; the same call will never work."""

    def __init__(self, text: str, slug: str, problem: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.slug, self.problem = slug, problem


class FeedbackClient:
    """Calls of one experiment; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        token: str,
        experiment: str,
        *,
        timeout_s: float = 15.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, self.experiment = server_address(url), experiment
        self._path = urlsplit(self.url).path
        """Under which the server lives; empty for a host of its own."""
        self._base = f"/api/v1/experiments/{experiment}"
        self._timeout = timeout_s
        self._is_older = False
        """Whether the server has no place for the time that is left: it is not told again."""
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {bearer_token(token)}"},
            verify=known_authorities(self.url),
            timeout=timeout_s,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def ensure_experiment(self, spec: ExperimentSpec) -> ExperimentState:
        """Make the experiment, or resume it if its configuration is the same."""
        body = spec.as_body()
        try:
            response = self._call("PUT", "", body)
        except ServerRefused as refused:
            unknown = [field for field in ("task", *TAKEN_FOR_GRANTED) if _knows_not(refused, field)]
            if not unknown:
                raise
            body = {name: value for name, value in body.items() if name not in unknown}
            if "task" in unknown:  # where the guideline alone says what to do
                body["guideline"] = "\n\n".join(part for part in (spec.task, spec.guideline) if part) or None
            response = self._call("PUT", "", body)
        return self._state(response, response.status_code == 201)

    def state(self) -> ExperimentState:
        """How it stands now."""
        return self._state(self._call("GET", ""), False)

    def about(self) -> ExperimentAbout:
        """What its trainer said of it; refused as `not-found` where nobody has made it."""
        found = _object(self._call("GET", ""), "env_id", "config", "config_hash")
        return ExperimentAbout(found["env_id"], found["config"], found["config_hash"])

    def _state(self, response: httpx.Response, is_new: bool) -> ExperimentState:
        names = ("state", "paused", "labels_wanted", "answered", "cant_tell", "head")
        found = _object(response, *names)
        return ExperimentState(is_new, *(found[name] for name in names))

    def has_blob(self, sha256: str) -> bool:
        """Whether the experiment has these bytes already."""
        try:
            self._call("HEAD", f"/blobs/{sha256}")
        except ServerRefused as refused:
            if refused.slug == "not-found":
                return False
            raise
        return True

    def put_blob(self, data: bytes, content_type: str) -> str:
        """Upload bytes; their hash."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._send("PUT", f"{self._base}/blobs/{sha256}", content=data, headers={"Content-Type": content_type})
        return sha256

    def get_blob(self, sha256: str) -> bytes:
        """Download bytes, e.g. the arrays of a segment, and check their hash."""
        location = self._call("GET", f"/blobs/{sha256}").headers["location"]
        data = self._send("GET", location.removeprefix(self._path)).content
        got = hashlib.sha256(data).hexdigest()
        if got != sha256:
            raise ServerFault(f"GET blob {sha256}: the bytes have the hash {got}; the server's disk may be damaged.")
        return data

    def put_clip(self, clip_id: SegmentId, clip: ClipSpec) -> None:
        """Make a clip; its blobs must be there."""
        self._call("PUT", f"/clips/{clip_id}", asdict(clip) | {"meta": dict(clip.meta)})

    def clips(self) -> Iterator[tuple[SegmentId, ClipSpec]]:
        """All clips of the experiment."""
        names = ClipSpec.__dataclass_fields__
        for row in self._rows("clips"):
            yield row["id"], ClipSpec(**{name: row[name] for name in names})

    def create_comparisons(
        self,
        comparisons: Sequence[Comparison],
        *,
        priority: float = 0.0,
        gold: Preference | None = None,
        note: str = "",
    ) -> dict[ComparisonId, str]:
        """Put pairs to people; `created` or `exists` by id. A pair with a known answer (`gold`) only checks people."""
        answers = {preference: letter for letter, preference in PREFERENCES.items()}
        results: dict[ComparisonId, str] = {}
        for start in range(0, len(comparisons), MAX_COMPARISONS):
            body = [
                {
                    "id": row.id,
                    "a": row.left,
                    "b": row.right,
                    "priority": priority,
                    "note": note,
                    "gold_answer": answers[gold] if gold is not None else None,
                }
                for row in comparisons[start : start + MAX_COMPARISONS]
            ]
            results |= _object(self._call("POST", "/comparisons", body), "results")["results"]
        return results

    def open_comparisons(self) -> list[ComparisonId]:
        """What people are asked now, without the pairs that only check them."""
        return [row["id"] for row in self._rows("comparisons", "&state=open") if row["gold_answer"] is None]

    def cancel(self, ids: Sequence[ComparisonId]) -> list[ComparisonId]:
        """Ask nobody else; those that are cancelled now."""
        return list(_object(self._call("POST", "/comparisons:cancel", {"ids": list(ids)}), "ids")["ids"])

    def labels(self, after: int, *, wait_s: float = 0.0, limit: int = 500) -> LabelPage:
        """Events after the cursor `after`; waits up to `wait_s` for the first. The caller keeps the cursor."""
        path = f"{self._base}/labels?after={after}&limit={limit}&wait={wait_s:g}"
        page = _object(self._send("GET", path, timeout=self._timeout + wait_s), "events", "head")
        events = tuple(_event(row) for row in page["events"])
        if any(event.seq != after + 1 + i for i, event in enumerate(events)):
            raise ServerFault(
                f"feed of {self.experiment!r}: got seq {[e.seq for e in events[:5]]} after {after}, expected no gap."
            )
        return LabelPage(events, page["head"])

    def all_labels(self, after: int = 0) -> Iterator[LabelEvent]:
        """Every event there is now, from the start or from a cursor."""
        while (page := self.labels(after)).events:
            yield from page.events
            after = page.events[-1].seq

    def metrics(self, points: Sequence[MetricPoint]) -> None:
        """Add points to curves; infinite and undefined values are left out."""
        good = [asdict(point) for point in points if math.isfinite(point.value)]
        for start in range(0, len(good), MAX_METRICS):
            self._call("POST", "/metrics", good[start : start + MAX_METRICS])

    def predictions(self, rows: Sequence[Prediction]) -> None:
        """Tell what the reward model made of comparisons that were asked; what is not finite is left out."""
        batch: list[dict[str, Any]] = []
        frames = 0
        for row in rows:
            if not row.is_finite:
                continue
            size = len(row.left) + len(row.right)
            if batch and (len(batch) == MAX_PREDICTIONS or frames + size > MAX_FRAMES):
                self._call("POST", "/predictions", batch)
                batch, frames = [], 0
            curves = {"a": _short(row.left), "b": _short(row.right)}
            seen = {"a_picture": row.left_picture, "b_picture": row.right_picture}
            pictures = {name: base64.b64encode(png).decode() for name, png in seen.items() if png is not None}
            batch.append({"comparison": row.comparison, "step": row.step, "p_left": row.p_left} | curves | pictures)
            frames += size
        if batch:
            self._call("POST", "/predictions", batch)

    def video(self, step: int, sha256: str) -> None:
        """What the agent looks like after `step` steps; the blob must be there."""
        self._call("POST", "/videos", {"step": step, "blob": sha256})

    def heartbeat(
        self,
        state: str,
        step: int,
        next_clips_s: float | None = None,
        training_left_s: float | None = None,
        notice: str | None = None,
    ) -> HeartbeatReply:
        """Say that the trainer lives.

        Args:
            state: `training`, `waiting`, `paused` or `done`.
            step: Env steps so far.
            next_clips_s: When the next clips come [s], if there is nothing to answer.
            training_left_s: When the run is over [s].
            notice: For the owner's page, cut at 500 characters; None leaves what stands there, "" clears it.
        """
        body: dict[str, Any] = {"state": state, "step": step, "next_clips_s": next_clips_s}
        if training_left_s is not None and not self._is_older:
            body["training_left_s"] = training_left_s
        if notice is not None:
            body["notice"] = notice[:MAX_NOTICE]
        try:
            response = self._call("PUT", "/heartbeat", body)
        except ServerRefused as refused:
            if not _knows_not(refused, "training_left_s"):
                raise
            self._is_older = True
            body.pop("training_left_s")
            response = self._call("PUT", "/heartbeat", body)
        reply = _object(response, "paused", "needs_webm")
        seen = reply.get("ending_seen")
        return HeartbeatReply(
            paused=bool(reply["paused"]), needs_webm=bool(reply["needs_webm"]),
            ending_seen=None if seen is None else bool(seen),
        )  # fmt: skip

    def lesson(self, lesson: Lesson) -> bool:
        """Say how far the lesson is; whether the server understands it: one of an older version has no place for it."""
        body = asdict(lesson) | {"relevances": lesson.relevances[:MAX_NOTICE]}
        try:
            self._call("PUT", "/lesson", body)
        except ServerRefused as refused:
            if refused.slug == "not-found":
                return False
            raise
        return True

    def invite(self) -> Invitation | None:
        """A link by which others answer without an account; None: nobody else reaches the server."""
        reply = _object(self._call("POST", "/invites"), "url", "days", "uses")
        return Invitation(reply["url"], reply["days"], reply["uses"]) if reply["url"] else None

    def _rows(self, name: str, which: str = "") -> Iterator[dict[str, Any]]:
        after = ""
        while True:
            page = _object(self._call("GET", f"/{name}?limit=500{which}{after}"), name, "next")
            yield from page[name]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"

    def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        more: dict[str, Any] = {}
        if body is not None:
            more = {"content": json.dumps(body, allow_nan=False), "headers": {"Content-Type": "application/json"}}
        return self._send(method, self._base + path, **more)

    def _send(self, method: str, url: str, **more: Any) -> httpx.Response:
        what = f"{method} {url.split('?')[0]}"
        try:
            response = self._http.request(method, url, **more)
        except httpx.TimeoutException as error:
            raise ServerAway(
                f"{what}: {self.url} gave no answer in time ({type(error).__name__}). Is the server busy?"
            ) from error
        except httpx.TransportError as error:
            raise ServerAway(
                f"{what}: {self.url} cannot be reached ({error}). Is `rl-teacher serve` running?"
            ) from error
        location = response.headers.get("location", "")
        if response.is_redirect and not location.startswith(f"{self._path}/media/"):
            raise ServerFault(f"{what}: {self.url} sends on to {location[:200]!r}. Is that the address for --server?")
        if response.status_code < 400:
            return response
        problem = _problem(response)
        text = f"{what}: the server answered {response.status_code}: {problem.get('detail', 'no reason given')}"
        if response.status_code in RETRY_STATUS:
            raise ServerAway(text)
        slug = str(problem.get("type", "")).removeprefix("/problems/")
        raise ServerRefused(text, slug or {404: "not-found"}.get(response.status_code, ""), problem)


def _knows_not(refused: ServerRefused, field: str) -> bool:
    """Whether the server refused a body for this field, which one of an older version does not know."""
    errors = refused.problem.get("errors")
    return (
        refused.slug == "invalid"
        and isinstance(errors, list)
        and any(
            isinstance(error, dict)
            and "not permitted" in str(error.get("msg"))
            and field in list(error.get("loc") or ())
            for error in errors
        )
    )


def _short(curve: Sequence[float]) -> list[float]:
    """As many digits as the server keeps."""
    return [float(f"{value:.7g}") for value in curve]


def _object(response: httpx.Response, *names: str) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        ServerAway: it is none, or lacks one of `names`: something else answers at the address, perhaps for a while.
    """
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict) or any(name not in found for name in names):
        request = response.request
        raise ServerAway(
            f"{request.method} {request.url.path}: what answers at {request.url.host} is no feedback server (it says "
            f"{response.text[:60]!r}). Is the address for --server right?"
        )
    return found


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _event(row: Mapping[str, Any]) -> LabelEvent:
    said = row["preferred"]
    if said is not None and said not in PREFERENCES:
        raise ServerFault(
            f"feed, seq {row['seq']}: preferred is {said!r}, expected one of {list(PREFERENCES)}. Update rl-teacher."
        )
    return LabelEvent(
        seq=row["seq"],
        kind=row["kind"],
        assignment=row["assignment"],
        comparison=row["comparison"],
        left=row["a"],
        right=row["b"],
        preference=None if said is None else PREFERENCES[said],
        labeler=row["labeler"],
        trains=row["assignment_kind"] == "normal" and not row["extra"],
        rt_ms=row["rt_ms"],
        answered_at=row["at"],
        strength=row.get("strength"),
    )

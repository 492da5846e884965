"""Scripted labelers without a browser: what they answer follows from what the server keeps of the clips."""

import argparse
import io
import re
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
import numpy as np

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.messages import ClipSpec
from rl_teacher.teachers.scripted import SegmentView

Judge = Callable[[SegmentView, SegmentView], object]
"""Left and right segment -> left, right, tie or cant_tell."""


def prefer_true_return(left: SegmentView, right: SegmentView) -> str:
    """The clip of the larger true return."""
    gap = float(left.true_rewards.sum() - right.true_rewards.sum())
    return "tie" if gap == 0 else "left" if gap > 0 else "right"


@dataclass(slots=True)
class Archive:
    """The arrays of the clips of an experiment by the hash of their video, as the server has them."""

    client: FeedbackClient
    clips: dict[str, ClipSpec] = field(default_factory=dict)
    """By the hash of the video."""

    def find(self, mp4: str) -> SegmentView:
        """The segment that a video shows."""
        if mp4 not in self.clips:
            self.clips = {clip.mp4: clip for _, clip in self.client.clips()}
        clip = self.clips[mp4]
        with np.load(io.BytesIO(self.client.get_blob(clip.arrays))) as arrays:
            return SegmentView(arrays["obs"], arrays["actions"], arrays["state"], arrays["true_reward"], 1.0 / clip.fps)


def digest(media: dict[str, Any]) -> str:
    """The hash in the address of a video: /media/<sha256>.mp4?…"""
    found = re.search(r"/media/([0-9a-f]{64})", str(media["mp4"]))
    assert found, media
    return found.group(1)


class HttpLabeler:
    """Somebody who signs in by a one-time link and answers through the labeling API, a pair at a time."""

    def __init__(self, login: str, client: FeedbackClient, judge: Judge = prefer_true_return) -> None:
        self._archive, self._judge, self._slug = Archive(client), judge, client.experiment
        self._tab = str(uuid.uuid4())
        self._http = httpx.Client(base_url=client.url, timeout=30, trust_env=False)
        form = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self._http.get("/enter").text)
        assert form, "the page has a form"
        body = {"token": login.split("#")[1], "csrfmiddlewaretoken": form.group(1)}
        self._http.post("/enter", data=body, headers={"Accept": "application/json"}).raise_for_status()
        self._http.headers["X-CSRFToken"] = self._http.get("/api/v1/me").json()["csrf_token"]
        self.num_answers = 0

    def claim(self) -> dict[str, Any] | None:
        """The next pair, if there is one."""
        body = {"want": 1, "have": [], "tab": self._tab}
        claimed = self._http.post(f"/api/v1/experiments/{self._slug}/queue:claim", json=body)
        claimed.raise_for_status()
        rows = claimed.json()["assignments"]
        return rows[0] if rows else None

    def wait(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """The next pair, as soon as there is one.

        Raises:
            TimeoutError: no pair came.
        """
        deadline = time.monotonic() + timeout_s
        while (row := self.claim()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no pair of {self._slug!r} in {timeout_s:g} s")
            time.sleep(0.05)
        return row

    def fetch(self, address: str) -> bytes:
        """A clip, as a browser gets it."""
        return self._http.get(address).raise_for_status().content

    def submit(self, row: dict[str, Any], said: str) -> None:
        """Answer a pair."""
        answer = {"assignment": row["assignment"], "side": said, "rt_ms": 1500}
        self._http.put(f"/api/v1/responses/{uuid.uuid4()}", json={"answer": answer}).raise_for_status()
        self.num_answers += 1

    def answer(self, timeout_s: float = 60.0) -> str:
        """Wait for a pair and answer it as the judge says; what was said."""
        row = self.wait(timeout_s)
        said = str(self._judge(*(self._archive.find(digest(row[side])) for side in ("left", "right"))))
        self.submit(row, said)
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._http.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Answer until there is nothing to answer for a while; prints each answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--token", required=True, help="of a trainer, to look clips up")
    parser.add_argument("--login", required=True, help="a one-time link")
    parser.add_argument("--answers", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=0.0, help="from answer to answer")
    parser.add_argument("--patience", type=float, default=60.0, help="how long to wait for a pair [s]")
    given = parser.parse_args(argv)
    client = FeedbackClient(given.url, given.token, given.experiment)
    with client, HttpLabeler(given.login, client) as labeler:
        try:
            while labeler.num_answers < given.answers:
                said = labeler.answer(given.patience)
                print(f"{labeler.num_answers} {said}", flush=True)
                time.sleep(given.seconds)
        except (TimeoutError, httpx.HTTPError) as error:
            print(f"stopped after {labeler.num_answers} answers: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""A real feedback server in its own process, with the trainer's side of its API to fill it."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ROOT = Path(__file__).parents[2]
GUIDELINE = (
    "Which hopper gets further to the right?\n\n"
    "- **Forward counts.** A steady hop beats a big leap that ends in a fall.\n"
    "- Lying on the floor is worse than standing still.\n"
    "- Judge only what you see. Equally good? Say *tie*. Nothing to see? Say *can't tell*.\n"
)


class LiveServer:
    """`serve` on a free port, with a data folder of its own.

    Args:
        data_dir: that folder.
        flags: more of them.
    """

    def __init__(self, data_dir: Path, *flags: str) -> None:
        self.data_dir = data_dir
        command = [sys.executable, "-m", "rl_teacher.server", "serve", "--data-dir", str(data_dir), "--port", "0"]
        command += flags
        self.log = (data_dir.parent / f"{data_dir.name}.log").open("w")
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        self.url = self._wait()
        token = (data_dir / "trainer.token").read_text().strip()
        self.trainer = httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    def _wait(self) -> str:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                url = str(json.loads((self.data_dir / "server.json").read_text())["url"])
                if httpx.get(f"{url}/healthz").status_code == 200:
                    return url
            except (OSError, ValueError, httpx.HTTPError):
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self._stop()
        raise RuntimeError(f"the server did not come up: {Path(self.log.name).read_text()[-2000:]}")

    def login_path(self, user: str = "") -> str:
        """`/enter#<token>`, good for one sign-in."""
        command = [sys.executable, "-m", "rl_teacher.server", "login-url", "--data-dir", str(self.data_dir)]
        printed = subprocess.run(
            [*command, *(["--user", user] if user else [])], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
        found = re.search(r"/enter#\S+", printed)
        assert found, printed
        return found.group()

    def close(self) -> None:
        self.trainer.close()
        self._stop()

    def _stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class LiveExperiment:
    """One experiment of the server, as its trainer sees it."""

    def __init__(self, server: LiveServer, slug: str = "", env_id: str = "ShortHopper-v1", **settings: Any) -> None:
        self.server, self.slug = server, slug or f"hop-{uuid.uuid4().hex[:8]}"
        self.path = f"/experiments/{self.slug}"
        body = {
            "env_id": env_id,
            "config": {"slug": self.slug},
            "config_hash": self.slug,
            "labels_wanted": 175,
            "guideline": GUIDELINE,
            "gold_rate": 0,
            "repeat_rate": 0,
            "min_view_ms": 0,
        } | settings
        self.call("PUT", "", json=body)
        self.clips: dict[str, bytes] = {}
        self.facts: dict[str, dict[str, Any]] = {}

    def call(self, method: str, path: str, **more: Any) -> Any:
        answer = self.server.trainer.request(method, self.path + path, **more)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def tell(self, **told: Any) -> None:
        """How far the lesson is."""
        self.call("PUT", "/lesson", json=told)

    def beat(self, state: str) -> Any:
        """The trainer lives, and does this."""
        return self.call("PUT", "/heartbeat", json={"state": state, "step": 9000})

    def blob(self, content: bytes, kind: str) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.call("PUT", f"/blobs/{digest}", content=content, headers={"Content-Type": kind})
        return digest

    def clip(
        self,
        mp4: bytes,
        webm: bytes | None = None,
        step: int = 0,
        ret: float | None = None,
        size: int = 160,
        fps: float = 30,
    ) -> str:
        """Upload one clip with random arrays; returns its id."""
        arrays = io.BytesIO()
        rng = np.random.default_rng()
        np.savez(
            arrays, obs=rng.normal(size=(24, 3)).astype(np.float32), actions=rng.normal(size=(24, 1)).astype(np.float32)
        )
        hashes = {"mp4": self.blob(mp4, "video/mp4"), "arrays": self.blob(arrays.getvalue(), "application/x-npz")}
        if webm is not None:
            hashes["webm"] = self.blob(webm, "video/webm")
        clip_id = str(uuid.uuid4())
        facts = {
            "fps": fps,
            "n_frames": 24,
            "hold_frames": 6,
            "width": size,
            "height": size,
            "step": step,
            "seed": 7,
            "ret": ret,
        }
        self.call("PUT", f"/clips/{clip_id}", json=hashes | facts)
        self.clips[clip_id], self.facts[clip_id] = mp4, hashes | facts
        return clip_id

    def add_webm(self, clip_id: str, webm: bytes) -> None:
        """Upload the VP9 copy of a clip that is there."""
        self.call("PUT", f"/clips/{clip_id}", json=self.facts[clip_id] | {"webm": self.blob(webm, "video/webm")})

    def ask(self, pairs: list[tuple[str, str]], **more: Any) -> list[str]:
        """Put comparisons of clip ids to people; returns their ids."""
        rows = [{"id": str(uuid.uuid4()), "a": a, "b": b} | more for a, b in pairs]
        for start in range(0, len(rows), 256):
            self.call("POST", "/comparisons", json=rows[start : start + 256])
        return [row["id"] for row in rows]

    def ask_some(self, films: list[bytes], count: int) -> list[str]:
        """Upload the films once and ask about `count` different pairs of them."""
        known = {film: clip_id for clip_id, film in self.clips.items()}
        ids = [known.get(film) or self.clip(film, step=1000 * number) for number, film in enumerate(films)]
        pairs = [(a, b) for a in ids for b in ids if a != b]
        return self.ask([pairs[(7 * number) % len(pairs)] for number in range(count)])

    def events(self) -> list[dict[str, Any]]:
        """The whole feed."""
        return list(self.call("GET", "/labels?after=0&limit=500")["events"])

    def labels(self) -> dict[str, dict[str, Any]]:
        """What counts now: the newest event of every assignment, withdrawals left out."""
        newest = {event["assignment"]: event for event in self.events()}
        return {key: event for key, event in newest.items() if event["kind"] != "withdrawn"}

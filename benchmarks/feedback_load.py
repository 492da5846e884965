"""Load on the feedback server: simulated labelers, clips included, one server process on SQLite.

python -m benchmarks.feedback_load --labelers 100 --minutes 10 [--data-dir DIR]

Each labeler answers every `--every` seconds: PUT of the answer with a refill of one, then both clips of the new pair.
Prints percentiles, errors, and whether the database holds each acknowledged answer exactly once.
"""

import argparse
import asyncio
import io
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer, start_or_attach
from rl_teacher.people.client.messages import ClipSpec, ExperimentSpec
from rl_teacher.records import Comparison

PASSWORD = "a password for load tests"
SLUG = "load"
CLIP_BYTES = 100_000
RUSH_S = 10.0


def make_mp4(number: int) -> bytes:
    """Bytes of the size of a clip."""
    body = random.Random(number).randbytes(CLIP_BYTES)
    boxes = [(b"ftyp", b"isom\x00\x00\x02\x00isomiso2"), (b"moov", b""), (b"mdat", body)]
    return b"".join((8 + len(data)).to_bytes(4, "big") + name + data for name, data in boxes)


def fill(client: FeedbackClient, pairs: int) -> None:
    """Clips and comparisons: 200 clips, paired at random."""
    client.ensure_experiment(ExperimentSpec("ShortHopper-v1", {}, "load", pairs))
    file = io.BytesIO()
    np.savez(file, obs=np.zeros((20, 11), np.float32), actions=np.zeros((20, 3), np.float32))
    arrays = client.put_blob(file.getvalue(), "application/x-npz")
    clips = [str(uuid.uuid4()) for _ in range(200)]
    for number, clip in enumerate(clips):
        video = client.put_blob(make_mp4(number), "video/mp4")
        client.put_clip(clip, ClipSpec(mp4=video, arrays=arrays, fps=20, n_frames=30, width=64, height=64, step=number))
    rng = random.Random(0)
    client.create_comparisons([Comparison(str(uuid.uuid4()), *rng.sample(clips, 2), 1) for _ in range(pairs)])


async def sign_up(admin: httpx.AsyncClient, url: str, count: int) -> list[httpx.AsyncClient]:
    """Accounts by an invitation, as people would."""
    made = await admin.post(f"/e/{SLUG}/invites", data={"role": "labeler", "days": "1", "uses": str(count)})
    page = (await admin.get(f"/e/{SLUG}/people")).text
    assert made.status_code == 303, made.text
    code = page.split("/join/")[1].split("<")[0].split('"')[0].strip()
    people = []
    for number in range(count):
        http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        for _ in range(100):
            token = (await http.get(f"/join/{code}")).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            form = {"username": f"l{number}", "password": PASSWORD, "password2": PASSWORD, "csrfmiddlewaretoken": token}
            joined = await http.post(f"/join/{code}", data=form)
            if joined.status_code != 429:
                break
            await asyncio.sleep(1)
        assert joined.status_code == 303, joined.text
        http.headers["X-CSRFToken"] = (await http.get("/api/v1/me")).json()["csrf_token"]
        people.append(http)
    return people


async def enter(server: EmbeddedServer, link: str) -> httpx.AsyncClient:
    """The owner, by the one-time link."""
    http = httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False)
    token = (await http.get("/enter")).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = {"token": link.split("#")[1], "csrfmiddlewaretoken": token}
    done = await http.post("/enter", data=form, headers={"Accept": "application/json"})
    done.raise_for_status()
    http.headers["X-CSRFToken"] = (await http.get("/api/v1/me")).json()["csrf_token"]
    return http


class Load:
    """Counts what happens."""

    def __init__(self, cpu_before_s: float) -> None:
        self.cpu_before_s = cpu_before_s
        self.started = time.perf_counter()
        self.answer_s: list[float] = []
        self.settled_s: list[float] = []
        """Of the answers after RUSH_S, when not everybody comes at once any more."""
        self.clip_s: list[float] = []
        self.errors: list[str] = []
        self.acknowledged: set[str] = set()

    async def label(self, http: httpx.AsyncClient, every_s: float, until: float) -> None:
        """One labeler."""
        tab, held = str(uuid.uuid4()), []
        await asyncio.sleep(random.uniform(0, every_s))
        while time.perf_counter() < until:
            tick = time.perf_counter()
            try:
                if not held:
                    body = {"want": 4, "have": [], "tab": tab}
                    held = (await self.call(http, "POST", f"/api/v1/experiments/{SLUG}/queue:claim", body))[
                        "assignments"
                    ]
                    await self._clips(http, held)
                row, response = held.pop(0), str(uuid.uuid4())
                answer = {
                    "assignment": row["assignment"],
                    "side": random.choice(["left", "right", "tie"]),
                    "rt_ms": 1500,
                }
                refill = {"want": 1, "have": [other["assignment"] for other in held], "tab": tab}
                start = time.perf_counter()
                body = {"answer": answer, "refill": refill}
                taken = await self.call(http, "PUT", f"/api/v1/responses/{response}", body)
                self.answer_s.append(time.perf_counter() - start)
                if start - self.started > RUSH_S:
                    self.settled_s.append(self.answer_s[-1])
                self.acknowledged.add(response)
                held += taken["refill"]
                await self._clips(http, taken["refill"])
            except Exception as error:
                self.errors.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(max(0.0, tick + every_s * random.uniform(0.8, 1.2) - time.perf_counter()))

    async def call(self, http: httpx.AsyncClient, method: str, path: str, body: dict) -> dict:
        """What the server answers."""
        response = await http.request(method, path, json=body)
        response.raise_for_status()
        return response.json()

    async def fetch(self, http: httpx.AsyncClient, url: str) -> httpx.Response:
        """A clip."""
        return await http.get(url)

    async def _clips(self, http: httpx.AsyncClient, rows: list[dict]) -> None:
        for row in rows:
            for side in ("left", "right"):
                start = time.perf_counter()
                got = await self.fetch(http, row[side]["mp4"])
                got.raise_for_status()
                assert len(got.content) > CLIP_BYTES, len(got.content)
                self.clip_s.append(time.perf_counter() - start)


def percentiles(name: str, seconds: list[float]) -> str:
    """A line of numbers."""
    ms = np.array(seconds) * 1000
    at = {q: np.percentile(ms, q) for q in (50, 95, 99, 99.9)}
    return (
        f"{name}: n {len(ms):,}  " + "  ".join(f"p{q:g} {v:.1f} ms" for q, v in at.items()) + f"  max {ms.max():.1f} ms"
    )


def stored(data_dir: Path) -> list[str]:
    """Responses by the database's own account."""
    with closing(sqlite3.connect(data_dir / "db.sqlite3")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return [str(uuid.UUID(row[0])) for row in file.execute("SELECT response_id FROM label_event")]


async def drive(server: EmbeddedServer, labelers: int, minutes: float, every_s: float) -> Load:
    """Everybody at once."""
    link = next(line for line in server.lines if "enter#" in line)
    admin = await enter(server, link)
    people = await sign_up(admin, server.url, labelers)
    print(f"{labelers} labelers signed up; {minutes:g} minutes begin", flush=True)
    load, until = Load(time_used(server)), time.perf_counter() + minutes * 60
    await asyncio.gather(*(load.label(http, every_s, until) for http in people))
    for http in [admin, *people]:
        await http.aclose()
    return load


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--labelers", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=3.0)
    parser.add_argument("--data-dir", type=Path, default=None)
    args = parser.parse_args()
    data_dir = args.data_dir or Path(tempfile.mkdtemp(prefix="feedback-load-"))
    with start_or_attach(data_dir, port=0, log=lambda line: None) as server:
        with FeedbackClient(server.url, server.token, SLUG) as client:
            fill(client, int(args.labelers * (args.minutes * 60 / args.every * 1.3 + 12)))
        load = asyncio.run(drive(server, args.labelers, args.minutes, args.every))
        seconds = time_used(server) - load.cpu_before_s
    found = stored(data_dir)
    lost, twice = load.acknowledged - set(found), len(found) - len(set(found))
    print(percentiles("answer", load.answer_s))
    if load.settled_s:
        print(percentiles(f"  after {RUSH_S:g} s", load.settled_s))
    print(percentiles("clip  ", load.clip_s))
    print(f"errors {len(load.errors)}  lost {len(lost)}  stored twice {twice}  acknowledged {len(load.acknowledged):,}")
    each_ms = 1000 * seconds / max(1, len(load.answer_s))
    print(f"server used {seconds:.1f} s of CPU, {each_ms:.1f} ms for each answer with its clips")
    for error in sorted(set(load.errors))[:5]:
        print("  ", error)
    return 0 if not (load.errors or lost or twice) else 1


def time_used(server: EmbeddedServer) -> float:
    """User and system time of the server process."""
    assert server.process is not None, "the server was started here"
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    sys.exit(main())

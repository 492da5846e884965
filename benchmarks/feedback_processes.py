"""Load on several server processes that share a PostgreSQL, one of which is killed with -9 now and then.

python -m benchmarks.feedback_processes --database-url postgres://… --labelers 300 --minutes 5 --kill-every 20

The database must be empty. Labelers are guests, and patient as the labeling page is: what got no answer, or `busy`, is
sent again under the same id. Prints percentiles, and whether the database holds each acknowledged answer exactly once,
in a feed without gaps.
"""

import argparse
import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg

from benchmarks.feedback_load import RUSH_S, SLUG, Load, enter, fill, percentiles
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer

BUSY = (429, 502, 503)
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0


class PatientLoad(Load):
    """Sends again what got no answer."""

    again = 0
    """Requests that were sent again."""

    async def call(self, http: httpx.AsyncClient, method: str, path: str, body: dict) -> dict:
        """What the server answers in the end."""
        response = await self._patiently(lambda: http.request(method, path, json=body))
        response.raise_for_status()
        return response.json()

    async def fetch(self, http: httpx.AsyncClient, url: str) -> httpx.Response:
        """A clip."""
        return await self._patiently(lambda: http.get(url))

    async def _patiently(self, ask: Callable) -> httpx.Response:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                response = await ask()
                if response.status_code not in BUSY:
                    return response
            except httpx.TransportError:
                pass
            self.again += 1
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)


def start(data_dir: Path, database_url: str, workers: int) -> EmbeddedServer:
    """`rl-teacher serve --workers N`, ready."""
    command = [sys.executable, "-m", "rl_teacher.server", "serve", "--data-dir", str(data_dir), "--port", "0"]
    command += ["--database-url", database_url, "--workers", str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None, "it was asked for"
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.strip())
        if line.startswith("From another machine"):
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()
    url = next(line.split(": ", 1)[1] for line in lines if line.startswith("Feedback server"))
    return EmbeddedServer(url, (data_dir / "trainer.token").read_text(), process, lines=lines)


def processes(server: EmbeddedServer) -> list[int]:
    """Those that answer."""
    assert server.process is not None, "the server was started here"
    pids = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def kill_now_and_then(server: EmbeddedServer, every_s: float, killed: list[int]) -> None:
    """One of them, without a word."""
    while every_s:
        await asyncio.sleep(every_s)
        if pids := processes(server):
            killed.append(random.choice(pids))
            os.kill(killed[-1], signal.SIGKILL)


async def invite(admin: httpx.AsyncClient, url: str, count: int) -> list[httpx.AsyncClient]:
    """Guests, each with a browser."""
    made = await admin.post(f"/e/{SLUG}/invites", data={"role": "guest", "days": "1", "uses": str(count)})
    assert made.status_code == 303, made.text
    page = (await admin.get(f"/e/{SLUG}/people")).text
    code = page.split("/join/")[1].split("<")[0].split('"')[0].strip()
    people = []
    for _ in range(count):
        http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        token = (await http.get(f"/join/{code}")).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        joined = await http.post(f"/join/{code}", data={"csrfmiddlewaretoken": token})
        assert joined.status_code == 303, joined.text
        http.headers["X-CSRFToken"] = (await http.get("/api/v1/me")).json()["csrf_token"]
        people.append(http)
    return people


async def drive(server: EmbeddedServer, args: argparse.Namespace) -> tuple[PatientLoad, int]:
    """Everybody at once; the load, and how many processes were killed."""
    link = next(line for line in server.lines if "enter#" in line)
    admin = await enter(server, link)
    people = await invite(admin, server.url, args.labelers)
    print(f"{args.labelers} labelers signed up; {args.minutes:g} minutes begin", flush=True)
    load, until, killed = PatientLoad(0.0), time.perf_counter() + args.minutes * 60, []
    killer = asyncio.create_task(kill_now_and_then(server, args.kill_every, killed))
    await asyncio.gather(*(load.label(http, args.every, until) for http in people))
    killer.cancel()
    for http in [admin, *people]:
        await http.aclose()
    return load, len(killed)


def check(database_url: str, acknowledged: set[str]) -> tuple[int, int, int]:
    """Acknowledged answers that are lost, answers stored twice, gaps in the feed."""
    with psycopg.connect(database_url) as own:
        rows = own.execute("SELECT seq, response_id::text FROM label_event ORDER BY seq").fetchall()
    stored = [row[1] for row in rows]
    gaps = sum(row[0] != number for number, row in enumerate(rows, 1))
    return len(acknowledged - set(stored)), len(stored) - len(set(stored)), gaps


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--labelers", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--every", type=float, default=3.0)
    parser.add_argument("--kill-every", type=float, default=0.0, help="seconds between two kills; 0: none")
    args = parser.parse_args()
    load_before = os.getloadavg()[0]
    with start(Path(tempfile.mkdtemp(prefix="feedback-load-")), args.database_url, args.workers) as server:
        with FeedbackClient(server.url, server.token, SLUG) as client:
            fill(client, int(args.labelers * (args.minutes * 60 / args.every * 1.3 + 12)))
        load, killed = asyncio.run(drive(server, args))
    lost, twice, gaps = check(args.database_url, load.acknowledged)
    print(percentiles("answer", load.answer_s))
    if load.settled_s:
        print(percentiles(f"  after {RUSH_S:g} s", load.settled_s))
    print(percentiles("clip  ", load.clip_s))
    print(f"killed {killed}  sent again {load.again}  errors {len(load.errors)}")
    print(f"acknowledged {len(load.acknowledged):,}  lost {lost}  stored twice {twice}  gaps {gaps}")
    print(f"load average before {load_before:.1f}, after {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")
    for error in sorted({re.sub(r"[0-9a-f-]{36}", "…", error) for error in load.errors})[:5]:
        print("  ", error)
    return 0 if not (load.errors or lost or twice or gaps) else 1


if __name__ == "__main__":
    sys.exit(main())

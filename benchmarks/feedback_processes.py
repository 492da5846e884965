"""Load on several server processes that share a PostgreSQL, one of which is killed with -9 now and then.

python -m benchmarks.feedback_processes --through nginx --labelers 300 --minutes 5 --kill-every 20

Without `--database-url` it starts Debian's PostgreSQL for itself, with fsync; a database that is given must be empty.
Labelers are guests, and each does what the labeling page does: an answer with a refill, both clips of each new pair, a
renewal of leases every minute, and a request that waits for news. They are patient as the page is: what got no answer,
or `busy`, is sent again under the same id. Prints percentiles, who used how much of the processors, and whether the
database holds each acknowledged answer exactly once, in a feed without gaps.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psycopg
import uvloop

from benchmarks import cpu_time, feedback_proxy
from benchmarks.browser import Browser
from benchmarks.feedback_load import SLUG, enter, fill, percentiles
from benchmarks.feedback_page import RUSH_S, Crowd
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer
from tests.server.databases import own_postgres


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


async def invite(admin: httpx.AsyncClient, url: str, count: int) -> list[Browser]:
    """Guests, each with a browser."""
    made = await admin.post(f"/e/{SLUG}/invites", data={"role": "guest", "days": "1", "uses": str(count)})
    assert made.status_code == 303, made.text
    page = (await admin.get(f"/e/{SLUG}/people")).text
    code = page.split("/join/")[1].split("<")[0].split('"')[0].strip()
    people = []
    for _ in range(count):
        browser = Browser(url)
        token = (await browser.get(f"/join/{code}")).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        joined = await browser.post_form(f"/join/{code}", csrfmiddlewaretoken=token)
        assert joined.status == 303, joined.text
        browser.csrf_token = (await browser.call("GET", "/api/v1/me")).json()["csrf_token"]
        people.append(browser)
    return people


async def drive(server: EmbeddedServer, url: str, args: argparse.Namespace, programs: dict[str, int | None]) -> "Run":
    """Everybody at once."""
    link = next(line for line in server.lines if "enter#" in line)
    admin = await enter(server, link)
    people = await invite(admin, url, args.labelers)
    await admin.aclose()
    print(f"{args.labelers} labelers signed up; {args.minutes:g} minutes begin", flush=True)
    crowd, killed = Crowd(args.every, time.perf_counter() + args.minutes * 60), []
    killer = asyncio.create_task(kill_now_and_then(server, args.kill_every, killed))
    everybody = asyncio.gather(*(crowd.label(browser) for browser in people))
    await asyncio.sleep(RUSH_S)
    account, before, since = cpu_time.Account(programs), len(crowd.answer_s), time.perf_counter()
    await everybody
    cost = cpu_time.table(account.used(), len(crowd.answer_s) - before, time.perf_counter() - since)
    killer.cancel()
    for browser in people:
        browser.close()
    return Run(crowd, len(killed), list(cost), time.perf_counter() - crowd.started)


@dataclass(frozen=True)
class Run:
    """How it went."""

    crowd: Crowd
    killed: int
    cost: list[str]
    """Lines about processor time after the rush."""
    wall_s: float

    def report(self, database_url: str) -> int:
        """Print it; the exit code."""
        crowd = self.crowd
        lost, twice, gaps = check(database_url, crowd.acknowledged)
        print(percentiles("answer", crowd.answer_s))
        if crowd.settled_s:
            print(percentiles(f"  after {RUSH_S:g} s", crowd.settled_s))
        print("  p99 of each tenth of the time [ms]: " + " ".join(f"{ms:.0f}" for ms in in_tenths(crowd)))
        print(percentiles("clip  ", crowd.clip_s))
        print(
            f"{len(crowd.answer_s) / self.wall_s:.1f} answers and {crowd.requests / self.wall_s:.0f} requests a second"
        )
        print("\n".join([f"after {RUSH_S:g} s:", *self.cost]))
        print(f"killed {self.killed}  sent again {crowd.again}  errors {len(crowd.errors)}")
        print(f"acknowledged {len(crowd.acknowledged):,}  lost {lost}  stored twice {twice}  gaps {gaps}")
        for error in sorted({re.sub(r"[0-9a-f-]{36}", "…", error) for error in crowd.errors})[:5]:
            print("  ", error)
        return 0 if not (crowd.errors or lost or twice or gaps) else 1


def in_tenths(crowd: Crowd) -> list[float]:
    """99 of 100 answers took at most so long [ms], for each tenth of the time: a moment's stall, or a lasting one?"""
    at, took = np.array(crowd.at_s), 1000 * np.array(crowd.answer_s)
    tenth = np.minimum((10 * at / max(at.max(initial=0.0), 1e-9)).astype(int), 9)
    return [float(np.percentile(took[tenth == number], 99)) if (tenth == number).any() else 0.0 for number in range(10)]


def check(database_url: str, acknowledged: set[str]) -> tuple[int, int, int]:
    """Acknowledged answers that are lost, answers stored twice, gaps in the feed."""
    with psycopg.connect(database_url) as own:
        rows = own.execute("SELECT seq, response_id::text FROM label_event ORDER BY seq").fetchall()
    stored = [row[1] for row in rows]
    gaps = sum(row[0] != number for number, row in enumerate(rows, 1))
    return len(acknowledged - set(stored)), len(stored) - len(set(stored)), gaps


@contextmanager
def front(server: EmbeddedServer, through: str) -> Iterator[tuple[str, int | None]]:
    """Where labelers go, and the first process of what stands there."""
    if through == "nothing":
        yield server.url, None
        return
    with feedback_proxy.nginx(
        int(server.url.rsplit(":", 1)[1]), Path(tempfile.mkdtemp(prefix="feedback-nginx-"))
    ) as at:
        yield at


def measure(args: argparse.Namespace, database_url: str) -> int:
    """One run; the exit code."""
    load_before = os.getloadavg()[0]
    with start(Path(tempfile.mkdtemp(prefix="feedback-load-")), database_url, args.workers) as server:
        with FeedbackClient(server.url, server.token, SLUG) as client:
            fill(client, int(args.labelers * (args.minutes * 60 / args.every * 1.3 + 12)))
        assert server.process is not None, "it was started here"
        with front(server, args.through) as (url, proxy):
            programs = {"server": server.process.pid, "PostgreSQL": cpu_time.postgres_process(database_url)}
            run = uvloop.run(drive(server, url, args, programs | {"nginx": proxy}))
    code = run.report(database_url)
    print(f"load average before {load_before:.1f}, after {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")
    return code


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database-url", default="", help="an empty database; empty: one of its own")
    parser.add_argument("--through", choices=("nothing", "nginx"), default="nothing", help="what stands in front")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--labelers", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--every", type=float, default=3.0)
    parser.add_argument("--kill-every", type=float, default=0.0, help="seconds between two kills; 0: none")
    args = parser.parse_args()
    if args.database_url:
        return measure(args, args.database_url)
    with own_postgres("fsync=on") as url:
        return measure(args, url)


if __name__ == "__main__":
    sys.exit(main())

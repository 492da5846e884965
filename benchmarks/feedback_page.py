"""The labeling page without its picture: what it asks the server for, when, and how patiently."""

import asyncio
import hashlib
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from benchmarks.browser import Browser, NoReply, Refused, Reply
from benchmarks.feedback_load import CLIP_BYTES, SLUG

BUSY = (429, 502, 503, 504)
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0
HELD = 8
"""Pairs that a page holds (queue.js)."""
ARRIVAL_S = 20.0
"""Within which everybody opens the page. What pages do by the clock would else be done by all at once for ever."""
RUSH_S = 30.0
"""Until everybody is there and has the pairs and clips to begin with."""
RENEW_S = 60.0
"""Between two renewals of its leases (leases.js)."""
WATCH_S = 20
"""How long it waits for news of the lesson, again and again (lesson.js)."""


class Crowd:
    """All pages together, and what is counted of them."""

    def __init__(self, every_s: float, until: float) -> None:
        self.every_s, self.until = every_s, until
        self.started = time.perf_counter()
        self.answer_s: list[float] = []
        self.settled_s: list[float] = []
        """Of the answers after RUSH_S, when not everybody comes at once any more."""
        self.at_s: list[float] = []
        """When each answer was given, from the start on."""
        self.clip_s: list[float] = []
        self.errors: list[str] = []
        self.acknowledged: set[str] = set()
        self.requests = self.again = 0
        """Requests, and those of them that were sent again."""

    async def label(self, browser: Browser) -> None:
        """Somebody opens the page, and answers until it is over."""
        await asyncio.sleep(random.uniform(0, ARRIVAL_S))
        page = _Page(browser, self)
        beside = [asyncio.create_task(page.renew_now_and_then()), asyncio.create_task(page.watch())]
        try:
            await page.answer_until_the_end()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def patiently(self, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """The answer in the end: what got none, or `busy`, is sent again as it was.

        Raises:
            Refused: it is no.
        """
        wait_s = FIRST_WAIT_S
        while True:
            self.requests += 1
            with suppress(NoReply, ConnectionError):
                reply = await ask()
                if reply.status < 400:
                    return reply
                if reply.status not in BUSY:
                    raise Refused(f"{reply.status}: {reply.text[:200]}")
            self.again += 1
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)


class _Page:
    def __init__(self, browser: Browser, crowd: Crowd) -> None:
        self._browser, self._crowd = browser, crowd
        self._tab = str(uuid.uuid4())
        self._held: list[dict[str, Any]] = []

    async def answer_until_the_end(self) -> None:
        crowd = self._crowd
        while time.perf_counter() < crowd.until:
            tick = time.perf_counter()
            try:
                if not self._held:
                    await self._claim()
                await self._answer()
            except Exception as error:
                crowd.errors.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(max(0.0, tick + crowd.every_s * random.uniform(0.8, 1.2) - time.perf_counter()))

    async def _claim(self) -> None:
        path, body = f"/experiments/{SLUG}/queue:claim", {"want": HELD, "have": [], "tab": self._tab}
        self._held = (await self._call("POST", path, body))["assignments"]
        await self._fetch_clips(self._held)

    async def _answer(self) -> None:
        crowd, row, response = self._crowd, self._held.pop(0), str(uuid.uuid4())
        answer = {
            "assignment": row["assignment"],
            "side": random.choice(["left", "right", "tie"]),
            "rt_ms": 1500,
            "shown_ms": 1400,
            "hidden_ms": 0,
            "loops": 1.5,
            "speed": 1.0,
            "rendition": "mp4",
        }
        want, have = HELD - len(self._held), [other["assignment"] for other in self._held]
        start = time.perf_counter()
        body = {"answer": answer, "refill": {"want": want, "have": have, "tab": self._tab}}
        taken = await self._call("PUT", f"/responses/{response}", body)
        crowd.answer_s.append(time.perf_counter() - start)
        crowd.at_s.append(start - crowd.started)
        if start - crowd.started > RUSH_S:
            crowd.settled_s.append(crowd.answer_s[-1])
        crowd.acknowledged.add(response)
        self._held += taken["refill"]
        await self._fetch_clips(taken["refill"])

    async def renew_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                ids = [row["assignment"] for row in self._held]
                await self._call("POST", "/assignments:renew", {"ids": ids, "tab": self._tab})
            except Refused as error:
                self._crowd.errors.append(f"renew: {error}")

    async def watch(self) -> None:
        """One request that waits for news of the lesson, and another when it comes back."""
        seen = ""
        while True:
            wait = WATCH_S if seen else 0
            try:
                path = f"/experiments/{SLUG}/lesson:state?wait={wait}&seen={seen}"
                seen = (await self._call("GET", path))["seen"]
            except Refused as error:
                self._crowd.errors.append(f"lesson: {error}")

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        reply = await self._crowd.patiently(lambda: self._browser.call(method, f"/api/v1{path}", body))
        return reply.json()

    async def _fetch_clips(self, rows: list[dict[str, Any]]) -> None:
        """Both of each pair, side by side, pair after pair."""
        for row in rows:
            await asyncio.gather(*(self._fetch(row[side]["mp4"]) for side in ("left", "right")))

    async def _fetch(self, address: str) -> None:
        start = time.perf_counter()
        reply = await self._crowd.patiently(lambda: self._browser.get(address))
        self._crowd.clip_s.append(time.perf_counter() - start)
        if len(reply.body) <= CLIP_BYTES:
            raise Refused(f"a clip of {len(reply.body)} bytes, expected more than {CLIP_BYTES}")
        if len(self._crowd.clip_s) % 20 == 0:  # its name is its hash
            found = hashlib.sha256(reply.body).hexdigest()
            if found != address.split("/")[-1].split(".")[0]:
                raise Refused(f"a clip with other bytes than its name says: {found}")

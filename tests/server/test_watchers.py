"""Many people who only look at an experiment do not slow those who answer."""

import asyncio
import statistics
import time
import uuid

import httpx
import pytest

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import start_or_attach
from tests.server.crowd import SPEC, fill, quiet, sign_in

NUM_ANSWERS = 120


async def answer_all(url, cookies, headers, num_watchers):
    """Seconds per answer, with as many open event streams beside them; and how many of those heard of the answers."""
    heard = [""] * num_watchers
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=url, cookies=cookies, headers=headers, timeout=30, trust_env=False, limits=limits
    ) as http:

        async def watch(number):
            async with http.stream("GET", "/api/v1/experiments/load/events") as stream:
                assert stream.headers["content-type"] == "text/event-stream"
                async for line in stream.aiter_lines():
                    if line.startswith("data: ") and '"head"' in line:
                        heard[number] = line

        watchers = [asyncio.create_task(watch(number)) for number in range(num_watchers)]
        while not all(heard):
            await asyncio.sleep(0.1)
        at_first, seconds, tab = list(heard), [], str(uuid.uuid4())
        for _ in range(NUM_ANSWERS // 4):
            body = {"want": 4, "have": [], "tab": tab}
            claimed = await http.post("/api/v1/experiments/load/queue:claim", json=body)
            for row in claimed.json()["assignments"]:
                said = {"answer": {"assignment": row["assignment"], "side": "left"}}
                start = time.perf_counter()
                taken = await http.put(f"/api/v1/responses/{uuid.uuid4()}", json=said)
                seconds.append(time.perf_counter() - start)
                assert taken.status_code == 201, taken.text
                await asyncio.sleep(0.05)
        await asyncio.sleep(8)
        num_heard = sum(now != before for now, before in zip(heard, at_first, strict=True))
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    return seconds, num_heard


@pytest.mark.slow
def test_fifty_watchers_do_not_slow_answers(tmp_path):
    """Alone and watched in turn, so that what else the machine does hits both."""
    medians = {0: [], 50: []}
    with start_or_attach(tmp_path, port=0, log=quiet) as server:
        with FeedbackClient(server.url, server.token, "load") as client:
            client.ensure_experiment(SPEC)
            fill(client, 5 * NUM_ANSWERS)
        with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http:
            sign_in(http, server.lines)
            for _ in range(2):
                for count in medians:
                    seconds, heard = asyncio.run(answer_all(server.url, http.cookies, http.headers, count))
                    assert heard == count
                    assert len(seconds) == NUM_ANSWERS
                    p95 = statistics.quantiles(seconds, n=20)[-1]
                    medians[count].append(statistics.median(seconds))
                    print(f"{count} watchers: median {1000 * medians[count][-1]:.1f} ms, p95 {1000 * p95:.1f} ms")
    ratio = min(medians[50]) / min(medians[0])
    print(f"answers with 50 watchers take {ratio:.2f} times as long")
    assert ratio < 2.5

"""Threads for requests."""

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from rl_teacher.server.request_threads import MOST_IDLE, RequestThreads


async def nothing(*given: Any) -> dict[str, Any]:
    return {}


def run(app: RequestThreads, *batches: int) -> None:
    """Requests: so many at once, then so many at once, …"""

    async def all_of_them() -> None:
        for batch in batches:
            await asyncio.gather(*(app({"type": "http"}, nothing, nothing) for _ in range(batch)))

    asyncio.run(all_of_them())


def recording() -> tuple[RequestThreads, list[list[int]]]:
    """RequestThreads around an app that notes the threads of its two pieces of work."""
    threads: list[list[int]] = []

    async def work(*given: Any) -> None:
        mine = [await sync_to_async(threading.get_ident)()]
        await asyncio.sleep(0.02)  # so that all requests of a batch are there at once
        mine.append(await sync_to_async(threading.get_ident)())
        threads.append(mine)

    return RequestThreads(work), threads


def test_a_request_stays_in_one_thread_and_the_next_one_takes_it_over():
    app, threads = recording()
    run(app, 1, 1, 1)
    assert len({thread for mine in threads for thread in mine}) == 1


def test_requests_at_the_same_time_have_a_thread_each():
    app, threads = recording()
    run(app, 5, 5)
    assert all(len(set(mine)) == 1 for mine in threads)
    assert len({mine[0] for mine in threads[:5]}) == 5
    assert {mine[0] for mine in threads[5:]} == {mine[0] for mine in threads[:5]}


def test_a_crowd_leaves_a_few_threads():
    app, _ = recording()
    run(app, MOST_IDLE + 20)
    assert len(app._idle) == MOST_IDLE


def test_a_request_that_fails_gives_its_thread_back():
    async def broken(*given: Any) -> None:
        raise ValueError("no")

    app = RequestThreads(broken)
    with pytest.raises(ValueError, match="no"):
        run(app, 1)
    assert len(app._idle) == 1

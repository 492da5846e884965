"""Wakes long-polls and event streams when something of an experiment changed; holds no database connection."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

_LOCK = threading.Lock()
_SLEEPERS: dict[str, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)
_THREADS: set[threading.Event] = set()
_CLOSING = threading.Event()


def ring(slug: str) -> None:
    """Wake whoever waits for `slug`, now; from any thread."""
    with _LOCK:
        sleepers, threads = list(_SLEEPERS.get(slug, ())), list(_THREADS)
    for loop, event in sleepers:
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)
    for thread_event in threads:
        thread_event.set()


def ring_on_commit(slug: str) -> None:
    """Wake whoever waits for `slug` once the running transaction is on disk."""
    transaction.on_commit(lambda: ring(slug))


def close() -> None:
    """Wake everybody, for the server stops; whoever still waits then should answer what there is."""
    _CLOSING.set()
    with _LOCK:
        slugs = list(_SLEEPERS)
    for slug in slugs:
        ring(slug)


def is_closing() -> bool:
    """Whether the server stops."""
    return _CLOSING.is_set()


@contextmanager
def listening(slug: str) -> Iterator[asyncio.Event]:
    """An event that is set whenever the bell of `slug` rings; look at the database only inside the block."""
    entry = (asyncio.get_running_loop(), asyncio.Event())
    with _LOCK:
        _SLEEPERS[slug].add(entry)
    try:
        yield entry[1]
    finally:
        with _LOCK:
            _SLEEPERS[slug].discard(entry)
            if not _SLEEPERS[slug]:
                del _SLEEPERS[slug]


@contextmanager
def listening_thread() -> Iterator[threading.Event]:
    """The same for a thread, for every experiment at once."""
    event = threading.Event()
    with _LOCK:
        _THREADS.add(event)
    try:
        yield event
    finally:
        with _LOCK:
            _THREADS.discard(event)

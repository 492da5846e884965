"""Wakes long-polls and event streams when something of an experiment changed; holds no database connection."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction

_LOCK = threading.Lock()
_SUBSCRIBERS: dict[str, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)
_THREAD_SUBSCRIBERS: set[threading.Event] = set()
_CLOSING = threading.Event()
_PASS_ON: list[Callable[[str], None]] = []


def notify(slug: str) -> None:
    """Wake whoever waits for `slug`, now, here and in other processes; from any thread."""
    wake(slug)
    for tell in list(_PASS_ON):
        tell(slug)


def wake(slug: str) -> None:
    """Wake whoever waits for `slug` in this process."""
    with _LOCK:
        subscribers, threads = list(_SUBSCRIBERS.get(slug, ())), list(_THREAD_SUBSCRIBERS)
    for loop, event in subscribers:
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)
    for thread_event in threads:
        thread_event.set()


def notify_on_commit(slug: str) -> None:
    """Wake whoever waits for `slug` once the running transaction is on disk."""
    transaction.on_commit(lambda: notify(slug))


def wake_all() -> None:
    """Wake everybody who waits in this process, for whatever."""
    with _LOCK:
        slugs = list(_SUBSCRIBERS)
    for slug in slugs or [""]:
        wake(slug)


@contextmanager
def passed_on(tell: Callable[[str], None]) -> Iterator[None]:
    """While the block lasts, what is notified here is told to other processes by `tell`, which does not wait."""
    _PASS_ON.append(tell)
    try:
        yield
    finally:
        _PASS_ON.remove(tell)


def close() -> None:
    """Wake everybody, for the server stops; whoever still waits then should answer what there is."""
    _CLOSING.set()
    wake_all()


def is_closing() -> bool:
    """Whether the server stops."""
    return _CLOSING.is_set()


@contextmanager
def subscribed(slug: str) -> Iterator[asyncio.Event]:
    """An event that is set whenever something of `slug` changed; look at the database only inside the block."""
    entry = (asyncio.get_running_loop(), asyncio.Event())
    with _LOCK:
        _SUBSCRIBERS[slug].add(entry)
    try:
        yield entry[1]
    finally:
        with _LOCK:
            _SUBSCRIBERS[slug].discard(entry)
            if not _SUBSCRIBERS[slug]:
                del _SUBSCRIBERS[slug]


@contextmanager
def subscribed_thread() -> Iterator[threading.Event]:
    """The same for a thread, for every experiment at once."""
    event = threading.Event()
    with _LOCK:
        _THREAD_SUBSCRIBERS.add(event)
    try:
        yield event
    finally:
        with _LOCK:
            _THREAD_SUBSCRIBERS.discard(event)

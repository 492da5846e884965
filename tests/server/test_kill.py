"""kill -9 of the server under load, and stopping it: no acknowledged answer is lost."""

import json
import os
import random
import signal
import sqlite3
import threading
import time
import uuid
from contextlib import closing

import httpx
import pytest

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import start_or_attach
from tests.server.crowd import Crowd, database_is_whole, fill, quiet, sign_in


def test_a_stopped_server_leaves_an_event_journal_and_a_whole_database(tmp_path):
    with start_or_attach(tmp_path, port=0, log=quiet) as server:
        crowd = Crowd(server, pairs=20)
        crowd.work(1, seconds=0.5)
        crowd.close()
    lines = [json.loads(line) for line in (tmp_path / "mirror" / "load.jsonl").read_text().splitlines()]
    assert {line["response"] for line in lines} == crowd.acknowledged
    assert database_is_whole(tmp_path)


def kill(server, after_s, acknowledged, least):
    time.sleep(after_s)
    deadline = time.monotonic() + 15
    while len(acknowledged) < least and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(server.process.pid, signal.SIGKILL)


def kill_again_and_again(data, kills, pairs_each, seed=1):
    rng = random.Random(seed)
    crowd = None
    for number in range(kills):
        server = start_or_attach(data, port=0, log=quiet, timeout_s=300)
        if crowd is None:
            crowd = Crowd(server, pairs_each)
        else:
            crowd.join(server)
            crowd.https[0].close()
            crowd.https[0] = httpx.Client(base_url=crowd.url, timeout=10, trust_env=False)
            sign_in(crowd.https[0], [crowd.link])
            with FeedbackClient(server.url, server.token, "load") as client:
                fill(client, pairs_each)
        # The last one waits for an answer, so that even on a busy machine there is one to lose.
        least = 1 if number == kills - 1 else 0
        threading.Thread(target=kill, args=(server, rng.uniform(0.05, 0.8), crowd.acknowledged, least)).start()
        crowd.work(4, seconds=20)
        server.process.wait()
        assert database_is_whole(data), f"after kill {number}"
    assert crowd.errors == []
    with start_or_attach(data, port=0, log=quiet) as server, FeedbackClient(server.url, server.token, "load") as client:
        events = list(client.all_labels())
    crowd.close()
    stored = [event.seq for event in events]
    assert stored == list(range(1, len(stored) + 1))
    assert len({event.assignment for event in events}) == len(events)
    responses = feed_responses(data)
    missing = crowd.acknowledged - set(responses)
    assert not missing, f"{len(missing)} of {len(crowd.acknowledged)} acknowledged answers are gone"
    assert len(set(responses)) == len(responses)
    return len(crowd.acknowledged)


def feed_responses(data):
    with closing(sqlite3.connect(data / "db.sqlite3")) as file:
        return [str(uuid.UUID(row[0])) for row in file.execute("SELECT response_id FROM label_event")]


def test_two_kills_lose_nothing(tmp_path):
    assert kill_again_and_again(tmp_path, kills=2, pairs_each=200) > 0


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing(tmp_path):
    count = kill_again_and_again(tmp_path, kills=100, pairs_each=200)
    print(f"{count} acknowledged answers, 100 kills, none lost")
    assert count > 1000

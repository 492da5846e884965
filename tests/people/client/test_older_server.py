"""A trainer of today beside a server of an older version, which refuses what it does not know."""

import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from rl_teacher.people.client.api import FeedbackClient, ServerRefused


class OlderServer(httpx.BaseTransport):
    """The server of today, but it does not know `fields`: they reach it under names that no version knows.

    So it refuses them in its own words, in which the names of today are put back.
    """

    def __init__(self, *fields: str) -> None:
        self.fields = fields
        self.bodies: list[dict] = []
        self._http = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        text = request.read().decode()
        if text:
            self.bodies.append(json.loads(text))
        for field in self.fields:
            text = text.replace(f'"{field}":', f'"older_{field}":')
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        answer = self._http.handle_request(httpx.Request(request.method, request.url, headers=headers, content=text))
        said = answer.read().decode().replace("older_", "")
        return httpx.Response(answer.status_code, text=said)

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def older(server, client) -> Iterator[tuple[FeedbackClient, OlderServer]]:
    transport = OlderServer("task", "training_left_s")
    with FeedbackClient(server.url, server.token, client.experiment, transport=transport) as found:
        yield found, transport


def test_a_heartbeat_goes_on_without_the_time_that_is_left(older):
    client, transport = older
    for _ in range(2):
        assert client.heartbeat("training", 10, 5.0, 90.0).paused is False
    assert [body.get("training_left_s") for body in transport.bodies] == [90.0, None, None]
    assert client.heartbeat("training", 10).paused is False


def test_a_heartbeat_that_is_wrong_is_still_refused(older):
    client, _ = older
    with pytest.raises(ServerRefused, match=r"422.*state"):
        client.heartbeat("asleep", 10, None, 90.0)


def test_the_task_becomes_the_first_line_of_the_guideline(older, server, labeler, spec):
    _, transport = older
    with FeedbackClient(server.url, server.token, "older-task", transport=transport) as client:
        assert client.ensure_experiment(replace(spec, task="Hop to the right", guideline="No falls.")).is_new
        assert not client.ensure_experiment(replace(spec, task="Hop to the right", guideline="No falls.")).is_new
    assert transport.bodies[-1]["guideline"] == "Hop to the right\n\nNo falls."
    assert "task" not in transport.bodies[-1]
    assert "No falls." in labeler.http.get("/e/older-task/label").text


def test_a_data_set_is_labeled_on_a_server_that_takes_an_agent_for_granted(server, spec):
    transport = OlderServer("task", "has_agent", "has_pixels")
    with FeedbackClient(server.url, server.token, "older-set", transport=transport) as client:
        assert client.ensure_experiment(replace(spec, task="Hop", has_agent=False, has_pixels=True)).is_new
    news = {"task", "has_agent", "has_pixels"}
    assert [news & body.keys() for body in transport.bodies] == [news, set()]
    with FeedbackClient(server.url, server.token, "older-run", transport=transport) as client:
        client.ensure_experiment(spec)
    assert not {"has_agent", "has_pixels"} & transport.bodies[-2].keys()  # said only where they are news

"""What people write behind --server and --token, and what else may answer there."""

import json

import httpx
import pytest

from rl_teacher.errors import ConfigError, ServerFault
from rl_teacher.people.client.address import bearer_token, server_address
from rl_teacher.people.client.api import FeedbackClient, ServerAway


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://lab.example/", "https://lab.example"),
        (" http://[::1]:8000\n", "http://[::1]:8000"),
        ("\ufeffhttp://lab.example:80", "http://lab.example:80"),
        ("https://lab.example/teach/", "https://lab.example/teach"),
        ("https://lab.example/robots//teach", "https://lab.example/robots/teach"),
    ],
)
def test_an_address_is_scheme_host_port_and_path(written, meant):
    assert server_address(written) == meant


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000; behind a proxy: https://127.0.0.1."),
        ("lab.example", "does not begin with http:// or https://"),
        ("localhost:8000", "http://localhost:8000"),
        ("//lab.example", "http://lab.example;"),
        ("ftp://lab.example", "expected http:// or https://"),
        ("http://", "a host"),
        ("http:///e/run/label", "a host"),
        ("http://lab.example:port", "port"),
        ("http://lab.example:99999", "ort"),
        ("http://[::1", "Invalid"),
        ("http://a b", "a host"),
        ("http://127.0.0.1:8000/e/run/label", "the server alone: http://127.0.0.1:8000,"),
        ("https://lab.example/teach/e/run/label", "the server alone: https://lab.example/teach,"),
        ("https://lab.example/teach?next=/", "the server alone: https://lab.example/teach,"),
        ("http://127.0.0.1:8000/enter#secret", "the server alone"),
        ("https://ann:secret@lab.example", "--token"),
    ],
)
def test_another_address_is_refused_with_what_to_write(written, says):
    with pytest.raises(ConfigError, match=r"^--server: ") as caught:
        FeedbackClient(written, "rlt_x", "run")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize("written", ["rlt_abc\u2026", "rlt_a b", "rlt_\x00", "rlt_a\nrlt_b", "“rlt_a”"])
def test_a_token_with_what_no_token_has_is_refused_and_not_shown(written):
    with pytest.raises(ConfigError, match=r"^--token: ") as caught:
        FeedbackClient("http://localhost", written, "run")
    assert "rlt" not in str(caught.value)
    assert bearer_token(" \ufeffrlt_abc\r\n".replace(" ", "")) == "rlt_abc"


def answering(status: int, text: str = "", **headers: str) -> FeedbackClient:
    """A client of a web server that is something else."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, text=text, headers=headers))
    return FeedbackClient("http://lab.example", "rlt_x", "run", transport=transport)


@pytest.mark.parametrize("text", ["<html>welcome</html>", "", "[]", "null", json.dumps({"status": "ok"})])
def test_another_program_at_the_address_is_one_line(text):
    with answering(200, text) as client:
        for call in (client.state, client.about, lambda: client.labels(0), lambda: client.heartbeat("waiting", 1)):
            with pytest.raises(ServerAway, match=r"is no feedback server.*--server"):
                call()
        with pytest.raises(ServerAway, match="is no feedback server"):
            list(client.clips())


@pytest.mark.parametrize("location", ["https://lab.example/api", "/login", "//evil.example/media/x", ""])
def test_an_address_that_sends_on_is_said(location):
    with answering(301, location=location) as client:
        for call in (client.state, lambda: client.get_blob("0" * 64), lambda: client.put_blob(b"x", "video/mp4")):
            with pytest.raises(ServerFault, match=r"http://lab\.example sends on to|is no feedback server|location"):
                call()

"""Under which address others reach a server."""

import argparse
import ipaddress

import pytest

from rl_teacher.server import reach
from rl_teacher.server.reach import own_address, share_url
from rl_teacher.server.serve import public_address


def test_this_machines_address_is_not_loopback():
    found = own_address()
    assert found is None or not ipaddress.ip_address(found).is_loopback


@pytest.mark.parametrize(
    ("host", "public_url", "shared"),
    [
        ("127.0.0.1", "", ""),
        ("localhost", "", ""),
        ("127.0.0.1", "https://lab.example", "https://lab.example"),
        ("0.0.0.0", "", "http://192.0.2.7:8000"),
        ("0.0.0.0", "https://lab.example", "https://lab.example"),
        ("192.0.2.9", "", "http://192.0.2.9:8000"),
        ("2001:db8::1", "", "http://[2001:db8::1]:8000"),
    ],
)
def test_what_is_sent_to_others(monkeypatch, host, public_url, shared):
    monkeypatch.setattr(reach, "own_address", lambda: "192.0.2.7")
    assert share_url(host, 8000, public_url) == shared


def test_a_machine_without_a_network_has_nothing_to_send(monkeypatch):
    monkeypatch.setattr(reach, "own_address", lambda: None)
    assert share_url("0.0.0.0", 8000, "") == ""


def test_a_public_address_is_an_address_alone():
    assert public_address("https://Lab.example:8443") == "https://lab.example:8443"
    for text in (
        "lab.example",
        "ftp://lab.example",
        "https://",
        "https://lab.example?x=1",
        "https://lab.example#x",
    ):
        with pytest.raises(argparse.ArgumentTypeError, match="expected an address alone"):
            public_address(text)

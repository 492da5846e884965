"""Under which address others reach this server."""

import ipaddress
import socket

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")
_ELSEWHERE = ("203.0.113.1", 9)
"""An address of nobody (RFC 5737): asked only which way a packet there would leave; none is sent."""


def own_address() -> str | None:
    """This machine's address in its network; None if it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            found = [str(probe.getsockname()[0])]
        except OSError:
            found = _addresses_of_its_name()
    return next((one for one in found if not ipaddress.ip_address(one).is_loopback), None)


def _addresses_of_its_name() -> list[str]:
    """For a network that leads nowhere else."""
    try:
        return [str(row[4][0]) for row in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    except OSError:
        return []


def share_url(host: str, port: int, public_url: str) -> str:
    """What to send to others; empty: nobody else reaches the server.

    Args:
        host: that it listens on.
        port: of it.
        public_url: of a proxy or tunnel in front, if there is one.
    """
    if public_url or host in LOOPBACK:
        return public_url
    address = own_address() if host in EVERYWHERE else host
    if address is None:
        return ""
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"

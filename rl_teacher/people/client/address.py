"""What people write behind --server and --token, checked before anything is sent."""

import ssl
from urllib.parse import urlsplit

import certifi
import httpx

from rl_teacher.errors import ConfigError
from rl_teacher.records import OWN_PATHS


def server_address(text: str, flag: str = "--server") -> str:
    """`text` as an address to put paths behind: scheme, host and port, and the path of a server that lives under one.

    Args:
        text: what somebody wrote.
        flag: behind which.

    Raises:
        ConfigError: it is something else; says what to write instead.
    """
    text = text.strip().removeprefix("\ufeff")
    if "://" not in text:
        raise ConfigError(
            f"{flag}: got {text[:200]!r}, which does not begin with http:// or https://. On this machine: "
            f"http://{text.strip('/')[:200]}; behind a proxy: https://{text.strip('/')[:200].partition(':')[0]}."
        )
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(httpx.URL(text).host) and parts.port != 0
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError(f"{flag}: got {text[:200]!r}: {error}; expected http://host:port.") from error
    if not good or " " in parts.netloc:
        raise ConfigError(f"{flag}: got {text[:200]!r}, expected http:// or https://, a host, and perhaps a port.")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{flag}: holds a name or a password; a trainer shows a token instead: --token.")
    path = [part for part in parts.path.split("/") if part]
    page = next((at for at, part in enumerate(path) if part in OWN_PATHS), None)
    address = "/".join([f"{parts.scheme}://{parts.netloc}", *path[:page]])
    if page is not None or parts.query or "#" in text:
        raise ConfigError(
            f"{flag}: got {text[:200]!r}, expected the server alone: {address}, without one of its pages."
        )
    return address


def bearer_token(text: str) -> str:
    """`text` as it may stand in a header.

    Raises:
        ConfigError: no token has such characters; does not show it.
    """
    token = text.strip().removeprefix("\ufeff")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("--token: holds characters that no token has; copy it again, without what is around it.")
    return token


def known_authorities(address: str) -> ssl.SSLContext | bool:
    """Whose certificates are believed: this machine's (SSL_CERT_FILE too), and those that browsers know."""
    if not address.startswith("https:"):
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context

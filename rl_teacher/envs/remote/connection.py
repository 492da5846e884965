"""A connection to Ray: to a cluster that runs already, or to one of this process alone."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from rl_teacher.errors import ConfigError, MissingExtra

KNOCK_S = 10.0
"""The longest wait for a cluster to take a connection [s]."""
TRIES = 2
"""At a ray:// address: the server that Ray starts for each program there forks beside threads of gRPC, and sometimes
never answers."""
OBJECT_STORE_BYTES = 200 * 2**20
"""Of a cluster of our own: enough for what environments return in a step."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray would tell its makers
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # keeps 127.0.0.1 what it is; else its ports are open to the network
    "RAY_worker_niceness": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning that this will be the default
}
"""Environment of a cluster of our own, where the user has not set it."""


@contextmanager
def connected(address: str, flag: str) -> Iterator[None]:
    """Connected to a cluster that runs already, which is left as it was at the end.

    Args:
        address: `auto` for the one that this machine is a node of, `ray://HOST:10001` for one elsewhere, or HOST:PORT.
        flag: what the user gave the address with, for messages.

    Raises:
        MissingExtra: Ray is not installed.
        ConfigError: no cluster answers there.
    """
    require_ray(flag)
    import ray

    try:
        if address != "auto":
            _knock(address)
        _connect(address)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"{flag}: got {address!r}, where no Ray cluster answers ({' '.join(str(error).split())[:200]}). Start one "
            f"with `ray start --head`, or leave out {flag} (docs/cluster.md)."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def started(num_cpus: int, flag: str) -> Iterator[None]:
    """A cluster on this machine's loopback, of this process alone, which ends with the block or with the process.

    Raises:
        MissingExtra: Ray is not installed.
        ConfigError: it does not start.
    """
    for name, value in QUIET.items():  # read when Ray is imported
        os.environ.setdefault(name, value)
    require_ray(flag)
    import ray

    try:
        with warnings.catch_warnings():  # it forks to start programs, which JAX's threads do not mind
            warnings.filterwarnings("ignore", r".*os\.fork\(\)", RuntimeWarning)
            ray.init(
                "local", num_cpus=num_cpus, include_dashboard=False, log_to_driver=False,
                logging_level=logging.ERROR, object_store_memory=OBJECT_STORE_BYTES, _node_ip_address="127.0.0.1",
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:200]
        raise ConfigError(f"{flag}: Ray does not start on this machine: {why}. Leave out {flag}.") from error
    try:
        yield
    finally:
        ray.shutdown()


def require_ray(flag: str) -> None:
    """Raise MissingExtra unless Ray is installed."""
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"{flag}: Ray is not installed. pip install 'rl-teacher[ray]', on every node too."
        ) from error


def line_of(error: Exception) -> str:
    """One line of what Ray says in many."""
    text = str(error)
    if "No module named 'rl_teacher'" in text:
        return "a node of the cluster has no rl-teacher. Install the same version on every node."
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    return f"{type(error).__name__}: {lines[0][:300]}"


def _connect(address: str) -> None:
    """Connect; where Ray could not start its server for us, once more."""
    import ray

    for tries_left in reversed(range(TRIES if address.startswith("ray://") else 1)):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
            return
        except ConnectionError:
            if not tries_left:
                raise
            ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError or ValueError where nobody listens: Ray itself would try for minutes."""
    place = urlsplit(address if "://" in address else f"ray://{address}")
    if place.scheme != "ray" or not place.hostname or not place.port:
        raise ValueError("expected auto, ray://HOST:10001 or HOST:PORT")
    socket.create_connection((place.hostname, place.port), KNOCK_S).close()

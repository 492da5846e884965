"""A Ray cluster of two nodes on this machine's loopback, each with one processor; nothing of it stays behind."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cluster_bench import NODE, one_node


@dataclass
class Nodes:
    """What runs, and how to lose a part of it."""

    cluster: Any
    client_port: int
    lost: list[int] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    @property
    def address_from_outside(self) -> str:
        """For a program on a machine that is no node."""
        return f"ray://127.0.0.1:{self.client_port}"

    def add(self) -> Any:
        node = self.cluster.add_node(**NODE)
        self.cluster.wait_for_nodes()
        return node

    def lose(self, node: Any) -> None:
        """As when its machine is switched off."""
        self.cluster.remove_node(node, allow_graceful=False)
        self.cluster.wait_for_nodes()  # else the next test's workers may be sent to it

    @staticmethod
    def trainings(node: Any) -> list[int]:
        """Process ids of the trainings that go on in a node: children of the children of its raylet."""
        (raylet,) = [one.process.pid for one in node.all_processes["raylet"]]
        found = [pid for worker in children(raylet) for pid in children(worker)]
        return [pid for pid in found if b"\0teach\0" in command(pid)]


def children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(one) for thread in threads for one in (thread / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """The head, which stays."""
    with one_node() as (cluster, client_port):
        yield Nodes(cluster, client_port)


@pytest.fixture
def second(nodes: Nodes) -> Iterator[Any]:
    """A node beside the head."""
    node = nodes.add()
    yield node
    if node in nodes.cluster.worker_nodes:
        nodes.lose(node)

"""A Ray cluster of two nodes on this machine's loopback, each with one processor; nothing of it stays behind."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Read when Ray is imported. The first keeps 127.0.0.1 what it is; else Ray takes the machine's address in its network.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (it is spelled so)

import pytest
from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}


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
    with socket.create_server(("127.0.0.1", 0)) as found:
        client_port = found.getsockname()[1]
    head = {**NODE, "include_dashboard": False, "ray_client_server_port": client_port}
    cluster = Cluster(initialize_head=True, head_node_args=head, connect=False)
    processes = [one.process for every in cluster.head_node.all_processes.values() for one in every]
    try:
        yield Nodes(cluster, client_port)
    finally:
        cluster.shutdown()
        for process in processes:
            process.kill()  # gcs_server and raylet live on where a shutdown fails
            process.wait(10)


@pytest.fixture
def second(nodes: Nodes) -> Iterator[Any]:
    """A node beside the head."""
    node = nodes.add()
    yield node
    if node in nodes.cluster.worker_nodes:
        nodes.lose(node)

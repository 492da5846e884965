"""What Ray costs a benchmark: the same cells side by side on this machine, and on a Ray cluster of two nodes on it.

Run (Ray is needed): python -m benchmarks.cluster_bench [--cells 4] [--steps 1e6] [--rounds 2]
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Read when Ray is imported. The first keeps 127.0.0.1 what it is; else Ray takes the machine's address in its network.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (it is spelled so)

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}
"""Of each node: one processor, on loopback."""
CELLS = """
tasks = ["ShortHopper-v1"]
labels = [0]
seeds = [{seeds}]
steps = {steps}
"""


@contextmanager
def one_node() -> Iterator[tuple[Any, int]]:
    """A Ray cluster with its first node, and the port for programs outside of it; nothing of it stays behind."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        client_port = found.getsockname()[1]
    head = {**NODE, "include_dashboard": False, "ray_client_server_port": client_port}
    cluster = Cluster(initialize_head=True, head_node_args=head, connect=False)
    processes = [one.process for every in cluster.head_node.all_processes.values() for one in every]
    try:
        yield cluster, client_port
    finally:
        cluster.shutdown()
        for process in processes:
            process.kill()  # gcs_server and raylet live on where a shutdown fails
            process.wait(10)


def main(words: list[str] | None = None) -> None:
    """One line for each round, and the ratios of their medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=4, help="trainings in each round, two at once")
    parser.add_argument("--steps", type=float, default=1e6, help="of each training")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each way")
    asked = parser.parse_args(words)

    with one_node() as (cluster, client_port):
        cluster.add_node(**NODE)
        cluster.wait_for_nodes()
        ways = {
            "two processes": ["--parallel", "2"],
            "two nodes": ["--on", cluster.address],
            "two nodes, from outside": ["--on", f"ray://127.0.0.1:{client_port}"],
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(asked.rounds):
            for way, flags in ways.items():
                times[way].append(seconds(asked.cells, asked.steps, flags))
                print(f"{way}: {times[way][-1]:.1f} s for {asked.cells} x {asked.steps:,.0f} steps", flush=True)
    usual, *others = [statistics.median(found) for found in times.values()]
    for way, found in zip(list(ways)[1:], others, strict=True):
        print(f"{way}: {100 * (found / usual - 1):+.1f} % of {usual:.1f} s")


def seconds(cells: int, steps: float, flags: list[str]) -> float:
    """Of one `rl-teacher bench` from its start to its end [s]."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "cells.toml")
        file.write_text(CELLS.format(seeds=", ".join(str(seed + 1) for seed in range(cells)), steps=steps))
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "rl_teacher", "bench", str(file), *flags], check=True, stdout=subprocess.DEVNULL
        )
        return time.perf_counter() - begun


if __name__ == "__main__":
    main()

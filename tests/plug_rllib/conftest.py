"""One small Ray for all tests of this folder, which nobody else can reach."""

from collections.abc import Iterator

import pytest
import ray
import torch


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    torch.set_num_threads(1)  # small networks: on busy cores several threads take twenty times as long
    ray.init(include_dashboard=False, num_cpus=2, _node_ip_address="127.0.0.1", log_to_driver=False)
    yield
    ray.shutdown()

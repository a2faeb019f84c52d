"""Ray on two machines in one, for all tests that want it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

TRIES = 4


@pytest.fixture
def one_thread() -> Iterator[None]:
    """This process computes with as many threads as a worker of `cluster` has: records tell their number."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Two machines of one CPU each, as Ray simulates them; this process belongs to them."""
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    # Who the workers are to a server of S3; which one, the batch tells them.
    settings |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_MAX_ATTEMPTS": "2"}
    before = {name: os.environ.get(name) for name in settings}
    os.environ |= settings
    import ray
    from ray.cluster_utils import Cluster

    for attempt in range(TRIES):
        made = Cluster()
        try:
            for _ in range(2):
                made.add_node(num_cpus=1, object_store_memory=100 << 20, include_dashboard=False)
            break
        except Exception:  # Ray gives a machine 30 s to start, which a busy one may need
            made.shutdown()
            if attempt == TRIES - 1:
                raise
    ray.init(address=made.address, log_to_driver=False)
    try:
        yield made.address
    finally:
        ray.shutdown()
        made.shutdown()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

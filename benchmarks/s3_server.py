"""A server of S3 on this machine, by moto, in a process of its own; and what is in a bucket of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.buckets import Bucket

#: Who everybody is to the server, which does not ask.
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
START_S = 60.0


@contextmanager
def bucket() -> Iterator[BucketAddress]:
    """A place in a bucket of a new server, to which this process and those that it starts are set up."""
    import s3fs

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    before = {name: os.environ.get(name) for name in (*SETTINGS, "AWS_ENDPOINT_URL")}
    os.environ |= {**SETTINGS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    try:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        s3fs.S3FileSystem(skip_instance_cache=True).call_s3("create_bucket", Bucket="scans")
        yield BucketAddress("scans", "restored")
    finally:
        server.kill()
        server.wait()
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def contents(address: BucketAddress) -> dict[str, bytes]:
    """Every object below an address, what is hidden as well."""
    there = Bucket(address)
    return {name: there.read(name) or b"" for name, _ in there.listed()}

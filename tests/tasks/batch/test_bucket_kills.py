"""Batches into a bucket that are killed: the same command goes on, and each result is there once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.tasks.batch.conftest import in_bucket, run, told

from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.buckets import Bucket
from vasari.tasks.restore.plan import RestorePlan

pytestmark = pytest.mark.usefixtures("calm")

#: The command, and the same where the second of three pages waits until the process is killed.
_COMMAND = ("-m", "vasari.app.cli.main")
_WAITING = """
import time
from vasari.app.cli.main import main
from vasari.foundation.buckets import Bucket
put_file = Bucket.put_file
def waiting(self, path, name, facts):
    if name == "camera.png":
        time.sleep(120)
    put_file(self, path, name, facts)
Bucket.put_file = waiting
main()
"""


def test_the_same_command_goes_on_after_kill_9(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    killed(scans, seen, plan, ("-c", _WAITING))
    made_good(scans, bucket, seen, plan, in_a_folder)


@pytest.mark.slow
@pytest.mark.parametrize("delay_ms", range(0, 400, 20))
def test_the_same_command_goes_on_after_kill_9_at_any_moment(
    scans: Path,
    bucket: BucketAddress,
    seen: Bucket,
    plan: RestorePlan,
    in_a_folder: dict[str, bytes],
    delay_ms: int,
) -> None:
    killed(scans, seen, plan, _COMMAND, delay_ms / 1000)
    made_good(scans, bucket, seen, plan, in_a_folder)


def killed(scans: Path, seen: Bucket, plan: RestorePlan, how: tuple[str, str], delay_s: float = 0.0) -> None:
    """Kill the command so long after its first result is seen."""
    command = [sys.executable, *how, "restore", str(scans), "-o", str(seen.address)]
    process = subprocess.Popen([*command, "--model", plan.model, "--evidence", "--jobs", "1"], stderr=subprocess.PIPE)
    while seen.find("box/coffee.tif") is None and process.poll() is None:
        time.sleep(0.03)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL or how == _COMMAND, said.decode()


def made_good(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    """The next command takes the place at once, though its lock says that somebody works there, and ends the work."""
    summary = run(scans, bucket, plan)
    assert len(summary.done) + len(summary.already_done) == 3
    assert in_bucket(seen) == in_a_folder
    sources = [one["source"] for one in told(seen)]
    assert len(sources) == len(set(sources)) == 3

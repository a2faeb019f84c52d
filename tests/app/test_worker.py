"""Workers as processes: jobs done, cancelled, taken over from the killed, given back by those that end."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vasari.app.operations.ordering import order_of
from vasari.app.operations.references import Places
from vasari.app.worker import Worker, WorkerOptions
from vasari.archive.store import Archive
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.jobs import Job, State
from vasari.archive.workbench.queue import Queue

PATIENCE_S = 120


class Shop:
    """An archive with one picture that was sent in, and its queue."""

    def __init__(self, folder: Path, database: WorkbenchDatabase, archive: Archive) -> None:
        self.folder, self.queue = folder, Queue(database)
        self.places = Places(archive, folder / "workbench")
        rng = np.random.default_rng(0)
        path = folder / "scan.png"
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "workbench" / "uploads" / sha256).mkdir(parents=True)
        path.rename(folder / "workbench" / "uploads" / sha256 / "scan.png")
        self.picture = f"upload:{sha256}"

    def submit(self, name: str, fields: dict[str, Any], **more: Any) -> Job:
        return self.queue.submit(order_of(name, fields, [self.picture], self.places, **more))[0]

    def long(self) -> Job:
        """A job that takes far longer than the test has patience."""
        return self.submit("texture", {"size": "256x256", "iterations": 10_000})

    def wait(self, job: Job, until: Callable[[Job], bool]) -> Job:
        deadline = time.monotonic() + PATIENCE_S
        while not until(found := self.queue.get(job.id)):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    @contextmanager
    def worker(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "vasari.app.cli.main", "worker", str(self.folder), *options]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Archive.create(tmp_path / "archive") as archive, WorkbenchDatabase.open(archive) as database:
        yield Shop(archive.folder, database, archive)


def ended(job: Job) -> bool:
    return job.state.ended


def test_jobs_are_done_and_failures_told_and_one_is_cancelled(shop: Shop) -> None:
    good = shop.submit("archive-add", {}, priority=2)
    bad = shop.submit("inpaint", {"box": [0, 0, 900, 900]}, priority=1)
    said: list[str] = []
    stop = threading.Event()
    worker = Worker(shop.folder, WorkerOptions(lease_s=20, grace_s=0), stop, said.append)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        done = shop.wait(good, ended)
        assert done.state == State.DONE and done.result["values"]["added"] == 1 and done.share == 1
        failed = shop.wait(bad, ended)
        assert failed.state == State.FAILED and failed.attempts == 1 and "box" in failed.error["what"]
        long = shop.long()
        shop.wait(long, lambda job: job.done > 0)
        shop.queue.cancel(long.id)
        assert shop.wait(long, ended).state == State.CANCELLED
        assert not list((shop.folder / "workbench" / "results").glob(f".{long.id}*"))
    finally:
        stop.set()
        running.join(30)
    assert not running.is_alive() and any("cancelled" in one for one in said)


@pytest.mark.slow
def test_a_killed_workers_job_is_taken_over_and_done_once(shop: Shop) -> None:
    job = shop.submit("restore", {"strength": 0.5})
    with shop.worker("--lease-s", "3") as first:
        taken = shop.wait(job, lambda job: job.state == State.RUNNING)
        first.send_signal(signal.SIGKILL)
        with shop.worker("--lease-s", "3"):
            done = shop.wait(job, ended)
    assert done.state == State.DONE and done.attempts == 2 and done.worker != taken.worker
    assert sorted(one["name"] for one in done.result["files"]) == ["ledger.jsonl", "scan.png", "scan.treatment.json"]


@pytest.mark.slow
def test_sigterm_gives_running_jobs_back(shop: Shop) -> None:
    job = shop.long()
    with shop.worker("--grace-s", "0") as worker:
        shop.wait(job, lambda job: job.done > 0)
        worker.terminate()
        assert worker.wait(PATIENCE_S) == 0
    back = shop.queue.get(job.id)
    assert back.state == State.QUEUED and back.attempts == 0 and back.lease is None


@pytest.mark.slow
def test_a_job_that_takes_too_much_memory_fails_in_words(shop: Shop) -> None:
    job = shop.submit("texture", {"size": "512x512", "iterations": 1})
    Worker(shop.folder, WorkerOptions(memory_gb=0.15), say=lambda text: None).run(once=True)
    found = shop.queue.get(job.id)
    assert found.state in (State.FAILED, State.QUEUED) and found.error["what"] and found.error["remedy"]


@pytest.mark.slow
def test_a_worker_ends_with_what_started_it(shop: Shop) -> None:
    command = [sys.executable, "-m", "vasari.app.cli.main", "worker", str(shop.folder), "--while-stdin-is-open"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(3)
    worker.communicate(timeout=60)
    assert worker.returncode == 0

"""Workers as processes: jobs done, cancelled, taken over from the killed, given back by those that end."""

from __future__ import annotations

import hashlib
import json
import math
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

from vasari.app import installation, runner_process
from vasari.app import worker as worker_module
from vasari.app.operations.ordering import order_of
from vasari.app.operations.references import Places
from vasari.app.worker import Worker, WorkerOptions, waited_for
from vasari.archive.store import Archive
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.jobs import Job, State
from vasari.archive.workbench.queue import Queue
from vasari.foundation.errors import UnreachableError, WriteError

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


def test_an_update_beneath_the_process_fails_no_job_for_good(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What old code says of new weights counts for nothing; what is said again by a fresh process does."""
    job = shop.submit("inpaint", {"box": [0, 0, 900, 900]})
    states = iter(["of before", "of after", "of after", "of after"])
    monkeypatch.setattr(runner_process, "fingerprint", lambda: next(states))
    said: list[str] = []
    Worker(shop.folder, WorkerOptions(), say=said.append).run(once=True)
    found = shop.queue.get(job.id)
    assert found.state == State.QUEUED and "updated beneath" in found.error["what"], said
    later = Queue(shop.queue.database, lambda: time.time() + 3600).take("later")
    assert later is not None
    shop.queue.give_back(later)
    monkeypatch.setattr(runner_process, "fingerprint", lambda: "of after")
    Worker(shop.folder, WorkerOptions(), say=said.append).run(once=True)
    assert shop.queue.get(job.id).state == State.FAILED


def test_a_new_process_begins_after_an_update(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = runner_process.RunnerProcess(shop.folder, shop.folder / "workbench")
    monkeypatch.setattr(runner, "command", [sys.executable, "-c", "import time; time.sleep(60)"])
    job = shop.submit("archive-add", {})
    pids = []
    try:
        for state in ("one", "one", "two"):
            monkeypatch.setattr(runner_process, "fingerprint", lambda state=state: state)
            runner.begin(job)
            assert runner.process is not None
            pids.append(runner.process.pid)
    finally:
        runner.stop()
    assert pids[0] == pids[1] != pids[2]


def test_the_fingerprint_is_that_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"1")
    monkeypatch.setattr(installation, "BUNDLED_FOLDER", tmp_path)
    first = installation.fingerprint()
    assert installation.fingerprint() == first
    (tmp_path / "b.safetensors").write_bytes(b"2")
    (tmp_path / "b.safetensors").rename(tmp_path / "a.safetensors")
    assert installation.fingerprint() != first


class Away:
    """A database that is away for the first `times` questions, or refuses them."""

    def __init__(self, times: int, error: WriteError) -> None:
        self.times, self.error, self.asked = times, error, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise self.error
        return "here"


AWAY = UnreachableError("The database is away.", remedy="start it")
FULL = WriteError("The disk is full.", remedy="free some space")


def test_a_database_that_is_away_is_waited_for_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(worker_module, "LONGEST_PAUSE_S", 0.04)
    said: list[str] = []
    assert waited_for(Away(6, AWAY), threading.Event(), math.inf, said.append) == "here"
    pauses = [float(one.rpartition("again in ")[2].removesuffix(" s.")) for one in said[:-1]]
    assert pauses == [0.01, 0.02, 0.04, 0.04, 0.04, 0.04] and "away" in said[0] and "again, after" in said[-1]
    for error, patience_s in ((AWAY, 0.05), (FULL, math.inf)):
        with pytest.raises(WriteError):
            waited_for(Away(1000, error), threading.Event(), patience_s, said.append)
    stop = threading.Event()
    stop.set()
    with pytest.raises(WriteError):
        waited_for(asked := Away(1000, AWAY), stop, math.inf, said.append)
    assert asked.asked == 1


@pytest.mark.slow
def test_workers_outlast_a_database_that_is_away_for_longer_than_their_leases() -> None:
    """On a real server, stopped twice in the middle of jobs."""
    command = Path(__file__).parents[2] / "benchmarks" / "kill_workbench.py"
    words = ["postgres", "--jobs", "16", "--restarts", "2", "--away-s", "7", "--lease-s", "3"]
    done = subprocess.run([sys.executable, str(command), *words], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["jobs"] == 16 and told["times_that_workers_said_so"] >= 2


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

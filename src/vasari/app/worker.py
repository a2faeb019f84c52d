"""A worker: takes jobs out of the queue, has them done by processes, and reports; any number on any machines.

What it holds it holds by a lease, which it renews as long as it lives: when it is killed, another takes the job over.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vasari.app.job_runner import clear
from vasari.app.runner_process import PATIENCE_S, RunnerProcess
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.jobs import Job
from vasari.archive.workbench.queue import LEASE_S, Queue
from vasari.foundation.errors import UnreachableError, WriteError
from vasari.foundation.plans import check, option

T = TypeVar("T")
FOLDER = "workbench"
#: Seconds between two looks for a job, and between two lines to the database on progress.
LOOK_EVERY_S, REPORT_EVERY_S = 0.5, 1.0
#: Seconds until the database is asked again that was away, doubled each time up to the second.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
GIB = 1 << 30


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works."""

    jobs: int = option(1, "jobs at a time, each in a process of its own", minimum=1, maximum=64)
    memory_gb: float = option(0.0, "memory of each process in GiB; 0 for all there is", minimum=0.0)
    hours: float = option(72.0, "longest time of a job, in hours", minimum=0.001)
    lease_s: float = option(LEASE_S, "seconds after which a worker that is not heard of has lost its job", minimum=2.0)
    grace_s: float = option(30.0, "seconds that running jobs are given when the worker is to end", minimum=0.0)
    operations: tuple[str, ...] = option((), "do jobs of these operations alone; empty for all")

    def __post_init__(self) -> None:
        check(self)


@dataclass
class Worker:
    """A worker of the archive in `archive`; `run` returns when `stop` is set, or with `once` when nothing waits."""

    archive: Path
    options: WorkerOptions = field(default_factory=WorkerOptions)
    stop: threading.Event = field(default_factory=threading.Event)
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)

    def run(self, once: bool = False) -> None:
        """Do jobs, `options.jobs` at a time. A database that is away is waited for, with `once` as long as a lease.

        Raises `ArchiveError`, `WriteError` where there is no database.
        """
        try:
            database = self._opened(once)
        except WriteError:
            if self.stop.is_set():
                return  # told to end while it waited
            raise
        with database:
            (self.archive / FOLDER).mkdir(mode=0o700, exist_ok=True)
            queue = Queue(database)
            hands = [_Hand(self, queue, once) for _ in range(self.options.jobs)]
            threads = [threading.Thread(target=hand.work, name=hand.name) for hand in hands]
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)  # so that signals are heard
        for hand in hands:
            if hand.error is not None:
                raise hand.error

    def _opened(self, once: bool) -> WorkbenchDatabase:
        """The database, as soon as it is there."""
        patience_s = self.options.lease_s if once else math.inf
        return waited_for(lambda: WorkbenchDatabase.open(self.archive), self.stop, patience_s, self.say)


def waited_for(ask: Callable[[], T], stop: threading.Event, patience_s: float, say: Callable[[str], None]) -> T:
    """What the database answers, when it is there again; asked later each time, and told about.

    Raises `WriteError` where it stays away for longer than `patience_s`, or when `stop` is set; and where it is there
    and refuses, so `LONGEST_PAUSE_S` after it was first asked.
    """
    began, pause, said = time.monotonic(), FIRST_PAUSE_S, ""
    while True:
        try:
            answer = ask()
        except WriteError as error:
            waited = time.monotonic() - began
            limit = patience_s if isinstance(error, UnreachableError) else min(patience_s, LONGEST_PAUSE_S)
            if stop.is_set() or waited > limit:
                raise
            said = f"{error} Asked again in {pause:g} s."
            say(said)
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        else:
            if said:
                say(f"The database answers again, after {time.monotonic() - began:.0f} s.")
            return answer


class _Hand:
    """One of a worker's jobs at a time, with the process that does it."""

    def __init__(self, worker: Worker, queue: Queue, once: bool) -> None:
        self.worker, self.options, self.queue, self.once = worker, worker.options, queue, once
        self.folder = worker.archive / FOLDER
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
        self.runner = RunnerProcess(worker.archive, self.folder, int(self.options.memory_gb * GIB))
        self.error: Exception | None = None

    def work(self) -> None:
        """Job after job."""
        try:
            while not self.worker.stop.is_set():
                job = self._patiently(lambda: self.queue.take(self.name, self.options.lease_s, self.options.operations))
                if job is not None:
                    self._do(job)
                elif self.once:
                    return
                else:
                    self.worker.stop.wait(LOOK_EVERY_S)
        except Exception as error:
            self.error = error
            self.worker.stop.set()
        finally:
            self.runner.stop()

    def _do(self, job: Job) -> None:
        """Have a job done, and report it; the process is ended where the job is lost or to be cancelled."""
        self.worker.say(f"{job.id} {job.operation}: begun")
        began = time.monotonic()
        self.runner.begin(job)
        hold = _Hold(self.queue, job, self.options.lease_s)
        asked_to_stop = 0.0
        while True:
            said = self.runner.hear(0.2)
            if said is not None and said.keys() & {"result", "failed", "died"}:
                return self._settle(job, said)
            if said is not None:
                hold.progress = said
            if not hold.renew():
                return self._let_go(job, hold)
            if self.worker.stop.is_set():
                asked_to_stop = asked_to_stop or time.monotonic()
                if time.monotonic() - asked_to_stop >= self.options.grace_s:
                    return self._give_back(job)
            if time.monotonic() - began > self.options.hours * 3600:
                self.runner.stop(PATIENCE_S)
                words = f"It took longer than {self.options.hours:g} hours."
                return self._failed(job, words, "divide it, or give the worker more --hours", again=False)

    def _settle(self, job: Job, said: dict[str, Any]) -> None:
        if "result" in said:
            kept = self._patiently(lambda: self.queue.finish(job, said["result"]))
            self.worker.say(f"{job.id} {job.operation}: {'done' if kept is not None else 'done too late'}")
            return
        if "failed" in said:
            told = said["failed"]
            if self.runner.is_outdated and not told["again"]:
                self.runner.stop()
                words = f"Vasari was updated beneath the process that worked on it. It said: {told['what']}"
                return self._failed(job, words, "it is tried with the new files; start the worker again", again=True)
            return self._failed(job, told["what"], told["remedy"], again=told["again"])
        words = f"The process that worked on it was killed ({said['died']})."
        self._failed(job, words, "most often the memory was not enough; then retry the job", again=True)

    def _failed(self, job: Job, what: str, remedy: str, *, again: bool) -> None:
        self.worker.say(f"{job.id} {job.operation}: {what}")
        self._patiently(lambda: self.queue.fail(job, what, remedy, again=again))

    def _let_go(self, job: Job, hold: _Hold) -> None:
        """The job was cancelled, or its lease was lost: nothing more is done to it here."""
        self.runner.stop()
        if hold.cancelled:
            clear(self.folder, job.id)
            self._patiently(lambda: self.queue.give_back(job))
        away = "given up, since the database is away: its lease is over"
        said = "cancelled" if hold.cancelled else away if hold.is_away else "lost"
        self.worker.say(f"{job.id} {job.operation}: {said}")

    def _give_back(self, job: Job) -> None:
        self.runner.stop(PATIENCE_S)
        self._patiently(lambda: self.queue.give_back(job))
        self.worker.say(f"{job.id} {job.operation}: given back")

    def _patiently(self, ask: Callable[[], T]) -> T | None:
        """Ask the database, and wait for it while it is away; None where there is no answer to be had.

        What could not be told of a job is found when it is taken again: its results are there, or it is gone on with.
        """
        patience_s = self.options.lease_s if self.once else math.inf
        try:
            return waited_for(ask, self.worker.stop, patience_s, self.worker.say)
        except WriteError as error:
            if self.once:
                raise
            self.worker.say(f"{error} Given up for now.")
            self.worker.stop.wait(LOOK_EVERY_S)
            return None


class _Hold:
    """The lease of a job, renewed in time, with the progress when there is some."""

    def __init__(self, queue: Queue, job: Job, lease_s: float) -> None:
        self.queue, self.job, self.lease_s = queue, job, lease_s
        self.progress: dict[str, Any] | None = None
        self.cancelled = self.is_away = False
        self.renewed = self.asked = time.monotonic()

    def renew(self) -> bool:
        """False where the job is no longer ours to do."""
        now = time.monotonic()
        wait_s = REPORT_EVERY_S if self.progress is not None else min(REPORT_EVERY_S * 2, self.lease_s / 4)
        if now - self.asked < wait_s:
            return True
        self.asked = now
        try:
            found = self.queue.report(self.job, self.lease_s, **_progress(self.progress))
        except WriteError:
            self.is_away = True
            return now - self.renewed < self.lease_s  # until the lease is over it is ours
        self.progress, self.is_away = None, False
        self.renewed = now
        self.cancelled = found is not None and found.cancel_wanted
        return found is not None and not self.cancelled


def _progress(said: dict[str, Any] | None) -> dict[str, Any]:
    return {} if said is None else {name: said[name] for name in ("done", "total", "words") if name in said}

"""Executors: where the jobs of a batch run. In this process here; elsewhere by the same protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Generic, Protocol, TypeVar

Item = TypeVar("Item")
Record = TypeVar("Record")


class Executor(Protocol):
    """Runs one operation over many items; every job is idempotent, and its record is plain data."""

    def map(self, plan: Any, items: Iterable[Any]) -> Iterator[Any]:
        """The records of all items as they are ready, in any order; `plan` says what is done to each."""
        ...


class Stop:
    """A request to stop, seen by all jobs of a batch: they end at the next strip, and clean up."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask all jobs to stop."""
        self._event.set()

    def check(self) -> None:
        """Raise `Stopped` where a stop was asked for."""
        if self._event.is_set():
            raise StoppedError("the batch was stopped")


class StoppedError(Exception):
    """Raised inside a job that was asked to stop; never shown to a person."""


class InProcess(Generic[Item, Record]):
    """The executor for one machine: `jobs` threads of this process, a few items ahead, never all.

    Threads serve, since decoding, encoding, hashing and networks all release Python's lock.
    `work(plan, item)` gives a record and may raise only to end the whole batch.
    """

    def __init__(self, work: Callable[[Any, Item], Record], jobs: int = 1, stop: Stop | None = None) -> None:
        self.work = work
        self.jobs = max(1, jobs)
        self.stop = stop or Stop()

    def map(self, plan: Any, items: Iterable[Item]) -> Generator[Record, None, None]:
        """The records as they are ready; closing the generator early stops the jobs in flight and waits for them."""
        queue = iter(items)
        pending: set[Future[Record]] = set()
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="vasari-job") as pool:
            try:
                for item in queue:
                    pending.add(pool.submit(self.work, plan, item))
                    if len(pending) >= self.jobs:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        for one in done:
                            yield one.result()
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for one in done:
                        yield one.result()
            except BaseException:
                self.stop.set()
                raise

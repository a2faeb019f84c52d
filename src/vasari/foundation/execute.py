"""Executors: where the jobs of a batch run. In this process here; elsewhere by the same protocol.

An `Assignment` is what is done to each item, as plain data that can be sent to another machine:

    with contextlib.closing(executor.map(assignment, items)) as records:
        for record in records:
            ...
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from vasari.foundation.errors import VasariError

Item = TypeVar("Item")
Record = TypeVar("Record")


class Assignment(Protocol):
    """What is done to each item of a batch: plain data, sent to where it is done, made ready there once."""

    def ready(self) -> Callable[[Any], Any]:
        """Load what it needs; what is given back makes an item's record, and raises only to end the batch.

        Raises a `VasariError` where it cannot be done here, which ends the batch too.
        """

    def lost(self, item: Any, error: VasariError) -> Any:
        """The record of an item that took its worker down again and again."""


class Executor(Protocol):
    """Runs one assignment over many items; every job is idempotent, and items and records are plain data."""

    def map(self, assignment: Assignment, items: Iterable[Any]) -> Generator[Any, None, None]:
        """The records of all items as they are ready, in any order; few items are taken ahead, never all.

        Closing the generator early ends the jobs in work.
        """


class Here:
    """The executor of assignments in this process: `jobs` threads."""

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = jobs

    def map(self, assignment: Assignment, items: Iterable[Any]) -> Generator[Any, None, None]:
        """The records as they are ready; those of one thread are in the order of the items."""
        yield from InProcess(_done_to, self.jobs).map(assignment.ready(), items)


def _done_to(do: Callable[[Any], Any], item: Any) -> Any:
    return do(item)


def in_order(executor: Executor, assignment: Assignment, items: Iterable[Any]) -> Generator[Any, None, None]:
    """The records of `executor.map` in the order of the items; those that are early are kept meanwhile."""
    early: dict[int, Any] = {}
    place = 0
    with closing(executor.map(_Numbering(assignment), enumerate(items))) as records:
        for number, record in records:
            early[number] = record
            while place in early:
                yield early.pop(place)
                place += 1


@dataclass(frozen=True)
class _Numbering:
    """An assignment over (number, item), whose records bear the number."""

    assignment: Assignment

    def ready(self) -> Callable[[tuple[int, Any]], tuple[int, Any]]:
        do = self.assignment.ready()
        return lambda numbered: (numbered[0], do(numbered[1]))

    def lost(self, item: tuple[int, Any], error: VasariError) -> tuple[int, Any]:
        return item[0], self.assignment.lost(item[1], error)


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
    """A function over items in `jobs` threads of this process, a few items ahead, never all.

    Threads serve, since decoding, encoding, hashing and networks all release Python's lock.
    `work(plan, item)` gives a record and may raise only to end the whole batch. `prompt`: tell records before all
    threads are at work too, for items that are long in coming.
    """

    def __init__(
        self, work: Callable[[Any, Item], Record], jobs: int = 1, stop: Stop | None = None, *, prompt: bool = False
    ) -> None:
        self.work = work
        self.prompt = prompt
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
                    if self.prompt or len(pending) >= self.jobs:
                        patience = None if len(pending) >= self.jobs else 0.0
                        done, pending = wait(pending, patience, return_when=FIRST_COMPLETED)
                        for one in done:
                            yield one.result()
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for one in done:
                        yield one.result()
            except BaseException:
                self.stop.set()
                raise

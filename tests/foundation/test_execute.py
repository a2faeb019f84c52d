"""The executor of this machine: all items, a few at a time, and an end on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from vasari.foundation.errors import VasariError
from vasari.foundation.execute import Here, InProcess, Stop, StoppedError, in_order


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_item_is_worked_once_and_never_more_than_jobs_at_a_time(jobs: int) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(plan: int, item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1
        return plan * item

    assert sorted(InProcess(work, jobs).map(10, range(20))) == [10 * one for one in range(20)]
    assert most <= jobs


def test_items_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def items():
        for one in range(1000):
            taken.append(one)
            yield one

    results = InProcess(lambda plan, item: item, jobs=2).map(None, items())
    next(results)
    results.close()
    assert len(taken) < 10


def test_closing_early_stops_what_is_at_work_and_waits_for_it() -> None:
    stop, ended = Stop(), []

    def work(plan: None, item: int) -> int:
        if item == 0:
            return item
        try:
            while True:
                stop.check()
                time.sleep(0.001)
        except StoppedError:
            ended.append(item)
            raise

    results = InProcess(work, jobs=2, stop=stop).map(None, range(5))
    assert next(results) == 0
    results.close()
    assert ended == [1]


def test_a_prompt_one_tells_what_is_ready_before_its_threads_are_full() -> None:
    threads, told, taken = 1000, [], []

    def items() -> Iterator[int]:
        while not told and len(taken) < threads:
            taken.append(len(taken))
            yield taken[-1]
            time.sleep(0.002)

    def work(plan: None, item: int) -> int:
        return item

    for record in InProcess(work, threads, prompt=True).map(None, items()):
        told.append(record)
    assert len(taken) < threads and sorted(told) == taken


def test_an_error_of_the_work_ends_the_batch() -> None:
    def work(plan: None, item: int) -> int:
        raise ZeroDivisionError

    stop = Stop()
    with pytest.raises(ZeroDivisionError):
        list(InProcess(work, jobs=2, stop=stop).map(None, range(5)))
    with pytest.raises(StoppedError):
        stop.check()


class Waiting:
    """An assignment whose items are the seconds that they take."""

    def __init__(self) -> None:
        self.made_ready = 0

    def ready(self) -> Callable[[float], float]:
        self.made_ready += 1

        def wait(seconds: float) -> float:
            time.sleep(seconds)
            return seconds

        return wait

    def lost(self, item: float, error: VasariError) -> str:
        return f"{item}: {error.message}"


def test_records_come_in_the_order_of_the_items_where_that_is_asked_for() -> None:
    items = [0.2, 0.0, 0.1, 0.0, 0.05]
    assignment = Waiting()
    assert list(Here(3).map(assignment, items)) != items
    assert assignment.made_ready == 1
    assert list(in_order(Here(3), assignment, items)) == items


def test_an_early_end_of_what_is_in_order_ends_the_jobs() -> None:
    taken = []

    def items() -> Iterator[float]:
        while True:
            taken.append(1)
            yield 0.001

    records = in_order(Here(2), Waiting(), items())
    assert [next(records) for _ in range(5)] == [0.001] * 5
    records.close()
    count = len(taken)
    time.sleep(0.05)
    assert len(taken) == count < 15

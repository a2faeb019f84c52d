"""The executor of this machine: all items, a few at a time, and an end on request."""

from __future__ import annotations

import threading
import time

import pytest

from vasari.foundation.execute import InProcess, Stop, StoppedError


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


def test_an_error_of_the_work_ends_the_batch() -> None:
    def work(plan: None, item: int) -> int:
        raise ZeroDivisionError

    stop = Stop()
    with pytest.raises(ZeroDivisionError):
        list(InProcess(work, jobs=2, stop=stop).map(None, range(5)))
    with pytest.raises(StoppedError):
        stop.check()

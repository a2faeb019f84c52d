"""The queue on both databases, with a clock that is given; workers that race are real threads and processes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from vasari.archive.store import Archive
from vasari.archive.workbench import jobs
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.jobs import Job, Order, State
from vasari.archive.workbench.queue import Queue
from vasari.foundation.errors import ArchiveError, PlanError


class Clock:
    """A clock that stands until it is set forward."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(archive: Archive, clock: Clock) -> Iterator[Queue]:
    with WorkbenchDatabase.open(archive) as database:
        yield Queue(database, clock)


def order(number: int = 0, **more: object) -> Order:
    return replace(Order("restore", f"{number:064x}", {"vividness": 0.3}, [{"upload": "ab"}], "ann"), **more)


def took(queue: Queue, worker: str = "w", lease_s: float = 60) -> Job:
    job = queue.take(worker, lease_s)
    assert job is not None
    return job


def test_a_job_is_put_in_taken_and_done_once(queue: Queue, clock: Clock) -> None:
    put, new = queue.submit(order())
    assert new and put.state == State.QUEUED and put.fields == {"vividness": 0.3} and put.inputs == [{"upload": "ab"}]
    job = took(queue)
    assert job == queue.get(put.id) and job.state == State.RUNNING and job.attempts == 1
    assert queue.take("other") is None
    clock.now += 10
    seen = queue.report(job, 60, done=1, total=4, words="scan.tif")
    assert seen is not None and seen.share == 0.25 and seen.seconds_left(clock.now) == 30
    assert seen.lease_until == clock.now + 60
    done = queue.finish(job, {"files": ["a.png"]})
    assert done is not None and done.state == State.DONE and done.share == 1 and done.ended == clock.now
    assert queue.finish(job, {"files": ["b.png"]}) == done, "said twice it is as said once"
    assert queue.submit(order()) == (done, False), "the same work is given back"
    assert queue.take("w") is None


def test_higher_priorities_go_first_then_the_older(queue: Queue, clock: Clock) -> None:
    for number, priority in enumerate((0, 5, 5, -1)):
        clock.now += 1
        queue.submit(order(number, priority=priority))
    assert [int(took(queue).key, 16) for _ in range(4)] == [1, 2, 0, 3]
    with pytest.raises(PlanError, match="priority"):
        order(priority=101)


def test_a_lost_lease_goes_to_another_worker_and_the_first_is_refused(queue: Queue, clock: Clock) -> None:
    queue.submit(order())
    first = took(queue, "one", lease_s=60)
    clock.now += 59
    assert queue.take("two") is None
    clock.now += 2
    second = took(queue, "two")
    assert second.id == first.id and second.attempts == 2 and second.lease != first.lease
    assert queue.report(first) is None
    assert queue.finish(first, {"files": ["of the first"]}) is None
    assert queue.fail(first, "x", "y", again=True) is None and queue.give_back(first) is None
    assert queue.get(first.id) == second
    assert queue.finish(second, {}) is not None


def test_a_heartbeat_keeps_the_lease_and_tells_nobody(queue: Queue, clock: Clock) -> None:
    queue.submit(order())
    job = took(queue, lease_s=60)
    for _ in range(5):
        clock.now += 50
        beat = queue.report(job, 60)
        assert beat is not None and beat.version == job.version and beat.changed == job.changed
        assert queue.take("other") is None


def test_a_job_whose_workers_die_is_given_up(queue: Queue, clock: Clock) -> None:
    queue.submit(order(attempts_allowed=3))
    for attempt in range(3):
        assert took(queue).attempts == attempt + 1
        clock.now += 61
    assert queue.take("w") is None
    (job,) = queue.page().jobs
    assert job.state == State.FAILED and "lost" in job.error["what"] and job.error["remedy"]


def test_failures_are_tried_again_after_longer_and_longer(queue: Queue, clock: Clock) -> None:
    queue.submit(order(attempts_allowed=4))
    waits = []
    for _ in range(3):
        failed = queue.fail(took(queue), "The disk is full.", "free some space", again=True)
        assert failed is not None and failed.state == State.QUEUED
        waits.append(failed.not_before - clock.now)
        clock.now = failed.not_before - 0.01
        assert queue.take("w") is None
        clock.now = failed.not_before
    assert waits == [5, 10, 20]
    last = queue.fail(took(queue), "The disk is full.", "free some space", again=True)
    assert last is not None and last.state == State.FAILED and last.attempts == 4
    assert last.error == {"what": "The disk is full.", "remedy": "free some space"}
    assert jobs.wait_s(100) == jobs.LONGEST_WAIT_S


def test_what_cannot_work_is_not_tried_again_but_may_be_asked_for(queue: Queue, clock: Clock) -> None:
    put, _ = queue.submit(order())
    failed = queue.fail(took(queue), "No picture.", "send another", again=False)
    assert failed is not None and failed.state == State.FAILED and queue.take("w") is None
    again = queue.retry(put.id)
    assert again.state == State.QUEUED and again.attempts == 0 and again.error == {} and again.ended is None
    with pytest.raises(PlanError, match="queued"):
        queue.retry(put.id)
    queue.fail(took(queue), "No picture.", "send another", again=False)
    clock.now += 1
    afresh, new = queue.submit(order(owner="bob", priority=3))
    assert new and afresh.id == put.id and (afresh.owner, afresh.priority) == ("bob", 3)
    assert took(queue).id == put.id


def test_cancel_of_what_waits_runs_and_ended(queue: Queue) -> None:
    put, _ = queue.submit(order())
    assert queue.cancel(put.id).state == State.CANCELLED and queue.take("w") is None
    assert queue.retry(put.id).state == State.QUEUED
    job = took(queue)
    wanted = queue.cancel(put.id)
    assert wanted.state == State.RUNNING and wanted.cancel_wanted
    beat = queue.report(job)
    assert beat is not None and beat.cancel_wanted
    stopped = queue.give_back(job)
    assert stopped is not None and stopped.state == State.CANCELLED and not stopped.cancel_wanted
    queue.submit(order())
    queue.finish(took(queue), {})
    assert queue.cancel(put.id).state == State.DONE
    late, _ = queue.submit(order(key="late"))
    done = took(queue)
    queue.cancel(late.id)
    ended = queue.finish(done, {})  # done before its worker heard that it was called off
    assert ended is not None and ended.state == State.DONE and not ended.cancel_wanted
    assert queue.submit(order(key="late"))[1] is False, "it is done: nothing is left to do"
    with pytest.raises(ArchiveError, match="no job"):
        queue.cancel("nothing")


def test_a_cancelled_job_of_a_dead_worker_ends(queue: Queue, clock: Clock) -> None:
    put, _ = queue.submit(order())
    took(queue)
    queue.cancel(put.id)
    clock.now += 61
    assert queue.take("w") is None and queue.get(put.id).state == State.CANCELLED


def test_wanted_again_while_it_is_being_cancelled(queue: Queue) -> None:
    queue.submit(order())
    job = took(queue)
    queue.cancel(job.id)
    again, new = queue.submit(order())
    assert new and not again.cancel_wanted
    back = queue.give_back(job)
    assert back is not None and back.state == State.QUEUED and back.attempts == 0


def test_pages_by_cursor_and_what_changed(queue: Queue, clock: Clock) -> None:
    ids = []
    for number in range(7):
        clock.now += 1
        ids.append(queue.submit(order(number, owner="ann" if number % 2 else "bob"))[0].id)
    first = queue.page(limit=3)
    second = queue.page(limit=3, before=first.next)
    third = queue.page(limit=3, before=second.next)
    assert [job.id for page in (first, second, third) for job in page.jobs] == ids[::-1] and third.next is None
    assert [job.id for job in queue.page(owner="ann").jobs] == ids[5::-2]
    since = clock.now
    clock.now += 1
    queue.cancel(ids[2])
    assert [job.id for job in queue.changed_since(since + 0.5)] == [ids[2]]
    assert queue.counts() == {**dict.fromkeys(State, 0), State.QUEUED: 6, State.CANCELLED: 1}
    assert [job.id for job in queue.page(state=State.CANCELLED).jobs] == [ids[2]]
    with pytest.raises(PlanError, match="limit"):
        queue.page(limit=0)


def test_two_workers_race_over_200_jobs_and_take_none_twice(archive: Archive) -> None:
    with WorkbenchDatabase.open(archive) as database:
        queue = Queue(database)
        for number in range(200):
            queue.submit(order(number))
    done: Counter[str] = Counter()
    by: set[str] = set()
    both_at_work = threading.Barrier(2, timeout=60)

    def work(name: str) -> None:
        with WorkbenchDatabase.open(archive) as own:
            mine = Queue(own)
            while (job := mine.take(name)) is not None:
                if name not in by:
                    both_at_work.wait()
                assert mine.finish(job, {}) is not None
                done[job.id] += 1
                by.add(name)

    threads = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 200 and set(done.values()) == {1} and len(by) == 2
    with WorkbenchDatabase.open(archive) as database:
        assert Queue(database).counts()[State.DONE] == 200


def test_the_same_order_from_many_at_once_is_one_job(archive: Archive) -> None:
    news: list[bool] = []

    def submit() -> None:
        with WorkbenchDatabase.open(archive) as own:
            news.append(Queue(own).submit(order())[1])

    threads = [threading.Thread(target=submit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(news) == [False] * 5 + [True]


def test_keys_tell_work_apart() -> None:
    key = jobs.key_of("restore", ["a", "b"], "plan", "models")
    assert key == jobs.key_of("restore", ["a", "b"], "plan", "models") and len(key) == 64
    others = [("inpaint", ["a", "b"], "plan", "models"), ("restore", ["b", "a"], "plan", "models"),
              ("restore", ["ab"], "plan", "models"), ("restore", ["a", "b"], "planm", "odels")]  # fmt: skip
    assert len({key, *(jobs.key_of(*other) for other in others)}) == 5

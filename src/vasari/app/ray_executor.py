"""Assignments on the machines of a Ray cluster: workers that load a model once, and are replaced where they are lost.

    with RayExecutor(address="auto") as executor:
        records = executor.map(assignment, items)

Few items are under way at a time, and every record is small: data goes by the file system that the machines share,
never through Ray. docs/decisions/ tells why it is not `ray.data`.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from vasari.app.ray_cluster import RayCluster, imported, in_a_line
from vasari.foundation.errors import PlanError, VasariError, WorkerLostError
from vasari.foundation.execute import Assignment
from vasari.foundation.version import VERSION

#: An item that so many workers ended with, alone in hand, is given up: it takes down whoever touches it. Of 62 that
#: were killed at random, three in a row had the same of 500 items in work: three are too few to blame it.
LOSSES = 5
#: Items that a worker has: one in work, and one that it need not wait for.
IN_HAND = 2
#: Workers that may end before they are ready, one after the other, with nothing done in between.
FALSE_STARTS = 8
#: How long nobody may be ready, in seconds, before the cluster is told to have no room.
PATIENCE_S = 300.0
#: Workers asked for beyond the CPUs of a joined cluster, as a share of them: what one that scales itself grows by.
SPARE = 0.5
#: How often new machines of a cluster are looked for, in seconds.
LOOK_S = 10.0
#: What workers are told of this process's environment, since it decides bytes of results.
ENVIRONMENT = ("SOURCE_DATE_EPOCH",)


@dataclass
class RayExecutor:
    """The `foundation.execute.Executor` over Ray; connected when there is first something to do.

    `address` is "auto" or HOST:PORT of a cluster that this machine belongs to; None starts Ray on this machine alone,
    and ends it with `close`. `workers`: processes at work, each on one CPU; 0: one for each CPU there is. `gpus`:
    GPUs, or parts of one, for each. Raises `MissingExtraError` without the extra `cluster`.
    """

    address: str | None = None
    workers: int = 0
    gpus: float = 0.0
    _cluster: RayCluster = field(init=False)

    def __post_init__(self) -> None:
        self._cluster = RayCluster(self.address, self.workers)

    def map(self, assignment: Assignment, items: Iterable[Any]) -> Generator[Any, None, None]:
        """The records as they are ready; closing the generator early ends the workers at once.

        Raises what an assignment raises where it is made ready, and `PlanError` for a cluster that gives no worker.
        """
        queue = iter(items)
        first = list(_at_most(queue, 1))
        if not first:
            return
        grows = self.address is not None
        crew = _Crew(self._cluster.connected(), assignment, self.workers, self.gpus, grows)
        try:
            yield from crew.records(_chained(first, queue))
        finally:
            crew.dismiss()

    def close(self) -> None:
        """Leave the cluster; end Ray where it was started for this."""
        self._cluster.close()

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(eq=False)
class _Job:
    """An item on its way, how many workers ended with it alone, and whether it goes alone from now on.

    A worker may end before its last record has left it; with two items in hand nobody can say which took it down.
    """

    item: Any
    losses: int = 0
    alone: bool = False


@dataclass(eq=False)
class _Hand:
    """A worker: its actor, the promise that it is ready, the machine it is on, and its jobs in order."""

    actor: Any
    begun: Any
    node: str = ""
    jobs: deque[tuple[Any, _Job]] = field(default_factory=deque)

    @property
    def awaited(self) -> Any:
        """What is waited for: that it is ready, or its first job; None where it is idle."""
        if not self.node:
            return self.begun
        return self.jobs[0][0] if self.jobs else None


class _Crew:
    """The workers of one assignment."""

    def __init__(self, ray: ModuleType, assignment: Assignment, workers: int, gpus: float, grows: bool) -> None:
        self.ray, self.assignment, self.workers, self.grows = ray, assignment, workers, grows
        self.worker = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0, max_task_retries=0)(Worker)
        self.shared = ray.put(assignment)
        self.environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        self.hands: list[_Hand] = []
        self.waiting: deque[_Job] = deque()
        self.false_starts = 0
        self.looked = -LOOK_S
        self.wanted = 1
        self.ready_at = time.monotonic()

    def records(self, items: Iterator[Any]) -> Generator[Any, None, None]:
        """The records, as they are ready."""
        more = True
        while True:
            self._look()
            taken = list(_at_most(items, self.wanted - len(self.waiting))) if more else []
            more = more and len(taken) == max(0, self.wanted - len(self.waiting))
            self.waiting.extend(_Job(one) for one in taken)
            self._hire()
            self._hand_out()
            awaited = {one.awaited: one for one in self.hands if one.awaited is not None}
            if not self.waiting and not more and not any(one.jobs for one in self.hands):
                return
            if awaited:
                ready, _ = self.ray.wait(list(awaited), num_returns=1, timeout=1.0)
                for promise in ready:
                    yield from self._settled(awaited[promise], promise)
            self._check_patience()

    def dismiss(self) -> None:
        """End all workers at once, whatever they do."""
        for hand in self.hands:
            self.ray.kill(hand.actor)
        self.hands = []

    def _look(self) -> None:
        """How many workers there should be: as many as were asked for, or as the cluster has CPUs just now.

        Of a cluster that may grow, some more: they wait for CPUs, and that is what its autoscaler goes by.
        """
        if self.workers:
            self.wanted = self.workers
        elif time.monotonic() - self.looked >= LOOK_S:
            self.looked = time.monotonic()
            cpus = int(self.ray.cluster_resources().get("CPU", 0))
            self.wanted = max(1, cpus + (math.ceil(SPARE * cpus) if self.grows else 0))

    def _hire(self) -> None:
        """Start workers, as many as there should be, but no more than there are jobs for."""
        jobs = len(self.waiting) + sum(len(one.jobs) for one in self.hands)
        while len(self.hands) < min(self.wanted, jobs):
            actor = self.worker.remote()
            self.hands.append(_Hand(actor, actor.begin.remote(self.shared, VERSION, self.environment)))

    def _hand_out(self) -> None:
        """Give every worker that is ready a job, then each a second one."""
        for share in range(1, IN_HAND + 1):
            for hand in self.hands:
                if hand.node and self.waiting and len(hand.jobs) < share and self._may_join(hand):
                    job = self.waiting.popleft()
                    hand.jobs.append((hand.actor.do.remote(job.item), job))

    def _may_join(self, hand: _Hand) -> bool:
        """Whether the next job may be given to a worker beside what it has."""
        return not hand.jobs or not (hand.jobs[0][1].alone or self.waiting[0].alone)

    def _settled(self, hand: _Hand, promise: Any) -> Iterator[Any]:
        """What a promise came to: a worker that is ready, a record, or a worker that was lost."""
        errors = self.ray.exceptions
        try:
            found = self.ray.get(promise)
        except errors.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except (errors.RayActorError, errors.OutOfMemoryError, errors.WorkerCrashedError) as error:
            yield from self._lost(hand, error)
            return
        if isinstance(found, VasariError):
            raise found
        if not hand.node:
            hand.node = str(found)
            return
        self.false_starts = 0
        hand.jobs.popleft()
        yield found

    def _lost(self, hand: _Hand, error: Exception) -> Iterator[Any]:
        """Let a lost worker go; its jobs are done again, alone, but for one that was lost alone too often."""
        self.ray.kill(hand.actor)
        self.hands.remove(hand)
        if not hand.node:
            self.false_starts += 1
            if self.false_starts >= FALSE_STARTS:
                raise PlanError(
                    f"Workers of the cluster end before they are ready: {in_a_line(error)}.",
                    remedy="see Ray's logs on its machines; give workers more memory, or use fewer with --workers",
                ) from error
            return
        jobs = [job for _, job in hand.jobs]
        if self._is_alive(hand.node):  # a machine that is gone is no fault of the items
            for job in jobs:
                job.losses += len(jobs) == 1
                job.alone = True
            if jobs and jobs[0].losses >= LOSSES:
                given_up = jobs.pop(0)
                yield self.assignment.lost(given_up.item, _why(error, given_up.losses))
        self.waiting.extendleft(reversed(jobs))

    def _is_alive(self, node: str) -> bool:
        return any(one["NodeID"] == node and one["Alive"] for one in self.ray.nodes())

    def _check_patience(self) -> None:
        if any(one.node for one in self.hands) or not self.hands:
            self.ready_at = time.monotonic()
        elif time.monotonic() - self.ready_at > PATIENCE_S:
            raise PlanError(
                f"The cluster gave no worker in {PATIENCE_S:.0f} s.",
                remedy="see with 'ray status' whether it has free CPUs (and GPUs, where they are asked for)",
            )


class Worker:
    """A process of the cluster that does the jobs of one assignment, one after the other."""

    def __init__(self) -> None:
        self.work: Any = None

    def begin(self, assignment: Assignment, version: str, environment: Mapping[str, str]) -> str | VasariError:
        """Make the assignment ready; the machine it is on, or why it cannot be."""
        if version != VERSION:
            return PlanError(
                f"A worker has Vasari {VERSION}, this machine {version}.", remedy="install one version everywhere"
            )
        os.environ.update(environment)
        try:
            self.work = assignment.ready()
        except VasariError as error:
            return error
        return str(imported().get_runtime_context().get_node_id())

    def do(self, item: Any) -> Any:
        """The record of an item."""
        return self.work(item)


def _why(error: Exception, losses: int) -> WorkerLostError:
    return WorkerLostError(
        f"It ended {losses} workers that had it in work: {in_a_line(error)}.",
        remedy="see whether it fits in a worker's memory, or treat it alone with --engine local",
    )


def _at_most(items: Iterator[Any], count: int) -> Iterator[Any]:
    """The next items, as many as `count`."""
    for _ in range(count):
        try:
            yield next(items)
        except StopIteration:
            return


def _chained(first: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    yield from first
    yield from rest

"""The queue of jobs in the workbench's database: any number of processes put in and take out, nothing is lost."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from vasari.archive.workbench import jobs
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.jobs import Job, Order, State
from vasari.archive.workbench.schema import JOBS
from vasari.foundation.errors import ArchiveError, PlanError

LEASE_S = 60.0
PAGE = 50
LARGEST_PAGE = 500
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class Page:
    """Jobs, newest first, and what to give as `before` for those after them; None at the end."""

    jobs: list[Job]
    next: str | None


@dataclass(frozen=True, eq=False)
class Queue:
    """The jobs of a workbench. `clock` gives seconds since 1970; workers on several machines need clocks that agree
    to within a few seconds."""

    database: WorkbenchDatabase
    clock: Callable[[], float] = time.time

    def submit(self, order: Order) -> tuple[Job, bool]:
        """The job of an order, and True where something is to be done for it that was not.

        Where a job of the same key waits, runs or is done, it is that one; where it failed or was cancelled it is
        tried afresh.
        """
        now = self.clock()
        row = jobs.ordered(order, jobs.new_id(now), now)
        with self.database.writing() as connection:
            insert = _INSERTS[connection.dialect.name](JOBS).on_conflict_do_nothing(index_elements=["key"])
            connection.execute(insert, [row])
            job = _locked(connection, JOBS.c.key == order.key)
            if job is None:
                raise ArchiveError("A job vanished while it was put in.", remedy="submit it again")
            if job.id == row["id"]:
                return job, True
            if job.state in (State.FAILED, State.CANCELLED):
                return _changed(connection, job, jobs.afresh(order, now), now), True
            if job.cancel_wanted:
                return _changed(connection, job, {"cancel_wanted": False}, now), True
            return job, False

    def get(self, id: str) -> Job:
        """A job as it stands; raises `ArchiveError` where there is none."""
        with self.database.reading() as connection:
            return _found(_one(connection, select(JOBS).where(JOBS.c.id == id)), id)

    def page(
        self,
        *,
        limit: int = PAGE,
        before: str | None = None,
        state: State | None = None,
        owner: str | None = None,
        operation: str | None = None,
    ) -> Page:
        """Jobs, newest first, those that came before `before`; raises `PlanError` for a limit beyond 1..500."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise PlanError(f"limit={limit}.", remedy=f"ask for 1 to {LARGEST_PAGE} jobs at a time")
        query = select(JOBS).order_by(JOBS.c.id.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(JOBS.c.id < before)
        for column, value in ((JOBS.c.state, state), (JOBS.c.owner, owner), (JOBS.c.operation, operation)):
            if value is not None:
                query = query.where(column == value)
        with self.database.reading() as connection:
            found = [Job.from_row(dict(row)) for row in connection.execute(query).mappings()]
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        query = select(JOBS.c.state, func.count()).group_by(JOBS.c.state)
        with self.database.reading() as connection:
            found = {str(state): int(count) for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in State}

    def changed_since(self, when: float, limit: int = LARGEST_PAGE) -> list[Job]:
        """Jobs that changed at `when` or later, the earliest first."""
        query = select(JOBS).where(JOBS.c.changed >= when).order_by(JOBS.c.changed, JOBS.c.id).limit(limit)
        with self.database.reading() as connection:
            return [Job.from_row(dict(row)) for row in connection.execute(query).mappings()]

    def cancel(self, id: str) -> Job:
        """Cancel a job: at once where it waits, through its worker where it runs; one that ended stays as it is."""
        now = self.clock()
        with self.database.writing() as connection:
            job = _found(_locked(connection, JOBS.c.id == id), id)
            if job.state == State.QUEUED:
                return _changed(connection, job, jobs.cancelled(now), now)
            if job.state == State.RUNNING and not job.cancel_wanted:
                return _changed(connection, job, {"cancel_wanted": True}, now)
            return job

    def retry(self, id: str) -> Job:
        """Try a job again that failed or was cancelled; raises `PlanError` for another."""
        now = self.clock()
        with self.database.writing() as connection:
            job = _found(_locked(connection, JOBS.c.id == id), id)
            if job.state not in (State.FAILED, State.CANCELLED):
                raise PlanError(f"The job is {job.state}.", remedy="retry jobs that failed or were cancelled")
            return _changed(connection, job, jobs.retried(now), now)

    def do_again(self, id: str) -> Job:
        """Do a job again that is done, where its results are gone; others stay as they are."""
        now = self.clock()
        with self.database.writing() as connection:
            job = _found(_locked(connection, JOBS.c.id == id), id)
            return _changed(connection, job, jobs.retried(now), now) if job.state == State.DONE else job

    def take(self, worker: str, lease_s: float = LEASE_S, operations: tuple[str, ...] = ()) -> Job | None:
        """Take the next job for so long; None where none waits. Jobs whose lease ran out are taken back first.

        The job's `lease` goes with every report on it. With `operations`, only jobs of these.
        """
        now = self.clock()
        if not self._is_anything_due(now):
            return None  # without a lock: an idle worker hinders nobody
        with self.database.writing() as connection:
            _take_back(connection, now)
            due = and_(JOBS.c.state == State.QUEUED, JOBS.c.not_before <= now)
            if operations:
                due = and_(due, JOBS.c.operation.in_(operations))
            job = _locked(connection, due, skip=True)
            if job is None:
                return None
            return _changed(connection, job, jobs.taken(job, worker, secrets.token_hex(16), now + lease_s, now), now)

    def report(
        self,
        job: Job,
        lease_s: float = LEASE_S,
        *,
        done: float | None = None,
        total: float | None = None,
        words: str | None = None,
    ) -> Job | None:
        """Say that a job is still worked on, and how far; the job as it stands.

        None where the lease was lost: what is made must then be thrown away. `cancel_wanted` says to stop.
        """
        said = {"done": done, "total": total, "words": words}
        values = {name: value for name, value in said.items() if value is not None}

        def change(job: Job, now: float) -> dict[str, Any]:
            return {"lease_until": now + lease_s, **values}

        return self._reported(job, change, quietly=not values)

    def finish(self, job: Job, result: Mapping[str, Any]) -> Job | None:
        """Say that a job is done; None where the lease was lost. Said twice it is as said once."""
        return self._reported(job, lambda _, now: jobs.finished(result, now))

    def fail(self, job: Job, what: str, remedy: str, *, again: bool) -> Job | None:
        """Say that a try failed, and whether another may do better; None where the lease was lost."""
        return self._reported(job, lambda found, now: jobs.failed(found, what, remedy, now, again=again))

    def give_back(self, job: Job) -> Job | None:
        """Let go of a job that was not finished, or was stopped because that was wanted; None where it was lost."""
        return self._reported(job, jobs.given_back)

    def _reported(
        self, job: Job, change: Callable[[Job, float], dict[str, Any]], *, quietly: bool = False
    ) -> Job | None:
        now = self.clock()
        with self.database.writing() as connection:
            found = _locked(connection, JOBS.c.id == job.id)
            if found is None or job.lease is None or found.lease != job.lease:
                return None
            if found.state == State.DONE:
                return found
            return _changed(connection, found, change(found, now), now, quietly=quietly)

    def _is_anything_due(self, now: float) -> bool:
        waits = and_(JOBS.c.state == State.QUEUED, JOBS.c.not_before <= now)
        lost = and_(JOBS.c.state == State.RUNNING, JOBS.c.lease_until < now)
        with self.database.reading() as connection:
            return connection.execute(select(JOBS.c.id).where(or_(waits, lost)).limit(1)).first() is not None


def _take_back(connection: Connection, now: float) -> None:
    """Queue the jobs of workers that were lost again, or end them where that was often enough."""
    query = select(JOBS).where(JOBS.c.state == State.RUNNING, JOBS.c.lease_until < now)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    for row in connection.execute(query).mappings().all():
        job = Job.from_row(dict(row))
        _changed(connection, job, jobs.lost(job, now), now)


def _locked(connection: Connection, condition: ColumnElement[bool], *, skip: bool = False) -> Job | None:
    """The first job of a condition by priority and age, which nobody else changes until the transaction ends.

    With `skip` jobs that another has locked are passed over.
    """
    query = select(JOBS).where(condition).order_by(JOBS.c.priority.desc(), JOBS.c.id).limit(1)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=skip)
    return _one(connection, query)


def _one(connection: Connection, query: Select[Any]) -> Job | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else Job.from_row(dict(row))


def _found(job: Job | None, id: str) -> Job:
    if job is None:
        raise ArchiveError(f"There is no job {id[:40]}.", remedy="see the list of jobs")
    return job


def _changed(connection: Connection, job: Job, values: Mapping[str, Any], now: float, *, quietly: bool = False) -> Job:
    """Write what changes; `quietly` without telling those who watch."""
    told = {} if quietly else {"changed": now, "version": job.version + 1}
    connection.execute(update(JOBS).where(JOBS.c.id == job.id).values({**values, **told}))
    return Job.from_row({**_values(job), **values, **told})


def _values(job: Job) -> dict[str, Any]:
    return {column.name: getattr(job, column.name) for column in JOBS.columns}

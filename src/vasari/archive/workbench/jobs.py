"""A job: what it is, what it may become next, and how long it waits; all pure, times in seconds since 1970."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from vasari.foundation.errors import PlanError
from vasari.foundation.pace import seconds_left

ATTEMPTS_ALLOWED = 4
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 600.0
PRIORITIES = (-100, 100)


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True where nothing happens any more unless somebody asks for it."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Order:
    """What is asked for: an operation with its fields as plain values, its inputs, and who wants it.

    `key` says what work it is: orders of the same key are one job. Higher priorities go first.
    """

    operation: str
    key: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[Mapping[str, Any]] = ()
    owner: str = ""
    priority: int = 0
    attempts_allowed: int = ATTEMPTS_ALLOWED

    def __post_init__(self) -> None:
        if not PRIORITIES[0] <= self.priority <= PRIORITIES[1]:
            raise PlanError(
                f"The priority is {self.priority}.", remedy=f"use {PRIORITIES[0]} (last) to {PRIORITIES[1]} (first)"
            )


@dataclass(frozen=True)
class Job:
    """A job as it stands; the fields are those of the table `workbench_jobs`."""

    id: str
    key: str
    operation: str
    fields: dict[str, Any]
    inputs: list[dict[str, Any]]
    owner: str
    priority: int
    state: State
    attempts: int
    attempts_allowed: int
    not_before: float
    lease: str | None
    lease_until: float | None
    worker: str
    cancel_wanted: bool
    done: float
    total: float
    words: str
    result: dict[str, Any]
    error: dict[str, Any]
    created: float
    started: float | None
    ended: float | None
    changed: float
    version: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """A row of the table as a job."""
        return cls(**{**row, "state": State(row["state"])})

    @property
    def share(self) -> float:
        """How much is done, 0..1."""
        if self.state == State.DONE:
            return 1.0
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    def seconds_left(self, now: float) -> float | None:
        """How long the rest takes at the speed so far; None where that is not known yet."""
        if self.state != State.RUNNING or self.started is None:
            return None
        return seconds_left(now - self.started, self.done, self.total)


def key_of(operation: str, contents: Sequence[str], plan: str, models: str) -> str:
    """What says that two orders are the same work: SHA-256 of the operation and the digests of all it depends on.

    `contents` are hashes of the inputs in order, `plan` and `models` are digests.
    """
    whole = json.dumps([operation, list(contents), plan, models], separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


def new_id(now: float) -> str:
    """An id that sorts by time: 12 hexadecimal digits of milliseconds, 12 by chance."""
    return f"{int(now * 1000):012x}{secrets.token_hex(6)}"


def wait_s(attempts: int) -> float:
    """Seconds until the next try after so many: 5, 10, 20, ... and never more than ten minutes."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** max(0, attempts - 1))


def ordered(order: Order, id: str, now: float) -> dict[str, Any]:
    """The row of a new job."""
    return {
        "id": id, "key": order.key, "operation": order.operation, "fields": dict(order.fields),
        "inputs": [dict(one) for one in order.inputs], "owner": order.owner, "priority": order.priority,
        "attempts_allowed": order.attempts_allowed, "created": now, "changed": now, "version": 1,
        **_FRESH, "not_before": now,
    }  # fmt: skip


#: What is so of a job that nobody has begun.
_FRESH: dict[str, Any] = {
    "state": State.QUEUED, "attempts": 0, "lease": None, "lease_until": None, "worker": "", "cancel_wanted": False,
    "done": 0.0, "total": 0.0, "words": "", "result": {}, "error": {}, "started": None, "ended": None,
}  # fmt: skip


def afresh(order: Order, now: float) -> dict[str, Any]:
    """What changes where a job that failed or was cancelled is asked for again."""
    return {
        **_FRESH,
        "not_before": now,
        "priority": order.priority,
        "owner": order.owner,
        "fields": dict(order.fields),
        "inputs": [dict(one) for one in order.inputs],
    }


def retried(now: float) -> dict[str, Any]:
    """What changes where a job that ended is tried once more as it is."""
    return {**_FRESH, "not_before": now}


def taken(job: Job, worker: str, lease: str, until: float, now: float) -> dict[str, Any]:
    """What changes where a worker takes a job."""
    return {
        "state": State.RUNNING, "worker": worker, "lease": lease, "lease_until": until, "attempts": job.attempts + 1,
        "started": now, "done": 0.0, "total": 0.0, "words": "", "error": {},
    }  # fmt: skip


def finished(result: Mapping[str, Any], now: float) -> dict[str, Any]:
    """What changes where a job is done."""
    return {
        "state": State.DONE, "result": dict(result), "error": {}, "lease_until": None, "ended": now, "words": "",
        "cancel_wanted": False,
    }  # fmt: skip


def failed(job: Job, what: str, remedy: str, now: float, *, again: bool) -> dict[str, Any]:
    """What changes where a try failed: with `again` it waits for the next while there are any, else it has failed."""
    if job.cancel_wanted:
        return cancelled(now)
    error = {"what": what, "remedy": remedy}
    if again and job.attempts < job.attempts_allowed:
        return {
            "state": State.QUEUED, "error": error, "lease": None, "lease_until": None, "worker": "",
            "not_before": now + wait_s(job.attempts),
        }  # fmt: skip
    return {"state": State.FAILED, "error": error, "lease": None, "lease_until": None, "ended": now}


def given_back(job: Job, now: float) -> dict[str, Any]:
    """What changes where a worker that stops in peace gives a job back: it was no try."""
    if job.cancel_wanted:
        return cancelled(now)
    return {
        "state": State.QUEUED, "lease": None, "lease_until": None, "worker": "", "not_before": now,
        "attempts": max(0, job.attempts - 1),
    }  # fmt: skip


def cancelled(now: float) -> dict[str, Any]:
    """What changes where a job is cancelled and nobody works on it."""
    return {"state": State.CANCELLED, "lease": None, "lease_until": None, "cancel_wanted": False, "ended": now}


def lost(job: Job, now: float) -> dict[str, Any]:
    """What changes where the worker of a job was not heard of until its lease ran out: it waited long enough."""
    changes = failed(
        job,
        f"The worker {job.worker} was lost over this job; it was tried {job.attempts} times.",
        "see the worker's log, most often the memory was not enough; then retry the job",
        now,
        again=True,
    )
    return {**changes, "not_before": now}

"""Who did what, and when: log-ins and their failures, accounts, tokens, roles, jobs, edits. Rows are never changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from vasari.archive.workbench.accounts_schema import AUDIT
from vasari.archive.workbench.database import WorkbenchDatabase

#: Every event there is, and what it means.
EVENTS = {
    "log-in": "somebody logged in",
    "log-in failed": "a name and a password did not fit",
    "log-in throttled": "too many tries; the password was not looked at",
    "log-out": "somebody logged out",
    "account added": "an account was made",
    "account removed": "an account was taken away, with its sessions and tokens",
    "account enabled": "an account may log in again",
    "account disabled": "an account may no longer log in",
    "password changed": "a password was replaced; other sessions ended",
    "role changed": "an account got another role",
    "token made": "a token for programs was made",
    "token revoked": "a token for programs was revoked",
    "job submitted": "work was asked for",
    "job cancelled": "work was called off",
    "upload": "a file was sent in",
    "work edited": "what is known of a work was changed",
}


@dataclass(frozen=True)
class Entry:
    """A row of the audit; `at` is seconds since 1970."""

    id: int
    at: float
    who: str
    address: str
    event: str
    object: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Audit:
    """The audit of a workbench."""

    database: WorkbenchDatabase
    clock: Callable[[], float] = time.time

    def note(
        self, who: str, event: str, object: str = "", detail: Mapping[str, Any] | None = None, address: str = ""
    ) -> None:
        """Write down that `who` did something; `event` is one of `EVENTS`."""
        with self.database.writing() as connection:
            note(connection, self.clock(), who, event, object, detail, address)

    def page(self, *, before: int | None = None, limit: int = 100, event: str = "", who: str = "") -> list[Entry]:
        """The latest entries, newest first; `before` is the id of the last one that was seen."""
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(min(max(limit, 1), 1000))
        if before is not None:
            query = query.where(AUDIT.c.id < before)
        if event:
            query = query.where(AUDIT.c.event == event)
        if who:
            query = query.where(AUDIT.c.who == who)
        with self.database.reading() as connection:
            return [Entry(**row) for row in connection.execute(query).mappings()]


def note(
    connection: Connection,
    at: float,
    who: str,
    event: str,
    object: str = "",
    detail: Mapping[str, Any] | None = None,
    address: str = "",
) -> None:
    """As `Audit.note`, within a transaction: what is written down happens together with it, or not at all."""
    if event not in EVENTS:
        raise ValueError(f"{event!r} is no event of the audit")
    values = {"at": at, "who": who[:200], "address": address[:64], "event": event, "object": object[:2000]}
    connection.execute(insert(AUDIT), {**values, "detail": dict(detail or {})})

"""Log-ins: a name and a password become a session, whose secret only the browser has."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, insert, or_, select, update

from vasari.archive.workbench import passwords, throttle
from vasari.archive.workbench.accounts import Account, kept_password
from vasari.archive.workbench.accounts_schema import ACCOUNTS, SESSIONS
from vasari.archive.workbench.audit import note
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.roles import GIVEN
from vasari.archive.workbench.secrets_kept import digest_of, new_secret
from vasari.foundation.errors import VasariError

#: A visit is written down at most so often.
SEEN_EVERY_S = 60.0


class LogInError(VasariError):
    """A log-in that did not succeed; `wait_s` is how long one must wait before the next."""

    def __init__(self, message: str, *, remedy: str, wait_s: float = 0.0) -> None:
        super().__init__(message, remedy=remedy)
        self.wait_s = wait_s


@dataclass(frozen=True)
class SessionFacts:
    """A session as its owner sees it in a list; times are seconds since 1970."""

    id: str
    agent: str
    created: float
    seen: float


@dataclass(frozen=True)
class Sessions:
    """The sessions of a workbench. They end after `idle_s` seconds without a visit, and after `longest_s` at last."""

    database: WorkbenchDatabase
    idle_s: float
    longest_s: float
    clock: Callable[[], float] = time.time

    def log_in(self, name: str, password: str, *, address: str = "", agent: str = "") -> str:
        """The secret of a new session; what the browser had before is never made valid.

        Raises `LogInError`, which does not say whether there is such an account.
        """
        name, now = name.strip().lower(), self.clock()
        with self.database.writing() as connection:
            wait = throttle.attempt(connection, name, address, now)
            if wait > 0:
                note(connection, now, name, "log-in throttled", address=address)
            kept = kept_password(connection, name)
        if wait > 0:
            raise LogInError("There were too many tries.", remedy=f"wait {round(wait + 0.5)} seconds", wait_s=wait)
        if not passwords.fits(password, kept):
            with self.database.writing() as connection:
                note(connection, now, name, "log-in failed", address=address)
            raise LogInError("This name and this password do not go together.", remedy="check both and try again")
        return self._begin(name, password, str(kept), address, agent)

    def _begin(self, name: str, password: str, kept: str, address: str, agent: str) -> str:
        secret, now = new_secret(), self.clock()
        newer = passwords.hashed(password) if passwords.is_outdated(kept) else None
        row = {"digest": digest_of(secret), "account": name, "agent": agent[:200]}
        with self.database.writing() as connection:
            if kept_password(connection, name) != kept:  # it was changed or taken away while we looked
                raise LogInError("This account was changed just now.", remedy="try again")
            if newer is not None:
                connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(password=newer))
            throttle.forgive(connection, name, address)
            over = or_(SESSIONS.c.ends <= now, SESSIONS.c.seen <= now - self.idle_s)
            connection.execute(delete(SESSIONS).where(over))
            connection.execute(insert(SESSIONS), {**row, "created": now, "seen": now, "ends": now + self.longest_s})
            note(connection, now, name, "log-in", address=address)
        return secret

    def account(self, secret: str, *, is_visit: bool = True) -> Account | None:
        """Whose session it is; None for one that is over, or never was. Where it `is_visit`, it lives on by it."""
        now, digest = self.clock(), digest_of(secret)
        query = select(SESSIONS.c.seen, ACCOUNTS).join(ACCOUNTS, ACCOUNTS.c.name == SESSIONS.c.account)
        live = (SESSIONS.c.ends > now, SESSIONS.c.seen > now - self.idle_s, ACCOUNTS.c.enabled)
        with self.database.reading() as connection:
            row = connection.execute(query.where(SESSIONS.c.digest == digest, *live)).mappings().first()
        if row is None:
            return None
        if is_visit and row["seen"] < now - SEEN_EVERY_S:
            with self.database.writing() as connection:
                connection.execute(update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen=now))
        return Account(row["name"], GIVEN[row["role"]], row["enabled"], row["created"])

    def log_out(self, secret: str, *, address: str = "") -> None:
        """End a session; nothing happens where it is over already."""
        digest = digest_of(secret)
        with self.database.writing() as connection:
            row = connection.execute(select(SESSIONS.c.account).where(SESSIONS.c.digest == digest)).first()
            connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest))
            if row is not None:
                note(connection, self.clock(), row.account, "log-out", address=address)

    def end_others(self, account: str, secret: str) -> None:
        """End every session of an account but this one."""
        others = (SESSIONS.c.account == account, SESSIONS.c.digest != digest_of(secret))
        with self.database.writing() as connection:
            connection.execute(delete(SESSIONS).where(*others))
            note(connection, self.clock(), account, "log-out", "other sessions")

    def of(self, account: str) -> list[SessionFacts]:
        """The live sessions of an account, the latest first."""
        now = self.clock()
        live = (SESSIONS.c.ends > now, SESSIONS.c.seen > now - self.idle_s)
        query = select(SESSIONS).where(SESSIONS.c.account == account, *live).order_by(SESSIONS.c.seen.desc())
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return [SessionFacts(row.digest[:12], row.agent, row.created, row.seen) for row in rows]

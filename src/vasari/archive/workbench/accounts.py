"""The accounts of a workbench: names, passwords and roles."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from vasari.archive.workbench import passwords
from vasari.archive.workbench.accounts_schema import ACCOUNTS, SESSIONS, TOKENS
from vasari.archive.workbench.audit import note
from vasari.archive.workbench.database import WorkbenchDatabase, lock_out_others
from vasari.archive.workbench.roles import GIVEN, Role
from vasari.foundation.errors import ArchiveError, PlanError

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
#: The one person of a machine who needs no account; nobody else may be called so.
LOCAL = "local"


@dataclass(frozen=True)
class Account:
    """Somebody who may log in; `created` is seconds since 1970."""

    name: str
    role: Role
    enabled: bool
    created: float


@dataclass(frozen=True)
class Accounts:
    """The accounts. `by` is who makes a change; it is written down with it."""

    database: WorkbenchDatabase
    clock: Callable[[], float] = time.time

    def add(self, name: str, password: str, role: Role, *, by: str) -> Account:
        """Make an account; raises `PlanError` for a name that is taken or not allowed, or a short password."""
        name = checked_name(name)
        _check_role(role)
        account = Account(name, role, True, self.clock())
        row = {"name": name, "role": role.word, "enabled": True, "created": account.created}
        kept = passwords.hashed(password)
        try:
            with self.database.writing() as connection:
                if _row(connection, name) is not None:
                    raise _taken(name)
                connection.execute(insert(ACCOUNTS), {**row, "password": kept})
                note(connection, self.clock(), by, "account added", name, {"role": role.word})
        except IntegrityError as error:
            raise _taken(name) from error
        return account

    def list(self) -> list[Account]:
        """All accounts, by name."""
        with self.database.reading() as connection:
            rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name)).mappings().all()
        return [_account(row) for row in rows]

    def get(self, name: str) -> Account:
        """An account; raises `ArchiveError` where there is none of that name."""
        with self.database.reading() as connection:
            return _found(connection, name)

    def are_there(self) -> bool:
        """True where at least one account can log in."""
        with self.database.reading() as connection:
            return connection.execute(select(ACCOUNTS.c.name).where(ACCOUNTS.c.enabled).limit(1)).first() is not None

    def set_role(self, name: str, role: Role, *, by: str) -> Account:
        """Give another role, from the next request on; raises `PlanError` where no admin would be left."""
        _check_role(role)
        with self.database.writing() as connection:
            lock_out_others(connection)
            before = _found(connection, name)
            if before.role is Role.ADMIN and role is not Role.ADMIN:
                _check_an_admin_is_left(connection, name)
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(role=role.word))
            detail = {"before": before.role.word, "after": role.word}
            note(connection, self.clock(), by, "role changed", name, detail)
            return _found(connection, name)

    def set_enabled(self, name: str, enabled: bool, *, by: str) -> Account:
        """Let an account log in, or end its sessions and let it no more; its tokens wait with it."""
        with self.database.writing() as connection:
            lock_out_others(connection)
            before = _found(connection, name)
            if not enabled and before.role is Role.ADMIN:
                _check_an_admin_is_left(connection, name)
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(enabled=enabled))
            if not enabled:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.account == name))
            note(connection, self.clock(), by, "account enabled" if enabled else "account disabled", name)
            return _found(connection, name)

    def set_password(self, name: str, password: str, *, by: str) -> None:
        """Replace a password, and end every session of the account."""
        kept = passwords.hashed(password)
        with self.database.writing() as connection:
            _found(connection, name)
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(password=kept))
            connection.execute(delete(SESSIONS).where(SESSIONS.c.account == name))
            note(connection, self.clock(), by, "password changed", name)

    def remove(self, name: str, *, by: str) -> None:
        """Take an account away with its sessions and tokens; what it did stays in the audit."""
        with self.database.writing() as connection:
            lock_out_others(connection)
            if _found(connection, name).role is Role.ADMIN:
                _check_an_admin_is_left(connection, name)
            for table in (SESSIONS, TOKENS):
                connection.execute(delete(table).where(table.c.account == name))
            connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.name == name))
            note(connection, self.clock(), by, "account removed", name)


def checked_name(name: str) -> str:
    """A name as it is kept, in lower case; raises `PlanError` for signs that names do not have."""
    ready = name.strip().lower()
    if not NAME.fullmatch(ready) or ready == LOCAL:
        raise PlanError(
            f"{name[:80]!r} cannot be the name of an account.",
            remedy="use letters a-z, digits and . _ @ + -, at most 64, beginning with a letter or digit; not 'local'",
        )
    return ready


def role_of(word: str) -> Role:
    """A role by its word; raises `PlanError`."""
    if word not in GIVEN:
        raise PlanError(f"{word[:40]!r} is no role.", remedy=f"choose from: {', '.join(GIVEN)}")
    return GIVEN[word]


def kept_password(connection: Connection, name: str) -> str | None:
    """What is kept of the password of an account that may log in; None for any other name."""
    row = _row(connection, name)
    return str(row["password"]) if row is not None and row["enabled"] else None


def _check_role(role: Role) -> None:
    if role is Role.PUBLIC:
        raise PlanError("An account cannot have the role public.", remedy=f"choose from: {', '.join(GIVEN)}")


def _check_an_admin_is_left(connection: Connection, besides: str) -> None:
    query = select(func.count()).where(
        ACCOUNTS.c.role == Role.ADMIN.word, ACCOUNTS.c.enabled, ACCOUNTS.c.name != besides
    )
    if not connection.execute(query).scalar_one():
        raise PlanError(f"{besides} is the last admin.", remedy="make another account an admin first")


def _row(connection: Connection, name: str) -> RowMapping | None:
    return connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).mappings().first()


def _found(connection: Connection, name: str) -> Account:
    row = _row(connection, name)
    if row is None:
        raise ArchiveError(f"There is no account {name[:80]!r}.", remedy="see them with: vasari accounts list")
    return _account(row)


def _account(row: RowMapping) -> Account:
    return Account(row["name"], GIVEN[row["role"]], row["enabled"], row["created"])


def _taken(name: str) -> PlanError:
    return PlanError(f"There is an account {name!r} already.", remedy="choose another name, or change its password")

"""Tokens of the API: shown once, kept as digests, bound to a role, revocable."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import RowMapping, delete, insert, or_, select, update

from vasari.archive.workbench.accounts import Account
from vasari.archive.workbench.accounts_schema import ACCOUNTS, TOKENS
from vasari.archive.workbench.audit import note
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.roles import GIVEN, Role
from vasari.archive.workbench.secrets_kept import digest_of, new_secret
from vasari.foundation.errors import ArchiveError, PlanError

#: What a token begins with, so that programs which look for leaked secrets find it.
PREFIX = "vasari_"
MOST = 50
SEEN_EVERY_S = 60.0


@dataclass(frozen=True)
class Token:
    """A token as its owner sees it; `hint` is how its secret begins. Times are seconds since 1970."""

    id: str
    account: str
    label: str
    hint: str
    role: Role
    created: float
    used: float | None
    ends: float | None


@dataclass(frozen=True)
class Tokens:
    """The tokens of a workbench."""

    database: WorkbenchDatabase
    clock: Callable[[], float] = time.time

    def make(self, account: Account, label: str, role: Role, days: float | None = None) -> tuple[Token, str]:
        """A token and its secret, which is told now and never again.

        Raises `PlanError` for a role above the account's, an empty label, or too many tokens.
        """
        if role is Role.PUBLIC or role > account.role:
            raise PlanError(f"{account.name} is {account.role.word}.", remedy="choose that role or a lower one")
        if not 1 <= len(label.strip()) <= 100:
            raise PlanError("A token needs a label of 1 to 100 signs.", remedy="say what it is for")
        if days is not None and not 0 < days <= 3650:
            raise PlanError(f"A token cannot last {days} days.", remedy="choose 1 to 3650, or none")
        secret, now = PREFIX + new_secret(), self.clock()
        ends = None if days is None else now + days * 86400
        hint = secret[: len(PREFIX) + 4]
        token = Token(secrets.token_hex(8), account.name, label.strip(), hint, role, now, None, ends)
        row = {"id": token.id, "digest": digest_of(secret), "account": account.name, "label": token.label}
        row |= {"hint": hint, "role": role.word}
        with self.database.writing() as connection:
            if len(connection.execute(select(TOKENS.c.id).where(TOKENS.c.account == account.name)).all()) >= MOST:
                raise PlanError(f"{account.name} has {MOST} tokens already.", remedy="revoke those not used any more")
            connection.execute(insert(TOKENS), {**row, "created": now, "used": None, "ends": ends})
            note(connection, now, account.name, "token made", token.id, {"label": token.label, "role": role.word})
        return token, secret

    def of(self, account: str) -> list[Token]:
        """The tokens of an account, the newest first."""
        query = select(TOKENS).where(TOKENS.c.account == account).order_by(TOKENS.c.created.desc())
        with self.database.reading() as connection:
            return [_token(row) for row in connection.execute(query).mappings()]

    def revoke(self, id: str, account: str, *, by: str) -> None:
        """Take a token of an account away, from the next request on; raises `ArchiveError` where there is none."""
        with self.database.writing() as connection:
            gone = connection.execute(delete(TOKENS).where(TOKENS.c.id == id, TOKENS.c.account == account))
            if not gone.rowcount:
                raise ArchiveError(f"There is no token {id[:20]}.", remedy="load the page anew")
            note(connection, self.clock(), by, "token revoked", id)

    def bearer(self, secret: str) -> Account | None:
        """Who shows a token: its account, with the lower of the two roles; None for one that is not valid."""
        now, digest = self.clock(), digest_of(secret)
        live = (or_(TOKENS.c.ends.is_(None), TOKENS.c.ends > now), ACCOUNTS.c.enabled)
        own = TOKENS.c.role.label("token_role")
        query = select(ACCOUNTS, own, TOKENS.c.used).join(ACCOUNTS, ACCOUNTS.c.name == TOKENS.c.account)
        with self.database.reading() as connection:
            row = connection.execute(query.where(TOKENS.c.digest == digest, *live)).mappings().first()
        if row is None:
            return None
        if row["used"] is None or row["used"] < now - SEEN_EVERY_S:
            with self.database.writing() as connection:
                connection.execute(update(TOKENS).where(TOKENS.c.digest == digest).values(used=now))
        role = min(GIVEN[row["role"]], GIVEN[row["token_role"]])
        return Account(row["name"], role, row["enabled"], row["created"])


def _token(row: RowMapping) -> Token:
    values = {key: row[key] for key in ("id", "account", "label", "hint", "created", "used", "ends")}
    return Token(role=GIVEN[row["role"]], **values)

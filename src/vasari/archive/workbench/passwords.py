"""Passwords: hashed with argon2id (RFC 9106), compared in constant time, never kept."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from vasari.foundation.errors import MissingExtraError, PlanError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 200
#: Each hash takes 64 MiB: no flood of log-ins may take the memory.
_AT_ONCE = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """A password as it is kept: argon2id with its salt and parameters; raises `PlanError` for one that is too short."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PlanError(
            f"The password has {len(password)} characters.", remedy=f"use {SHORTEST} to {LONGEST}; a sentence is good"
        )
    with _AT_ONCE:
        return _hasher().hash(password)


def fits(password: str, kept: str | None) -> bool:
    """True where a password is the one that was kept; takes as long where there is none to compare with."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _AT_ONCE:
        try:
            return _hasher().verify(kept or _stand_in(), password[: LONGEST + 1]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """True for a hash of weaker parameters than today's."""
    return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ModuleNotFoundError as error:
        raise MissingExtraError("accounts", "web") from error
    return PasswordHasher()  # argon2id, 64 MiB, three passes, four lanes: the second choice of RFC 9106


@cache
def _stand_in() -> str:
    return _hasher().hash("nobody has this password")

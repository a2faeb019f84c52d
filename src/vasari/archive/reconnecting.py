"""Databases whose server is away for a while: told apart from what a server refuses, and waited for where safe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from vasari.foundation.errors import UnreachableError

#: How long a server may be away before work ends, in seconds, and how often it is asked for again.
PATIENCE_S, FIRST_PAUSE_S, LONGEST_PAUSE_S = 120.0, 0.1, 5.0
#: PostgreSQL's states that pass: connection exceptions (08), shut down (57P01, 57P02), starting up (57P03).
_STATES = ("08", "57P01", "57P02", "57P03")
#: What refuses to connect for good, which has no state of its own.
_REFUSALS = ("password", "authentication", "does not exist", "pg_hba", "certificate")

T = TypeVar("T")


def is_away(error: DBAPIError) -> bool:
    """True where the server could not be reached or ended the connection, rather than refused what was asked."""
    if error.connection_invalidated:
        return True
    try:
        from psycopg import OperationalError
    except ImportError:
        return False
    if not isinstance(error.orig, OperationalError):
        return False
    state = error.orig.sqlstate
    if state is not None:
        return state.startswith(_STATES)
    return not any(word in str(error.orig).lower() for word in _REFUSALS)


def persistent(step: Callable[[], T], patience_s: float | None = None) -> T:
    """What `step` gives; begun anew while the database's server is away, for at most `patience_s` at a time.

    Only for steps that may be done twice: a transaction whose end was not told may have been kept. Raises
    `UnreachableError` where the server stays away.
    """
    patience_s = PATIENCE_S if patience_s is None else patience_s
    began, pause = time.monotonic(), FIRST_PAUSE_S
    while True:
        try:
            return step()
        except UnreachableError:
            if time.monotonic() - began + pause > patience_s:
                raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

"""Guessing passwords is made slow: after some failures each further try has to wait twice as long.

An attempt is counted before the password is looked at, in one transaction: many at once gain nothing.
"""

from __future__ import annotations

import ipaddress

from sqlalchemy import Connection, delete, insert, select, update

from vasari.archive.workbench.accounts_schema import ATTEMPTS
from vasari.archive.workbench.database import lock_out_others

#: Failures without a wait: of one account, and of one address, behind which many people may sit.
FREE = {"account": 5, "address": 20}
LONGEST_WAIT_S = 900.0
FORGOTTEN_AFTER_S = 86_400.0


def subjects(name: str, address: str) -> list[tuple[str, str]]:
    """What an attempt counts against: kind and key. Addresses of IPv6 count by their network of 64 bits."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if ip.version == 6:
            address = str(ipaddress.ip_network((ip, 64), strict=False))
    except ValueError:
        address = address[:64]
    return [("account", f"account:{name[:100]}"), ("address", f"address:{address}")]


def wait_of(kind: str, failures: int) -> float:
    """Seconds to wait after so many failures: none, then 1, 2, 4 ... up to `LONGEST_WAIT_S`."""
    beyond = failures - FREE[kind]
    return 0.0 if beyond < 0 else min(LONGEST_WAIT_S, 2.0 ** min(beyond, 30))


def attempt(connection: Connection, name: str, address: str, now: float) -> float:
    """Count an attempt; the seconds that one must wait before it is looked at, or 0 for one that goes through."""
    lock_out_others(connection)
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.last < now - FORGOTTEN_AFTER_S))
    keys = subjects(name, address)
    query = select(ATTEMPTS).where(ATTEMPTS.c.subject.in_([key for _, key in keys]))
    known = {row.subject: row for row in connection.execute(query)}
    wait = max((row.until - now for row in known.values()), default=0.0)
    if wait > 0:
        return wait
    for kind, key in keys:
        failures = known[key].failures + 1 if key in known else 1
        values = {"failures": failures, "until": now + wait_of(kind, failures), "last": now}
        if key in known:
            connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.subject == key).values(values))
        else:
            connection.execute(insert(ATTEMPTS).values(subject=key, **values))
    return 0.0


def forgive(connection: Connection, name: str, address: str) -> None:
    """Forget what was counted against an account after a log-in, and take this attempt off its address.

    The address keeps its other failures: who has one account must not try the others from there for nothing.
    """
    (_, account), (kind, network) = subjects(name, address)
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.subject == account))
    row = connection.execute(select(ATTEMPTS).where(ATTEMPTS.c.subject == network)).first()
    if row is not None:
        failures = max(0, row.failures - 1)
        until = 0.0 if wait_of(kind, failures) == 0 else row.until
        changed = {"failures": failures, "until": until}
        connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.subject == network).values(changed))

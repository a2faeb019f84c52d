"""A folder held by one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vasari.foundation.errors import VasariError


@contextmanager
def held(path: Path, *, taken: VasariError, unusable: type[VasariError], called: str) -> Iterator[None]:
    """Hold the lock file `path`, made with its folder; the system frees it when this process dies.

    Raises `taken` where another process holds it, and `unusable` where the folder (`called` so in the message)
    cannot be written to or its file system knows no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a")
    except OSError as error:
        raise _unusable(unusable, called, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise taken from None
        except OSError as error:
            raise _unusable(unusable, called, error) from error
        yield


def _unusable(kind: type[VasariError], called: str, error: OSError) -> VasariError:
    reason = f"{called} cannot be used: {error.strerror or error}."
    return kind(reason, remedy="choose a folder that you may write to, on a file system with locks")

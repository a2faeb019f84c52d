"""Which file an identifier means, asked of the database once for as long as the archive stays as it is."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import select

from vasari.app.web.iiif.masters import file_of
from vasari.archive.schema import WORKS
from vasari.archive.store import Archive
from vasari.archive.writer import Row

REMEMBERED = 4096
#: A change is in the journal before it is committed: so long after it what is read may still be of before.
SETTLED_S = 2.0
#: A commit may take longer than that; what is known wrongly for that reason is forgotten after so long.
LONGEST_S = 30.0

State = tuple[int, int, int]


@dataclass(frozen=True)
class Found:
    """The row of a picture's file, the rights of its work, and when this was read of which state of the archive."""

    row: Row
    rights: str
    state: State
    at: float


class Known:
    """The files of the latest pictures.

    Whatever changes an archive is appended to its journal, on SQLite and on PostgreSQL: a look at the size and time of
    that file tells whether what is known still holds.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, archive: Archive, identifier: str) -> tuple[Row, str]:
        """The row of the file of an identifier, and its work's rights; raises `Refusal` (404) as `file_of` does."""
        state, now = state_of(archive), time.time()
        with self._lock:
            found = self._found.get(identifier)
            if found is not None and found.state == state and now - found.at < LONGEST_S:
                self._found.move_to_end(identifier)
                return found.row, found.rights
        with archive.reading() as connection:
            row = file_of(connection, identifier)
            rights = connection.execute(select(WORKS.c.rights).where(WORKS.c.id == row["work_id"])).scalar() or ""
        if now - state[2] / 1e9 > SETTLED_S:
            self._keep(identifier, Found(row, rights, state, now))
        return row, rights

    def _keep(self, identifier: str, found: Found) -> None:
        with self._lock:
            self._found[identifier] = found
            self._found.move_to_end(identifier)
            while len(self._found) > REMEMBERED:
                self._found.popitem(last=False)


def state_of(archive: Archive) -> State:
    """What changes with every change of an archive; its last item is the time of the change, in ns since 1970."""
    try:
        stat = archive.journal.path.stat()
    except FileNotFoundError:  # nothing was ever written
        return (0, 0, 0)
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)

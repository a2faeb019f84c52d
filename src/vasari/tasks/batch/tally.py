"""How much of a batch is done, and how long the rest will take, as those who watch it tell. Imports no torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vasari.foundation.ledgers import Entry
from vasari.foundation.pace import seconds_left, work_of


class Tally:
    """What a `Watch` is told, added up, in the work of the sources (`pace.work_of`); threads may share it.

    Speed is taken from the first progress on: what comes before it is loading, and what was done by then may be of an
    earlier run. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = 0.0
        self.settled = 0.0
        self.running: dict[Path, float] = {}
        self.clock = clock
        self.lock = threading.Lock()
        self.first: tuple[float, float] | None = None

    def begin(self, work: float) -> None:
        """Count so much more to do."""
        with self.lock:
            self.total += work

    def advance(self, source: Path, share: float, of_work: float) -> float:
        """Note the share 0..1 of a page in work; what is done so far."""
        with self.lock:
            self.running[source] = share * of_work
            if share >= 1.0:
                self.settled += of_work
                self.running.pop(source)
            return self._moved()

    def failed(self, entry: Entry) -> float:
        """Count a page that failed as dealt with: nothing of it is left to wait for; what is done so far."""
        source = Path(entry.source)
        size = entry.source_stamp.bytes if entry.source_stamp else 0
        if not entry.source_stamp:
            with suppress(OSError):
                size = source.stat().st_size
        with self.lock:
            self.running.pop(source, None)
            self.settled = min(self.total, self.settled + work_of(source, size) / max(1, entry.pages))
            return self._moved()

    def seconds_left(self) -> float | None:
        """How long the rest takes at the speed so far; None where that is not known yet."""
        with self.lock:
            if self.first is None:
                return None
            began, before = self.first
            done = self.settled + sum(self.running.values())
            return seconds_left(self.clock() - began, done - before, self.total - before)

    def _moved(self) -> float:
        done = self.settled + sum(self.running.values())
        if self.first is None:
            self.first = (self.clock(), done)
        return done

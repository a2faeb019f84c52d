"""How much of a batch is done, and how long the rest will take, as those who watch it tell. Imports no torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vasari.foundation.ledgers import FAILED, Entry
from vasari.foundation.pace import seconds_left, work_of


class Tally:
    """What a `Watch` is told, added up, in the work of the sources (`pace.work_of`); threads may share it.

    Each page counts once: what is told of it after its last row, that it is done or that it failed all the same, adds
    nothing. Speed is taken from the first progress on: what comes before it is loading, and what was done by then may
    be of an earlier run. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = 0.0
        self.settled = 0.0
        #: Of each page in work, by source and page: how much is done of how much.
        self.running: dict[tuple[Path, int], tuple[float, float]] = {}
        #: Pages that went to their last row, and of which it is not yet told what became of them.
        self.ending: set[tuple[Path, int]] = set()
        self.clock = clock
        self.lock = threading.Lock()
        self.first: tuple[float, float] | None = None

    def begin(self, work: float) -> None:
        """Count so much more to do."""
        with self.lock:
            self.total += work

    def advance(self, source: Path, page: int, share: float, of_work: float) -> float:
        """Note the share 0..1 of a page in work; what is done so far."""
        key = (source, page)
        with self.lock:
            if key in self.ending:
                return self._moved()
            self.running[key] = (share * of_work, of_work)
            if share >= 1.0:
                del self.running[key]
                self.ending.add(key)
                self._settle(of_work)
            return self._moved()

    def found(self, entry: Entry) -> float:
        """Count a page that turned out to be done before, which says nothing of the speed; what is done so far."""
        work = _work_of(entry)
        with self.lock:
            self._settle(work)
            if self.first is not None:
                began, before = self.first
                self.first = (began, before + work)
            return self._moved()

    def finished(self, entry: Entry) -> float:
        """Count what was not yet counted of a page that is done or failed: nothing of it is left to wait for.

        Returns what is done so far.
        """
        key, work = (Path(entry.source), entry.page), _work_of(entry) if entry.status == FAILED else 0.0
        with self.lock:
            if key in self.ending:
                self.ending.remove(key)
                return self._moved()
            _, of_work = self.running.pop(key, (0.0, work))
            self._settle(of_work)
            return self._moved()

    def seconds_left(self) -> float | None:
        """How long the rest takes at the speed so far; None where that is not known yet."""
        with self.lock:
            if self.first is None:
                return None
            began, before = self.first
            return seconds_left(self.clock() - began, self._done() - before, self.total - before)

    def _settle(self, work: float) -> None:
        self.settled = min(self.total, self.settled + work)

    def _done(self) -> float:
        return self.settled + sum(done for done, _ in self.running.values())

    def _moved(self) -> float:
        done = self._done()
        if self.first is None:
            self.first = (self.clock(), done)
        return done


def _work_of(entry: Entry) -> float:
    """What the page of an entry is of the work of its source."""
    source = Path(entry.source)
    size = entry.source_stamp.bytes if entry.source_stamp else 0
    if not entry.source_stamp:
        with suppress(OSError):
            size = source.stat().st_size
    return work_of(source, size) / max(1, entry.pages)

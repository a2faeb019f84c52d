"""`archive add`: files walked, read in parallel, kept in batches; run again it goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path

import numpy as np
from sqlalchemy import select

from vasari.archive.ingest.keeping import Keeper, Kept, known_of
from vasari.archive.ingest.looks import Looks
from vasari.archive.ingest.masters import MASTERS
from vasari.archive.ingest.names import NamePattern
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.ingest.reading import Known, Read, read_file
from vasari.archive.ingest.walk import Found, Walk
from vasari.archive.schema import FILES
from vasari.archive.store import Archive
from vasari.foundation.errors import PictureError, VasariError, WriteError
from vasari.foundation.ledgers import DONE, FAILED, Entry, Ledger
from vasari.foundation.treatment import now
from vasari.foundation.work_folders import work_folder

#: Files a transaction, at most, and seconds between two.
BATCH_FILES = 150
BATCH_SECONDS = 5.0
#: Paths that are looked up at once.
LOOK_UP = 200
#: Pairs and failures that a summary lists; all are in the events and in the ledger.
MOST_TOLD = 1000

#: Told of every file: its path and what became of it (a field of `Summary.counts`).
Watch = Callable[[str, str], None]


@dataclass
class Summary:
    """What became of the files: numbers by outcome, failures, duplicates (path, of which), near ones (and the bits)."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    failed: list[Entry] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    near: list[tuple[str, str, int]] = field(default_factory=list)

    def with_all_of(self, other: Summary) -> Summary:
        """Both together."""
        counts = {name: count + other.counts[name] for name, count in self.counts.items()}
        lists = (self.failed + other.failed, self.duplicates + other.duplicates, self.near + other.near)
        return Summary(counts, *lists)


#: Outcome -> what it means.
OUTCOMES: dict[str, str] = {
    "added": "new in the archive",
    "unchanged": "known, and not read",
    "touched": "known by its bytes",
    "changed": "other bytes than before",
    "moved": "known, at a new place",
    "derived": "made by Vasari; counted above as well",
    "duplicates": "the same bytes as another file; counted above as well",
    "near": "pairs that look alike",
    "failed": "could not be read",
}


def add(archive: Archive, inputs: Sequence[str], plan: AddPlan, watch: Watch = lambda path, what: None) -> Summary:
    """Put picture files (files, folders, globs) into an archive; what cannot be read is named in its `ledger.jsonl`.

    Files that are known by path, size and time of change are not read. Every batch is a transaction; killed at any
    instant, what was kept is whole, and the same call goes on. Masters are opened for reading only. Raises
    `PlanError` for inputs that do not exist or a pattern that makes no sense, `WriteError` where the disk is full.
    """
    walk = Walk(inputs, archive.folder)
    return Adding(archive, plan, watch).run(walk)


class Adding:
    """One run: files that are given one after the other are read in threads and kept in batches."""

    def __init__(self, archive: Archive, plan: AddPlan, watch: Watch) -> None:
        self.archive, self.plan, self.watch = archive, plan, watch
        self.pattern = NamePattern.of(plan.names) if plan.names else None
        self.ledger = Ledger(archive.folder)
        self.troubled = {source for (source, _), entry in self.ledger.entries.items() if entry.status == FAILED}
        self.keeper = Keeper(archive.folder, Looks(_hashes(archive)), plan.near_distance)
        self.summary = Summary()
        self.pending: list[Read] = []
        self.kept_at = time.monotonic()

    def run(self, walk: Walk) -> Summary:
        """Everything the walk finds."""
        with ExitStack() as stack:
            copies = work_folder(self.archive.folder / MASTERS) if self.plan.copy else None
            self.take(walk, stack.enter_context(copies) if copies is not None else None)
        for folder, reason in walk.unread:
            self.failed(folder, PictureError(f"The folder {folder} cannot be listed: {reason}.", remedy="see to it"))
        return self.summary

    def take(self, files: Iterable[Found], work: Path | None) -> None:
        """Read and keep files; with `work`, a folder beside the masters, copies are kept."""
        with ExitStack() as stack:
            pool = stack.enter_context(_pool(self.plan.threads))
            running: dict[Future[Read], Found] = {}
            try:
                for found, known in self._unsettled(files):
                    running[pool.submit(read_file, found, known, self.plan, self.archive.folder, work)] = found
                    while len(running) >= 2 * self.plan.threads:
                        self._collect(running, FIRST_COMPLETED)
                while running:
                    self._collect(running, FIRST_COMPLETED)
            except KeyboardInterrupt:
                self._keep()
                raise
            self._keep()

    def _unsettled(self, walk: Iterable[Found]) -> Iterator[tuple[Found, Known | None]]:
        """The files that must be read, with what is known of them; the others are counted."""
        stream = iter(walk)
        while chunk := list(islice(stream, LOOK_UP)):
            sound = [found for found in chunk if self._is_sayable(found)]
            with self.archive.reading() as connection:
                places, origins = known_of(connection, [found.origin for found in sound])
            for found in sound:
                place, origin = places.get(found.origin), origins.get(found.origin)
                row = origin if origin is not None and (self.plan.copy or place is None) else place
                known = None
                if row is not None:
                    facts = (row["sha256"], row["bytes"], row["modified_ns"], row.get("state", "present"))
                    known = Known(*facts, copied=row is origin)
                if known is not None and self._is_settled(found, known):
                    self.count("unchanged", found.path)
                else:
                    yield found, known

    def _is_settled(self, found: Found, known: Known) -> bool:
        same = (found.bytes, found.modified_ns) == (known.bytes, known.modified_ns) and known.state == "present"
        return same and found.path not in self.troubled and (known.copied or not self.plan.copy)

    def _is_sayable(self, found: Found) -> bool:
        """False, and told as a failure, for a name that no database can hold."""
        try:
            found.path.encode("utf-8")
        except UnicodeEncodeError:
            error = PictureError(f"The name of {found.path!r} is not valid UTF-8.", remedy="rename the file")
            self.failed(found.path, error)
            return False
        return True

    def _collect(self, running: dict[Future[Read], Found], until: str) -> None:
        """Take in what has been read, and keep a batch when it is large or old enough."""
        done, _ = wait(running, timeout=BATCH_SECONDS, return_when=until)
        for future in [one for one in running if one in done]:  # in the order given, which the set does not keep
            found = running.pop(future)
            if found.address:
                Path(found.path).unlink(missing_ok=True)  # what was fetched is kept as a copy
            try:
                self.pending.append(future.result())
            except WriteError:
                raise
            except VasariError as error:
                self.failed(found.origin, error)
            except OSError as error:
                reason = PictureError(f"{found.origin}: {error.strerror or error}.", remedy="see to the file")
                self.failed(found.origin, reason)
        if len(self.pending) >= BATCH_FILES or time.monotonic() - self.kept_at > BATCH_SECONDS:
            self._keep()

    def _keep(self) -> None:
        batch, self.pending = self.pending, []
        self.kept_at = time.monotonic()
        if not batch:
            return
        names = {} if self.pattern is None else {read.found.origin: self.pattern.claims(read.found) for read in batch}
        with self.archive.writing() as writer:
            kept = self.keeper.keep(writer, batch, names)
        self._tell(kept)
        for read in batch:
            if read.found.origin in self.troubled and not read.broken:
                self.troubled.discard(read.found.origin)
                self._settle(read.found.origin)
            for number, error in read.broken:
                self.failed(read.found.origin, error, number)

    def _tell(self, kept: Kept) -> None:
        for item in fields(kept):
            values = getattr(kept, item.name)
            self.summary.counts[item.name] += len(values)
            if item.name in ("added", "touched", "changed", "moved"):
                for path in values:
                    self.watch(path, item.name)
        self.summary.duplicates += kept.duplicates[: MOST_TOLD - len(self.summary.duplicates)]
        self.summary.near += kept.near[: MOST_TOLD - len(self.summary.near)]

    def count(self, what: str, path: str) -> None:
        """Note what became of a file."""
        self.summary.counts[what] += 1
        self.watch(path, what)

    def failed(self, path: str, error: VasariError, page: int = 0) -> None:
        """Name a file, or one of its pages, in the ledger."""
        entry = Entry(FAILED, path, page, page + 1, error=error.message, remedy=error.remedy, time=now())
        self.ledger.append(entry)
        self.troubled.add(path)
        if len(self.summary.failed) < MOST_TOLD:
            self.summary.failed.append(entry)
        self.count("failed", path)

    def _settle(self, path: str) -> None:
        """Note that a file that failed before no longer does."""
        for (source, page), entry in list(self.ledger.entries.items()):
            if source == path and entry.status == FAILED:
                self.ledger.append(Entry(DONE, path, page, entry.pages, time=now()))


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that are waited for; what they have not begun is dropped when something stops the run."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="reading")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _hashes(archive: Archive) -> np.ndarray:
    """Every perceptual hash that the archive holds, int64."""
    with archive.reading() as connection:
        query = select(FILES.c.phash).where(FILES.c.phash.is_not(None)).distinct()
        return np.fromiter(connection.execute(query).scalars(), np.int64)

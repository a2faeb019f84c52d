"""A folder in which the results of a batch lie; files are moved to their places when they are whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vasari.foundation import batches
from vasari.foundation.errors import PlanError, VasariError, WriteError
from vasari.foundation.ledgers import Entry, Ledger, Stamp, sole_worker
from vasari.foundation.treatment import Treatment
from vasari.tasks.batch.places import FoundRecord, Staging

if TYPE_CHECKING:
    from vasari.tasks.batch.page import Staged


@contextmanager
def folder_place(folder: Path) -> Iterator[FolderPlace]:
    """Hold the folder for this process alone; raises `PlanError` where another works there, `WriteError`."""
    with sole_worker(folder) as scratch:
        yield FolderPlace(folder, Ledger(folder), scratch)


@dataclass
class FolderPlace:
    """The `places.Place` of a folder."""

    folder: Path
    ledger: Ledger
    scratch: Path
    sources: Sequence[batches.Source] = ()
    masters: frozenset[str] = frozenset()
    takes_at_once: int = 1

    def check(self) -> None:
        """Nothing: the system keeps the lock as long as this process lives."""

    def protect(self, sources: Sequence[batches.Source]) -> None:
        """Remember where all sources really lie: asked for every page, found out once."""
        self.sources = sources
        self.masters = frozenset(os.path.realpath(one.path) for one in sources)

    def refuse_master(self, name: PurePosixPath) -> None:
        """Raise `PlanError` where a master lies under this name."""
        path = self.folder / name
        if os.path.realpath(path) in self.masters:
            batches.refuse_masters([path], self.sources)

    def called(self, name: PurePosixPath) -> str:
        """The path."""
        return str(self.folder / name)

    def holds(self, entry: Entry) -> bool:
        """By size and time of change; hashed only where the time is another."""
        if entry.result is None or entry.result_stamp is None:
            return False
        beside = all((self.folder / name).exists() for name in entry.beside or {})
        return beside and entry.result_stamp.matches(self.folder / entry.result)

    def exists(self, name: PurePosixPath) -> bool:
        """True where a file lies there."""
        return (self.folder / name).exists()

    def stamp_of(self, name: PurePosixPath) -> Stamp | None:
        """The file, hashed."""
        path = self.folder / name
        return Stamp.of(path) if path.exists() else None

    def record_of(self, name: PurePosixPath) -> FoundRecord | None:
        """The record in the file of this name."""
        try:
            data = (self.folder / name).read_bytes()
            record = Treatment.from_json(data.decode("utf-8", "surrogateescape"))
        except (OSError, VasariError):
            return None
        return FoundRecord(record, sha256(data).hexdigest())

    def wrote(self, name: PurePosixPath, told: Sequence[Stamp], record: Treatment | None) -> bool:
        """By the bytes: those that the ledger tells, or the record."""
        path = self.folder / name
        if any(one.matches(path) for one in told):
            return True
        return record is not None and record.result is not None and Stamp.of(path).sha256 == record.result.sha256

    def put(self, staged: Staged) -> Stamp:
        """Move all files of a page to their places."""
        from vasari.tasks.batch.page import make_visible

        make_visible(staged, self.folder)
        # The moved file has kept its time of change; what is asked here is the file in its place.
        found = (self.folder / staged.moves[-1][1]).stat()
        return Stamp(staged.result_stamp.sha256, found.st_size, found.st_mtime_ns)

    def dock(self) -> FolderDock:
        """The folder for work in the making, which all workers see."""
        return FolderDock(self.scratch)

    def take(self, staged: Staged) -> Stamp:
        """Move the files out of the attempt's own folder."""
        stamp = self.put(staged)
        with contextlib.suppress(OSError):
            Path(staged.moves[-1][0]).parent.rmdir()
        return stamp


@dataclass(frozen=True)
class FolderDock:
    """The `places.Dock` of a folder: another in it for each attempt, so that no other of the same page can touch it."""

    staging: Path

    def reached(self) -> Callable[[Staging], Staged]:
        """Raises `PlanError` where the folder is not seen."""
        if not self.staging.is_dir():
            raise PlanError(
                f"A worker does not see the folder {self.staging.parent.parent}.",
                remedy="put sources and results on a file system that every machine has under the same path",
            )
        return lambda staging: staging(self._own_folder())

    def _own_folder(self) -> Path:
        folder = self.staging / secrets.token_hex(8)
        try:
            folder.mkdir()
        except OSError as error:
            raise WriteError(
                f"{folder} cannot be made: {error.strerror or error}.",
                remedy="see that every machine may write to the output folder",
            ) from error
        return folder

"""Reading copies made before anybody asks for them: of all pictures that lack one, the newest first, one at a time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from vasari.app.web.iiif.disk_cache import DiskCache
from vasari.app.web.iiif.levels import ReadingCopies, may_need_copy, most_bytes, needs_copy
from vasari.app.web.iiif.masters import master_of
from vasari.app.web.iiif.pass_notes import FolderError, GivenUpError, PassNotes, let_go, usable
from vasari.archive.schema import FILES
from vasari.archive.store import Archive
from vasari.archive.writer import Row
from vasari.foundation.errors import VasariError, WriteError
from vasari.foundation.folder_locks import held

#: Where everything lies that is made of masters for the Image API, in the workbench's folder.
FOLDER = "iiif"
#: And in it, what a pass works with.
WORK = "preparing"
GIB = 1 << 30
#: How much of the disk stays free, in bytes.
LEFT_FREE = 1 << 30

#: Told of each picture that is done with: how many, of how many, its file, and why it has no copy.
Watch = Callable[[int, int, str, VasariError | None], None]


@dataclass(frozen=True)
class Prepared:
    """What a pass came to: copies made, their bytes, seconds; pictures without room; files with what failed."""

    made: int
    bytes: int
    seconds: float
    without_room: int
    failures: tuple[tuple[str, VasariError], ...]


def copies_in(folder: Path, gib: float) -> ReadingCopies:
    """The reading copies in a workbench's folder, which may take so much of the disk."""
    return ReadingCopies(DiskCache(folder / FOLDER / "copies", int(gib * GIB)))


def lacking(archive: Archive, copies: ReadingCopies, notes: PassNotes | None = None) -> Iterator[Row]:
    """The files now present whose pictures may need a reading copy and have none, the newest first.

    Rows of id, content, path, format, width and height; without those that `notes` say need not be opened. They are
    read as they are asked for: hold no more than a moment between two.
    """
    columns = (FILES.c.id, FILES.c.content, FILES.c.path, FILES.c.format, FILES.c.width, FILES.c.height)
    query = select(*columns).where(FILES.c.state == "present").order_by(FILES.c.id.desc())
    with archive.reading() as connection:
        for row in connection.execute(query.execution_options(yield_per=1000)).mappings():
            if not may_need_copy(row["format"], row["width"] * row["height"]) or copies.holds(row["content"]):
                continue
            if notes is None or not notes.is_settled(row["content"], archive.folder / row["path"]):
                yield dict(row)


def is_work_left(archive: Archive, folder: Path, copies: ReadingCopies) -> bool:
    """Whether a pass would find a picture to make a copy of, and room for it; raises `WriteError` as it does."""
    work = folder / FOLDER / WORK
    with usable(work):
        work.mkdir(parents=True, exist_ok=True)
    notes, room = PassNotes(work), _room_for(copies, work)
    return any(
        most_bytes(row["format"], row["width"], row["height"]) <= room and not notes.is_given_up(row["content"])
        for row in lacking(archive, copies, notes)
    )


def prepare(
    archive: Archive,
    folder: Path,
    copies: ReadingCopies,
    watch: Watch = lambda done, total, path, error: None,
    anew: bool = False,
) -> Prepared:
    """Make the reading copies that are missing, as far as there is room; none that is there is let go for another.

    `folder` is the workbench's. What cannot be read is told of and skipped; so that it is not opened by every pass, it
    is passed over until its file changes, as is what needs no copy, but for `anew`. Killed, the next pass goes on after
    the last whole copy. Raises `WriteError` where the folder cannot be written to, or another pass is under way.
    """
    work = folder / FOLDER / WORK
    taken = WriteError("Reading copies of this archive are being made already.", remedy="wait until that has ended")
    with held(work / "lock", taken=taken, unusable=WriteError, called=str(work)):
        return _Pass(archive, copies, work).run(watch, anew)


def abandon(folder: Path) -> None:
    """Hold nothing against the picture in work: this process, which makes its copy for the workbench, ends in order."""
    let_go(folder / FOLDER / WORK)


class _Pass:
    """One pass, which alone works in the folder `work`."""

    def __init__(self, archive: Archive, copies: ReadingCopies, work: Path) -> None:
        self.archive, self.copies, self.work = archive, copies, work
        self.part = work / "copy.part"
        self.notes = PassNotes(work)
        self.bytes = self.made = self.without_room = 0

    def run(self, watch: Watch, anew: bool) -> Prepared:
        begun = time.monotonic()
        with usable(self.work):
            self.part.unlink(missing_ok=True)  # of a pass that was killed
        self.notes.take_over()
        if anew:
            self.notes.forget_settled()
        self.copies.cache.recount()
        ids = [row["id"] for row in lacking(self.archive, self.copies, self.notes)]
        failures = []
        for done, id in enumerate(ids, 1):
            row = self._row(id)
            if row is None:  # taken out of the archive meanwhile
                continue
            failure = self._tried(row)
            if failure is not None:
                failures.append((str(row["path"]), failure))
            watch(done, len(ids), str(row["path"]), failure)
        taken = time.monotonic() - begun
        return Prepared(self.made, self.bytes, taken, self.without_room, tuple(failures))

    def _row(self, id: int) -> Row | None:
        with self.archive.reading() as connection:
            row = connection.execute(select(FILES).where(FILES.c.id == id)).mappings().first()
        return None if row is None else dict(row)

    def _tried(self, row: Row) -> VasariError | None:
        """Prepare a picture, and give back why that was not possible."""
        try:
            self._prepare(row)
        except FolderError:
            raise
        except VasariError as error:
            if not isinstance(error, WriteError | GivenUpError):
                self.notes.settle(row["content"], unreadable=self.archive.folder / row["path"])
            return error
        return None

    def _prepare(self, row: Row) -> None:
        if self.copies.holds(row["content"]):  # the same picture in another file, or a visitor asked for it
            return
        room = _room_for(self.copies, self.work)
        fits = most_bytes(row["format"], row["width"], row["height"]) <= room
        if fits or row["format"] == "tiff":  # which may be a pyramid itself
            master = master_of(row, self.archive.folder)
            if not needs_copy(master, 1.0, whole=False):
                self.notes.settle(row["content"])
                return
            fits = most_bytes(master.format, *master.stored, master.has_alpha) <= room
        if not fits:
            self.without_room += 1
            return
        before = self.copies.cache.total_bytes
        with self.notes.working_on(row["content"]):
            self.copies.made(master, self.part)
        self.made += 1
        self.bytes += self.copies.cache.total_bytes - before


def _room_for(copies: ReadingCopies, work: Path) -> int:
    """The bytes that further copies may take."""
    with usable(work):
        free = shutil.disk_usage(work).free
    return min(copies.cache.most_bytes - copies.cache.total_bytes, free - LEFT_FREE)

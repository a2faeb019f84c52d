"""Reading copies made before anybody asks for them: of all pictures that lack one, the newest first, one at a time."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from vasari.app.web.iiif.disk_cache import DiskCache
from vasari.app.web.iiif.levels import ReadingCopies, may_need_copy, most_bytes, needs_copy
from vasari.app.web.iiif.masters import master_of
from vasari.archive.schema import FILES
from vasari.archive.store import Archive
from vasari.archive.writer import Row
from vasari.foundation.errors import PictureError, VasariError, WriteError
from vasari.foundation.folder_locks import held

#: Where everything lies that is made of masters for the Image API, in the workbench's folder.
FOLDER = "iiif"
#: And in it, what a pass works with.
WORK = "preparing"
GIB = 1 << 30
#: How much of the disk stays free, in bytes.
LEFT_FREE = 1 << 30
#: A picture is left alone after so many processes ended beside it: a copy is then made only when it is asked for.
GIVEN_UP_AFTER = 3

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


def lacking(archive: Archive, copies: ReadingCopies) -> list[Row]:
    """The files now present whose pictures may need a reading copy and have none, the newest first."""
    query = select(FILES).where(FILES.c.state == "present").order_by(FILES.c.id.desc())
    with archive.reading() as connection:
        rows = connection.execute(query.execution_options(yield_per=1000)).mappings()
        large = (dict(row) for row in rows if may_need_copy(row["format"], row["width"] * row["height"]))
        return [row for row in large if not copies.holds(row["content"])]


def prepare(
    archive: Archive, folder: Path, copies: ReadingCopies, watch: Watch = lambda done, total, path, error: None
) -> Prepared:
    """Make the reading copies that are missing, as far as there is room; none that is there is let go for another.

    `folder` is the workbench's. What cannot be read is told of and skipped. Killed, the next pass goes on after the
    last whole copy. Raises `WriteError` where the folder cannot be written to, or another pass is under way.
    """
    work = folder / FOLDER / WORK
    taken = WriteError("Reading copies of this archive are being made already.", remedy="wait until that has ended")
    with held(work / "lock", taken=taken, unusable=WriteError, called=str(work)):
        return _Pass(archive, copies, work).run(watch)


class _Pass:
    """One pass, which alone works in the folder `work`."""

    def __init__(self, archive: Archive, copies: ReadingCopies, work: Path) -> None:
        self.archive, self.copies = archive, copies
        self.part = work / "copy.part"
        self.trials = _Trials(work / "begun")
        self.bytes = self.made = self.without_room = 0

    def run(self, watch: Watch) -> Prepared:
        begun = time.monotonic()
        self.part.unlink(missing_ok=True)  # of a pass that was killed
        self.copies.cache.recount()
        rows = lacking(self.archive, self.copies)
        failures = []
        for done, row in enumerate(rows, 1):
            failure = None
            try:
                self._prepare(row)
            except VasariError as error:
                failure = error
                failures.append((str(row["path"]), error))
            watch(done, len(rows), str(row["path"]), failure)
        taken = time.monotonic() - begun
        return Prepared(self.made, self.bytes, taken, self.without_room, tuple(failures))

    def _prepare(self, row: Row) -> None:
        if self.copies.holds(row["content"]):  # the same picture in another file, or a visitor asked for it
            return
        room = most_bytes(row["format"], row["width"], row["height"]) <= self._room()
        if room or row["format"] == "tiff":  # which may be a pyramid itself
            master = master_of(row, self.archive.folder)
            if not needs_copy(master, 1.0, whole=False):
                return
        if not room:
            self.without_room += 1
            return
        before = self.copies.cache.total_bytes
        with self.trials.of(row["content"]):
            self.copies.made(master, self.part)
        self.made += 1
        self.bytes += self.copies.cache.total_bytes - before

    def _room(self) -> int:
        cache = self.copies.cache
        return min(cache.most_bytes - cache.total_bytes, shutil.disk_usage(self.part.parent).free - LEFT_FREE)


class _Trials:
    """Which picture was in work, kept in a file: those that are there were in work when a process was killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.killed = path.read_text(encoding="ascii").split() if path.exists() else []

    @contextlib.contextmanager
    def of(self, content: str) -> Iterator[None]:
        """Work on a picture; raises `PictureError` for one beside which too many processes ended."""
        if self.killed.count(content) >= GIVEN_UP_AFTER:
            raise PictureError(
                f"{GIVEN_UP_AFTER} processes ended while they made its reading copy.",
                remedy=f"give the machine more memory, then delete {self.path}",
            )
        self.path.write_text("\n".join([*self.killed, content]), encoding="ascii")
        try:
            yield
        finally:
            self.killed = [one for one in self.killed if one != content]
            self.path.write_text("\n".join(self.killed), encoding="ascii")


def abandon(folder: Path) -> None:
    """Hold nothing against the picture in work: this process, which makes its copy, ends in order."""
    path = folder / FOLDER / WORK / "begun"
    with contextlib.suppress(OSError):
        path.write_text("\n".join(path.read_text(encoding="ascii").split()[:-1]), encoding="ascii")

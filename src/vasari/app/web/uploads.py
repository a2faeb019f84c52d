"""What people send in: streamed to a hidden folder, examined, then visible at once and whole, named by its content.

uploads/SHA256/NAME          a file, by the name it was sent under; each name of the same content, in the room of one
uploads/.vasari-work-XXXX/   what is being received; those of killed processes are removed with the next
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sqlalchemy import select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from vasari.app.examining import ZIP_SUFFIX, Ration, Seen, examine
from vasari.app.operations.references import UPLOADS
from vasari.archive.fixity import hash_of_file
from vasari.archive.workbench.database import WorkbenchDatabase
from vasari.archive.workbench.schema import UPLOADS as TABLE
from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import ArchiveError, PictureTooLargeError, PlanError, WriteError
from vasari.foundation.image_formats import SUFFIXES
from vasari.foundation.video_formats import FILM_SUFFIXES

LONGEST_NAME = 120
PAGE, LARGEST_PAGE = 50, 500
_SHA256 = re.compile(r"[0-9a-f]{64}")
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, eq=False)
class Uploads:
    """The files that were sent to a workbench."""

    folder: Path
    database: WorkbenchDatabase
    ration: Ration
    clock: Callable[[], float] = time.time

    @property
    def place(self) -> Path:
        """The folder of all of them."""
        return self.folder / UPLOADS

    def kept(self, part: Part, owner: str) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
        """Examine what was received and make it visible; the rows, and what of a zip archive was left out.

        Raises `PictureError`, `PictureTooLargeError`, `WriteError`; nothing is visible then of a single file.
        """
        part.settle()
        if hash_of_file(part.path) != part.sha256.hexdigest():
            raise WriteError("What was written is not what was sent.", remedy="check the disk; send it again")
        unpacked = part.work / f"unpacked-{secrets.token_hex(4)}"
        unpacked.mkdir()
        found = examine(part.path, part.name, self.ration, unpacked)
        return [self._published(Path(one.path), one, owner) for one in found.files], found.left_out

    def row(self, sha256: str, name: str | None = None) -> dict[str, Any]:
        """What is known of a file, by default as it was first sent; raises `ArchiveError` where there is none."""
        query = select(TABLE).where(TABLE.c.sha256 == sha256).order_by(TABLE.c.created, TABLE.c.name)
        if name is not None:
            query = query.where(TABLE.c.name == name)
        with self.database.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is None or not _SHA256.fullmatch(sha256):
            raise ArchiveError(f"Nothing with the hash {sha256[:12]} was sent in.", remedy="send the file")
        return dict(row)

    def path(self, sha256: str, name: str | None = None) -> Path:
        """Where a file lies; raises `ArchiveError` where there is none."""
        return self.place / sha256 / self.row(sha256, name)["name"]

    def page(self, limit: int = PAGE, before: str | None = None, owner: str | None = None) -> list[dict[str, Any]]:
        """The files, newest first, those that came before the one that is `before`: SHA256/NAME."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise PlanError(f"limit={limit}.", remedy=f"ask for 1 to {LARGEST_PAGE} files at a time")
        query = select(TABLE).order_by(TABLE.c.created.desc(), TABLE.c.sha256, TABLE.c.name).limit(limit)
        if before is not None:
            sha256, _, name = before.partition("/")
            last = self.row(sha256, name)
            after = tuple_(TABLE.c.sha256, TABLE.c.name) > tuple_(sha256, name)
            query = query.where((TABLE.c.created < last["created"]) | ((TABLE.c.created == last["created"]) & after))
        if owner is not None:
            query = query.where(TABLE.c.owner == owner)
        with self.database.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _published(self, path: Path, seen: Seen, owner: str) -> dict[str, Any]:
        """Bring a file to its place under its hash and its name, then its row into the database."""
        sha256 = hash_of_file(path)
        name = safe_name(seen.name)
        size = path.stat().st_size
        row = {
            "sha256": sha256, "name": name, "suffix": PurePosixPath(name).suffix.lower(), "bytes": size,
            "kind": seen.kind, "format": seen.format, "width": seen.width, "height": seen.height, "pages": seen.pages,
            "owner": owner, "created": self.clock(),
        }  # fmt: skip
        target = self.place / sha256
        whole = path.parent / f"whole-{secrets.token_hex(4)}"
        try:
            whole.mkdir()
            path.rename(whole / name)
            _sync(whole / name)
            sync_folder(whole)
            if not _moved(whole, target):
                _named(whole / name, target, name)
        except OSError as error:
            raise _unwritten(error) from error
        with self.database.writing() as connection:
            insert = _INSERTS[connection.dialect.name](TABLE).on_conflict_do_nothing(index_elements=["sha256", "name"])
            connection.execute(insert, [row])
        return self.row(sha256, name)


class Part:
    """A file as it is received: `write` its bytes, then give it to `Uploads.kept`; `work` is a folder for it alone."""

    def __init__(self, work: Path, name: str, most: int) -> None:
        self.work, self.name, self.most = work, _said(name), most
        self.path = work / f"sent-{secrets.token_hex(4)}{PurePosixPath(self.name).suffix.lower()}"
        self.bytes = 0
        self.sha256 = hashlib.sha256()
        self.file: BinaryIO = self.path.open("xb")

    def write(self, block: bytes) -> None:
        """Take the next bytes; raises `PictureTooLargeError` beyond the limit, `WriteError`."""
        self.bytes += len(block)
        if self.bytes > self.most:
            raise PictureTooLargeError(
                f"{self.name} has more than {self.most} bytes.", remedy="send a smaller file, or have the limit raised"
            )
        self.sha256.update(block)
        try:
            self.file.write(block)
        except OSError as error:
            raise _unwritten(error) from error

    def settle(self) -> None:
        """Bring all of it to the disk."""
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            raise _unwritten(error) from error
        finally:
            self.file.close()

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()


def safe_name(name: str) -> str:
    """A file's name as it may stand on any disk: no folders, no control signs, not hidden, not too long."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/")).rpartition("/")[2]
    plain = "".join(sign if sign.isprintable() and sign not in '<>:"|?*' else "_" for sign in plain)
    stem, suffix = PurePosixPath(plain).stem, PurePosixPath(plain).suffix.lower()
    stem = stem.strip(". ").encode("utf-8", "ignore")[:LONGEST_NAME].decode("utf-8", "ignore")
    return f"{stem or 'file'}{suffix}"


def _said(name: str) -> str:
    """The name that a file is sent under; raises `PlanError` for one that tells of no picture, film or zip archive."""
    plain = safe_name(name)
    allowed = {*SUFFIXES, *FILM_SUFFIXES, ZIP_SUFFIX}
    if PurePosixPath(plain).suffix not in allowed:
        raise PlanError(
            f"{plain} is neither a picture nor a film nor a zip archive.", remedy=f"send {', '.join(sorted(allowed))}"
        )
    return plain


def _moved(whole: Path, target: Path) -> bool:
    """Bring a folder to its place; False where its content is there, brought before or by another meanwhile."""
    if target.is_dir():
        return False
    try:
        whole.rename(target)
    except OSError:
        if target.is_dir():
            return False
        raise
    sync_folder(target.parent)
    return True


def _named(path: Path, folder: Path, name: str) -> None:
    """Give a content in its folder one more name: without taking more room, where the disk can."""
    try:
        os.link(next(folder.iterdir()), folder / name)
    except FileExistsError:
        pass  # it has it; by another who may not have come to what follows
    except OSError:
        path.rename(folder / name)
    sync_folder(folder)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _unwritten(error: OSError) -> WriteError:
    return WriteError(
        f"The file could not be kept: {error.strerror or error}.", remedy="free some space; send it again"
    )

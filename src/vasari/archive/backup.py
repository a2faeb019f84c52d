"""A whole copy of an archive, made while others write, and an archive brought back from one.

A backup is a folder: `catalog.sqlite` (also of an archive on PostgreSQL), `journal.jsonl` up to the same entry,
`archive.toml`, `backup.json` (what and when), `workbench.sqlite` (jobs, accounts) if there is a workbench, and if asked
for `masters/`; `SHA256SUMS` names the hash of each file, so that `sha256sum -c SHA256SUMS` checks it without Vasari.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from vasari.archive import database_files as files
from vasari.archive.databases import engine_of_file, migrate
from vasari.archive.fixity import hash_of_file
from vasari.archive.rows import TABLES, Progress, digest
from vasari.archive.schema import FILES
from vasari.archive.store import (
    DATABASE,
    JOURNAL,
    SETTINGS,
    Archive,
    journal_number,
    read_settings,
    told,
    write_settings,
)
from vasari.archive.transfer import copy_all, transfer
from vasari.archive.workbench.database import DATABASE as WORKBENCH
from vasari.archive.workbench.moving import carry
from vasari.foundation.atomic_files import sync_folder, write_whole
from vasari.foundation.errors import ArchiveError, PlanError, WriteError
from vasari.foundation.treatment import now
from vasari.foundation.version import VERSION

SUMS = "SHA256SUMS"
ABOUT = "backup.json"
FORMAT = "vasari-backup/1"


@dataclass
class BackedUp:
    """What a backup holds: files, bytes, the journal's last entry; masters that were missing or changed."""

    files: int = 0
    bytes: int = 0
    journal: int = 0
    masters: int = 0
    wrong: list[str] = field(default_factory=list)


def backup(
    archive: Archive, target: str | Path, *, masters: bool = False, progress: Progress | None = None
) -> BackedUp:
    """Copy an archive as it is at one instant into the new folder `target`; others may write meanwhile.

    With `masters` the copies that the archive keeps are taken too, each compared with its recorded hash; files that
    stay where they were found never are. The folder is visible only when every file has been read again and found
    whole. `progress` hears of bytes of masters. Raises `PlanError` for a target that exists, `WriteError`.
    """
    target = Path(target).expanduser()
    done = BackedUp()
    with _appearing(target, archive.folder) as part:
        done.journal = _copy_database(archive, part / DATABASE)
        has_workbench = _copy_workbench(archive, part / WORKBENCH)
        _copy_journal(archive, part / JOURNAL, done.journal)
        write_settings(part, {**read_settings(archive.folder), "database": None})
        about = {"format": FORMAT, "created": now(), "version": VERSION, "journal": done.journal, "masters": masters}
        write_whole(part / ABOUT, (json.dumps(about, indent=2) + "\n").encode())
        copied = _copy_masters(archive, part, done, progress) if masters else {}
        names = (DATABASE, JOURNAL, SETTINGS, ABOUT, *((WORKBENCH,) if has_workbench else ()))
        sums = {name: hash_of_file(part / name) for name in names} | copied
        write_whole(part / SUMS, "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items()).encode())
        _sync_folders(part)
        check(part)
        done.files = len(sums) + 1
        done.bytes = sum(one.stat().st_size for one in part.rglob("*") if one.is_file())
    return done


def recover(source: str | Path, folder: str | Path, url: str | None = None) -> BackedUp:
    """Bring an archive back from a backup into the new folder `folder`, on PostgreSQL if `url` names an empty database.

    Every file is compared with `SHA256SUMS` before and after. Raises `ArchiveError` for what is no whole backup,
    `PlanError` for a folder that exists, `WriteError`.
    """
    source, folder = Path(source).expanduser(), Path(folder).expanduser()
    sums = check(source)
    done = BackedUp(files=len(sums) - 1, masters=sum(name.startswith("masters/") for name in sums))
    with _appearing(folder, source) as part:
        for name in sums:
            if name != ABOUT:
                copied_file(source / name, part / name)
                done.bytes += (part / name).stat().st_size
        _sync_folders(part)
        for name, sha256 in sums.items():
            if name != ABOUT and hash_of_file(part / name) != sha256:
                raise WriteError(f"The copy of {name} is not what was read.", remedy="check the disks; run it again")
    with Archive.open(folder) as archive:
        done.journal = int(archive.fact("journal"))
        if url is not None:
            transfer(archive, url)
    return done


def check(folder: Path) -> dict[str, str]:
    """The files of a backup and their hashes; raises `ArchiveError` for one that is missing or not what it was."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        sums = {name: sha256 for sha256, name in (line.split("  ", 1) for line in lines)}
        if not sums.keys() >= {DATABASE, JOURNAL, SETTINGS, ABOUT}:
            raise ValueError("it is cut short")
        if any(Path(name).is_absolute() or ".." in Path(name).parts for name in sums):
            raise ValueError("it names files outside")
    except (OSError, ValueError) as error:
        raise ArchiveError(
            f"{folder} is no backup of an archive: {SUMS}: {error}.", remedy="name a folder that archive backup made"
        ) from error
    for name, sha256 in sums.items():
        try:
            found = hash_of_file(folder / name)
        except OSError as error:
            found = error.strerror or str(error)
        if found != sha256:
            raise ArchiveError(f"{folder / name} is not what was backed up ({found}).", remedy="use another backup")
    return sums


@contextmanager
def _appearing(target: Path, other: Path) -> Iterator[Path]:
    """A folder beside `target` that becomes it at the end, or goes away; raises `PlanError`, `WriteError`."""
    if target.exists():
        raise PlanError(f"{target} exists already.", remedy="name a new folder")
    if target.resolve().is_relative_to(other.resolve()):
        raise PlanError(f"{target} is inside {other}.", remedy="name a folder elsewhere, best on another disk")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise WriteError(
            f"{target} could not be written: {error.strerror or error}.", remedy="free some space; run it again"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _copy_database(archive: Archive, target: Path) -> int:
    """The database as it is at one instant, as a SQLite file; its last journal entry."""
    if archive.engine.dialect.name == "sqlite":
        _copy_sqlite(archive, target)
        engine = engine_of_file(target)
    else:
        engine = engine_of_file(target)
        migrate(engine)
        with archive.reading() as source:
            with engine.connect().execution_options(writes=True) as copy, copy.begin():
                copy_all(source, copy)
            with engine.connect() as copy:
                for table in TABLES:
                    if digest(source, table) != digest(copy, table):
                        raise WriteError(f"The copy of the table {table.name} differs.", remedy="run it again")
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if found != "ok":
                raise ArchiveError(f"The database is damaged: {found}.", remedy="vasari archive rebuild")
            number = journal_number(connection)
    except DBAPIError as error:
        raise told(error, str(archive.folder)) from error
    files.settle(engine, target)
    return number


def _copy_sqlite(archive: Archive, target: Path) -> None:
    """By SQLite's own way, in one step: a reader in WAL mode sees one state, and hinders no writer."""
    borrowed = archive.engine.raw_connection()
    copy = sqlite3.connect(target)
    try:
        source = borrowed.driver_connection
        if isinstance(source, sqlite3.Connection):
            source.backup(copy, pages=-1)
    except sqlite3.Error as error:
        raise WriteError(
            f"The database could not be copied: {error}.", remedy="free some space; run it again"
        ) from error
    finally:
        copy.close()
        borrowed.close()


def _copy_workbench(archive: Archive, target: Path) -> bool:
    """What the workbench remembers as a SQLite file; False where there is no workbench."""
    if not carry(archive.folder, archive.engine, target):
        files.remove(target)
        return False
    files.settle(engine_of_file(target), target)
    return True


def _copy_journal(archive: Archive, target: Path, number: int) -> None:
    """The journal up to the entry that the copied database ends with."""
    left = archive.journal.end_of(number, ahead=True)
    with target.open("xb") as copy:
        if left:
            with archive.journal.path.open("rb") as file:
                while left and (block := file.read(min(left, 1 << 20))):
                    copy.write(block)
                    left -= len(block)
        copy.flush()
        os.fsync(copy.fileno())
    if left:
        raise WriteError("The journal was written anew meanwhile.", remedy="run it again")


def _copy_masters(archive: Archive, part: Path, done: BackedUp, progress: Progress | None) -> dict[str, str]:
    sums: dict[str, str] = {}
    query = select(FILES.c.path, FILES.c.sha256).where(FILES.c.copied).distinct().order_by(FILES.c.path)
    engine = engine_of_file(part / DATABASE)
    with engine.connect() as connection:
        masters = connection.execute(query, execution_options={"yield_per": 1000})
        for path, sha256 in masters:
            try:
                found = copied_file(archive.folder / path, part / path)
            except FileNotFoundError:
                done.wrong.append(path)
                continue
            done.masters += 1
            sums[path] = found
            if found != sha256:
                done.wrong.append(path)
            if progress is not None:
                progress((part / path).stat().st_size)
    files.settle(engine, part / DATABASE)
    return sums


def copied_file(source: Path, target: Path) -> str:
    """Copy a file, streamed and synced; the SHA-256 of what was read; raises `OSError`."""
    sha256 = hashlib.sha256()
    with source.open("rb") as file:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as copy:
            while block := file.read(1 << 20):
                sha256.update(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
    return sha256.hexdigest()


def _sync_folders(folder: Path) -> None:
    for one in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_folder(one)

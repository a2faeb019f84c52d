"""SQLite files as files: made whole before they are seen, and set aside rather than deleted."""

from __future__ import annotations

import glob
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, update

from vasari.archive.schema import FACTS

_COMPANIONS = ("-wal", "-shm", "-journal")


def part_of(path: Path) -> Path:
    """A name beside `path` for a file that is being made."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def clear_parts(path: Path) -> None:
    """Delete what a process that died left of making `path`; only while nobody else makes it."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part*"):
        with suppress(OSError):
            part.unlink()


def stamp() -> str:
    """The time for the names of what is set aside, as 20260131T120000Z."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def settle(engine: Engine, path: Path) -> None:
    """Bring all of a SQLite database into its one file, on the disk, and let go of it."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()
    engine.dispose()
    with path.open("rb") as file:
        os.fsync(file.fileno())


def remove(path: Path) -> None:
    """Delete a database that was not finished."""
    for suffix in ("", *_COMPANIONS):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def set_aside(path: Path, when: str) -> str:
    """Rename a database to `NAME.WHEN.sqlite` beside it; its new name, "" where there is none."""
    if not path.exists():
        return ""
    aside = path.with_name(f"{path.stem}.{when}{path.suffix}")
    while aside.exists():
        aside = aside.with_name(f"{aside.stem}x{aside.suffix}")
    for suffix in (*_COMPANIONS, ""):
        one = path.with_name(path.name + suffix)
        if one.exists():
            one.rename(aside.with_name(aside.name + suffix))
    return aside.name


def retire(connection: Connection, why: str) -> None:
    """Mark a database as replaced, so that a process that still has it open writes nothing more into it."""
    connection.execute(update(FACTS).where(FACTS.c.name == "journal").values(value=why))

"""The journal of an archive: every change as a line of JSON, from which the database can be made again.

A change is appended and synced before its transaction commits, under the number that the transaction stores. An entry
that the database does not hold (the process died in between) is cut off when the archive is next written to, so that
the two never disagree.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import ArchiveError, WriteError


@dataclass(frozen=True)
class Change:
    """Rows that were put into a table (`put`: inserted or replaced by primary key) or taken out (`cut`: their keys)."""

    what: str
    table: str
    rows: Sequence[dict[str, Any]]


class Journal:
    """The file `journal.jsonl` of an archive folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, number: int, at: str, changes: Sequence[Change]) -> None:
        """Add an entry and wait until it is on the disk; raises `WriteError`, and then leaves the file as it was."""
        line = line_of(number, at, changes)
        new = not self.path.exists()
        size = 0 if new else self.path.stat().st_size
        try:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            if new:
                sync_folder(self.path.parent)
        except OSError as error:
            self._cut_at(size)
            raise WriteError(
                f"{self.path} could not be written: {error.strerror or error}.", remedy="free some space; run it again"
            ) from error

    def agree_with(self, number: int) -> None:
        """Cut off what was appended after entry `number`: its transaction never happened.

        Raises `ArchiveError` for a journal that lacks entry `number`, and for one that is more than one entry ahead,
        since only the last can be of a transaction that was broken off: changes could be lost.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        end = self.end_of(number)
        if end < size:
            self._cut_at(end)

    def end_of(self, number: int, *, ahead: bool = False) -> int:
        """The length of the file up to entry `number`, in bytes; raises as `agree_with` does.

        With `ahead` the file may go on as far as it likes: others write meanwhile.
        """
        end, found, newest = 0, 0, 0
        if self.path.exists():
            with self.path.open("rb") as file:
                end, found, newest = _end_of(file, number)
        if (newest > number + 1 and not ahead) or (newest > number != found):
            raise ArchiveError(
                f"{self.path} goes on to entry {newest}, the database ends at {number}: it is an old copy.",
                remedy="make the database anew from the journal: vasari archive rebuild",
            )
        if found != number:
            raise ArchiveError(
                f"{self.path} ends at entry {found}, the database at {number}.",
                remedy="bring both back from one backup, or write a new journal: vasari archive rebuild --journal",
            )
        return end

    def newest(self) -> int:
        """The number of the last whole entry; 0 where there is none."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            return _end_of(file, 1 << 62)[1]

    def entries(self) -> Iterator[tuple[int, str, list[Change]]]:
        """Each entry's number, time and changes in order; a torn last line is left out.

        Several lines may bear one number: they are parts of one entry. Raises `ArchiveError` for a damaged line and
        where a number is missing.
        """
        if not self.path.exists():
            return
        before: int | None = None
        with self.path.open("rb") as file:
            for row, line in enumerate(file):
                if not line.endswith(b"\n"):
                    return
                entry = _read(line, f"{self.path.name}, line {row + 1}")
                if before is not None and entry[0] - before not in (0, 1):
                    raise ArchiveError(
                        f"{self.path.name}, line {row + 1} is entry {entry[0]}, the line before it {before}.",
                        remedy="bring the journal back from a backup",
                    )
                before = entry[0]
                yield entry

    def _cut_at(self, size: int) -> None:
        if self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(size)
                os.fsync(file.fileno())


def line_of(number: int, at: str, changes: Sequence[Change]) -> bytes:
    """An entry, or a part of one, as its line."""
    entry = {"n": number, "at": at, "changes": [[one.what, one.table, list(one.rows)] for one in changes]}
    return (json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


_REMEDY = "bring it back from a backup; or, while the database is whole: vasari archive rebuild --journal"


def _read(line: bytes, where: str) -> tuple[int, str, list[Change]]:
    try:
        entry = json.loads(line)
        return int(entry["n"]), str(entry["at"]), [Change(what, table, rows) for what, table, rows in entry["changes"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{where} is damaged: {error}.", remedy=_REMEDY) from error


_BLOCK = 1 << 16


def _end_of(file: Any, number: int) -> tuple[int, int, int]:
    """The offset behind the last entry that is not after `number`, its own number, and the newest number of all.

    Found from the file's end, where it nearly always is; 0 and 0 where there is none.
    """
    newest = 0
    end = _behind_last_newline(file, file.seek(0, os.SEEK_END))
    while end:
        begin = _behind_last_newline(file, end - 1)
        file.seek(begin)
        found = _number(file.read(min(end - begin, _LONGEST_HEAD)))
        if found is not None:
            newest = max(newest, found)
            if found <= number:
                return end, found, newest
        end = begin
    return 0, 0, newest


_LONGEST_HEAD = 64


def _number(line: bytes) -> int | None:
    """The number that a line begins with; None for a line that is no entry: it never happened."""
    digits = line.removeprefix(b'{"n":').split(b",", 1)[0]
    return int(digits) if line.startswith(b'{"n":') and digits.isdigit() else None


def _behind_last_newline(file: Any, end: int) -> int:
    """The offset behind the last newline before `end`; 0 where there is none."""
    while end > 0:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        place = file.read(end - begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return 0

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
        entry = {"n": number, "at": at, "changes": [[one.what, one.table, list(one.rows)] for one in changes]}
        line = (json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
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

        Raises `ArchiveError` for a journal that lacks entry `number`: changes could be lost by a rebuild.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        end, found = 0, 0
        if size:
            with self.path.open("rb") as file:
                end, found = _end_of(file, number)
        if found != number:
            raise ArchiveError(
                f"{self.path} ends at entry {found}, the database at {number}.",
                remedy="bring both back from one backup, or write a new journal: vasari archive rebuild --journal DIR",
            )
        if end < size:
            self._cut_at(end)

    def entries(self) -> Iterator[tuple[int, str, list[Change]]]:
        """Each entry's number, time and changes in order; a torn last line is left out; raises `ArchiveError`."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for row, line in enumerate(file):
                if not line.endswith(b"\n"):
                    return
                yield _read(line, f"{self.path.name}, line {row + 1}")

    def _cut_at(self, size: int) -> None:
        if self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(size)
                os.fsync(file.fileno())


def _read(line: bytes, where: str) -> tuple[int, str, list[Change]]:
    try:
        entry = json.loads(line)
        return int(entry["n"]), str(entry["at"]), [Change(what, table, rows) for what, table, rows in entry["changes"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{where} is damaged: {error}.", remedy="bring the journal back from a backup") from error


_BLOCK = 1 << 16


def _end_of(file: Any, number: int) -> tuple[int, int]:
    """The offset behind the last entry that is not after `number`, and its own number; 0, 0 where there is none.

    Found from the file's end, where it nearly always is.
    """
    end = _behind_last_newline(file, file.seek(0, os.SEEK_END))
    while end:
        begin = _behind_last_newline(file, end - 1)
        file.seek(begin)
        found = _number(file.read(end - begin))
        if found <= number:
            return end, found
        end = begin
    return 0, 0


def _number(line: bytes) -> int:
    """The number that a line begins with; a line that is no entry counts as one that never happened."""
    digits = line.removeprefix(b'{"n":').split(b",", 1)[0]
    return int(digits) if line.startswith(b'{"n":') and digits.isdigit() else 1 << 62


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

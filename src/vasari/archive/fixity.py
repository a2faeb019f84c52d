"""Are the files still what they were? Their bytes against the hashes that the archive recorded.

The longest unchecked come first. A run that was broken off is taken up again where it stopped. What each file is found
to be is its `state`: present, missing, changed or unreadable.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, case, func, select

from vasari.archive.events import note_all
from vasari.archive.schema import FACTS, FILES
from vasari.archive.store import Archive
from vasari.archive.writer import Row, Writer
from vasari.foundation.errors import PlanError
from vasari.foundation.treatment import now

PRESENT, MISSING, CHANGED, UNREADABLE = "present", "missing", "changed", "unreadable"
_FACT = "verifying"
_BATCH_FILES = 100
_BATCH_BYTES = 1 << 30


@dataclass(frozen=True)
class Wrong:
    """A file that is not what it was: where it is, its state, the recorded hash and the one found ("" for none)."""

    path: str
    state: str
    sha256: str
    found: str = ""


@dataclass
class Verified:
    """What a run found: files to check in all, checked now, checked before it was broken off; bytes read."""

    files: int = 0
    checked: int = 0
    checked_before: int = 0
    bytes: int = 0
    wrong: list[Wrong] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)


#: Told of each file: its path, state and size.
Watch = Callable[[str, str, int], None]


@dataclass(frozen=True)
class _Run:
    """A run as the archive remembers it until it is finished."""

    began: str
    share: float
    by_day: bool

    def takes(self, path: str) -> bool:
        """True for a file that is in the sample of the day on which the run began."""
        drawn = hashlib.sha256(f"{self.began[:10]}\n{path}".encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(drawn[:8], "big") < self.share * 2**64


def verify(archive: Archive, share: float = 1.0, *, by_day: bool = False, watch: Watch | None = None) -> Verified:
    """Compare every file, or a `share` (0..1] of them, with its recorded SHA-256.

    A share takes those that were not checked for the longest time: a tenth a day checks all in ten days. With
    `by_day` it is drawn by the date instead, the same on the same day, another on the next. Files that were found
    wrong before are always checked again. Each batch is a transaction that keeps `state` and `checked`, and an
    event for every file that is wrong or is whole again; one more tells of the run. Masters are opened for reading
    only. Raises `PlanError` for a share out of range, `WriteError`.
    """
    if not 0 < share <= 1:
        raise PlanError(f"share={share:g} is not in 0..1.", remedy="use --share 0.1 for a tenth")
    run, again = _begun(archive, _Run(now(), share, by_day))
    done = Verified()
    with archive.reading() as connection:
        ids = _chosen(connection, run, again, done)
    batch: list[tuple[Row, Wrong | None]] = []
    size = 0
    for row in _rows(archive, ids):
        wrong = _checked(archive.folder, row)
        batch.append((row, wrong))
        size += row["bytes"]
        done.bytes += row["bytes"] if wrong is None or wrong.found else 0
        if watch is not None:
            watch(row["path"], wrong.state if wrong else PRESENT, row["bytes"])
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            _keep(archive, batch, done)
            batch, size = [], 0
    _keep(archive, batch, done)
    with archive.writing() as writer:
        outcome = "fail" if done.wrong else "success"
        detail = {"files": done.checked, "wrong": len(done.wrong), "share": share, "began": run.began}
        note_all(writer, "fixity check", [("archive", outcome, detail)])
        writer.put_fact(_FACT, "")
    return done


def _begun(archive: Archive, wanted: _Run) -> tuple[_Run, bool]:
    """The run to do, and True where it is one of the same sort that was broken off."""
    with archive.writing() as writer:
        kept = writer.connection.execute(select(FACTS.c.value).where(FACTS.c.name == _FACT)).scalar()
        before = _Run(**json.loads(kept)) if kept else None
        if before is not None and (before.share, before.by_day) == (wanted.share, wanted.by_day):
            return before, True
        writer.put_fact(_FACT, json.dumps({"began": wanted.began, "share": wanted.share, "by_day": wanted.by_day}))
        return wanted, False


def _chosen(connection: Connection, run: _Run, again: bool, done: Verified) -> array[int]:
    """The id of the first page of each file to check, the longest unchecked first; 8 bytes a file."""
    checked, first = func.min(FILES.c.checked), func.min(FILES.c.id)
    wrong = func.sum(case((FILES.c.state != PRESENT, 1), else_=0))
    query = select(first.label("id"), FILES.c.path, checked.label("checked"), wrong.label("wrong"))
    query = query.group_by(FILES.c.path).order_by(checked, first)
    paths = select(func.count(FILES.c.path.distinct()))
    left = math.ceil(run.share * connection.execute(paths).scalar_one())
    if again:  # what the run has checked has a time of the run, and counts towards its share
        left -= connection.execute(paths.where(FILES.c.checked >= run.began)).scalar_one()
    ids = array("q")
    for row in connection.execute(query, execution_options={"yield_per": 1000}).mappings():
        if again and row["checked"] >= run.began:
            done.checked_before += 1
        elif run.takes(row["path"]) if run.by_day else left > 0:
            left -= 1
            ids.append(row["id"])
        elif row["wrong"]:
            ids.append(row["id"])
    done.files = len(ids) + done.checked_before
    return ids


def _rows(archive: Archive, ids: Sequence[int]) -> Iterator[Row]:
    for begin in range(0, len(ids), _BATCH_FILES):
        chunk = list(ids[begin : begin + _BATCH_FILES])
        with archive.reading() as connection:
            found = connection.execute(select(FILES).where(FILES.c.id.in_(chunk))).mappings()
            rows = {row["id"]: dict(row) for row in found}
        yield from (rows[id] for id in chunk if id in rows)


def _checked(folder: Path, row: Row) -> Wrong | None:
    """What is wrong with a file; None for one that is what it was."""
    path = folder / row["path"]
    try:
        found = hash_of_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return Wrong(row["path"], MISSING, row["sha256"])
    except OSError:
        return Wrong(row["path"], UNREADABLE, row["sha256"])
    return None if found == row["sha256"] else Wrong(row["path"], CHANGED, row["sha256"], found)


def hash_of_file(path: Path) -> str:
    """SHA-256 of a file, streamed; on Linux from the disk where it can be, not from what memory holds of it."""
    with path.open("rb") as file:
        if sys.platform == "linux":
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep(archive: Archive, batch: Sequence[tuple[Row, Wrong | None]], done: Verified) -> None:
    """Write down what a batch of files was found to be; one that was added anew meanwhile is left alone."""
    if not batch:
        return
    with archive.writing() as writer:
        at = now()
        pages = _pages(writer, [row["path"] for row, _ in batch])
        events: list[tuple[str, str, dict[str, str]]] = []
        for row, wrong in batch:
            state = wrong.state if wrong else PRESENT
            known = [page for page in pages.get(row["path"], ()) if page["sha256"] == row["sha256"]]
            same = all(page["state"] == state for page in known)
            writer.put(FILES, ({**page, "state": state, "checked": at} for page in known), same_pictures=same)
            done.checked += 1
            if wrong is not None:
                done.wrong.append(wrong)
                events.append((wrong.path, "fail", {"state": state, "sha256": wrong.sha256, "found": wrong.found}))
            elif row["state"] != PRESENT:
                done.restored.append(row["path"])
                events.append((row["path"], "success", {"state": state, "before": row["state"]}))
        note_all(writer, "fixity check", events)


def _pages(writer: Writer, paths: Sequence[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in writer.connection.execute(select(FILES).where(FILES.c.path.in_(paths))).mappings():
        found.setdefault(row["path"], []).append(dict(row))
    return found

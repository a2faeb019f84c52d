"""The ledger of an output folder: one line per input page, appended after its result is visible.

DIR/ledger.jsonl     the ledger, append-only; the last line about a page counts
DIR/.vasari/lock     held by the process that works in DIR; the system frees it when that process dies
DIR/.vasari/work/    results in the making; emptied at every start
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.batches import INNER_NAME, LEDGER_NAME
from vasari.foundation.errors import PlanError, VasariError, WriteError
from vasari.foundation.folder_locks import held
from vasari.foundation.treatment import now

DONE, FAILED = "done", "failed"
_REPORT = "run the command again with --debug, and report what it prints"


@dataclass(frozen=True)
class Stamp:
    """A file's content by SHA-256, and the size in bytes and time of change in ns by which it is known again."""

    sha256: str
    bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Read and hash the file; raises `OSError`."""
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            return cls(hashlib.file_digest(file, "sha256").hexdigest(), found.st_size, found.st_mtime_ns)

    def looks_like(self, path: Path) -> bool:
        """True where size and time of change are the same: quick, nothing is read."""
        try:
            found = path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.bytes, self.mtime_ns)

    def matches(self, path: Path) -> bool:
        """True where the file's bytes are the same; hashed only if size agrees and time does not."""
        if self.looks_like(path):
            return True
        try:
            return path.stat().st_size == self.bytes and Stamp.of(path).sha256 == self.sha256
        except OSError:
            return False


@dataclass(frozen=True)
class Entry:
    """One line: what became of one page (`page` from 0, of `pages`) of one source.

    `job` is the key of the work (content hash, operation, plan, model); `result` is relative to the output
    folder; `beside` names the further files (record, evidence maps) and their SHA-256; `warnings` are what the
    record says of a page that is done and should be looked at.
    """

    status: str
    source: str
    page: int = 0
    pages: int = 1
    source_stamp: Stamp | None = None
    stem: str | None = None
    job: str | None = None
    result: str | None = None
    result_stamp: Stamp | None = None
    beside: dict[str, str] | None = None
    seconds: float | None = None
    megapixels: float | None = None
    error: str | None = None
    remedy: str | None = None
    time: str | None = None
    warnings: tuple[str, ...] | None = None

    def to_json(self) -> str:
        """One line of JSON, None left out; the stamps as flat keys `source_sha256`, `result_bytes` ..."""
        values = {key: value for key, value in asdict(self).items() if value is not None}
        for name in ("source", "result"):
            stamp = values.pop(f"{name}_stamp", None) or {}
            values |= {f"{name}_{key}": value for key, value in stamp.items()}
        line = json.dumps(values, ensure_ascii=False)
        try:
            line.encode()
        except UnicodeEncodeError:  # a file name that is no UTF-8: the line must be
            return json.dumps(values)
        return line

    @classmethod
    def from_json(cls, line: str) -> Entry:
        """The inverse of `to_json`; unknown keys are left out; raises `ValueError`."""
        values = json.loads(line)
        if not isinstance(values, dict) or not {"status", "source"} <= values.keys():
            raise ValueError("not a ledger entry")
        for name in ("source", "result"):
            if f"{name}_sha256" in values:
                stamp = {item.name: values[f"{name}_{item.name}"] for item in fields(Stamp)}
                values[f"{name}_stamp"] = Stamp(**stamp)
        if values.get("warnings") is not None:
            values["warnings"] = tuple(values["warnings"])
        known = {item.name for item in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})


def failure_of(entry: Entry, error: Exception, *, debug: bool = False) -> Entry:
    """The entry of a failure, expected or not, with a remedy; `debug` prints the traceback to stderr as well."""
    if debug:
        traceback.print_exception(error)
    message, remedy = f"An unexpected failure ({f'{type(error).__name__}: {error}'.strip()}).", _REPORT
    if isinstance(error, VasariError):
        message, remedy = error.message, error.remedy
    return replace(entry, status=FAILED, time=now(), error=message, remedy=remedy)


class Ledger:
    """The entries of `DIR/ledger.jsonl`; `append` returns only when the line is on the disk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEDGER_NAME
        self.entries: dict[tuple[str, int], Entry] = {}
        self._read()

    def _read(self) -> None:
        """Read all whole lines; a line cut by a kill or a power failure is passed over."""
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
            try:
                entry = Entry.from_json(line)
            except (ValueError, KeyError, TypeError):
                continue
            self.entries[entry.source, entry.page] = entry

    def append(self, entry: Entry) -> None:
        """Add a line durably; raises `WriteError`."""
        data = (entry.to_json() + "\n").encode()
        try:
            is_new = not self.path.exists()
            with self.path.open("a+b") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    # A torn last line gets its end, so that this one stands alone.
                    data = data if file.read(1) == b"\n" else b"\n" + data
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise WriteError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                remedy="free some space, or choose a folder that you may write to",
            ) from error
        self.entries[entry.source, entry.page] = entry

    def claims(self) -> dict[Path, str]:
        """Source path -> stem of its results, for `batches.name_results`."""
        return {Path(entry.source): entry.stem for entry in self.entries.values() if entry.stem}

    def results(self) -> set[Path]:
        """The absolute paths of everything that was written, results, records and maps."""
        folder = self.path.parent.resolve()
        names: set[str] = set()
        for entry in self.entries.values():
            names |= {entry.result or "", *(entry.beside or {})}
        return {folder / name for name in names if name}


@contextmanager
def sole_worker(folder: Path, called: str = "") -> Iterator[Path]:
    """Hold `folder` for this process alone, and give the empty folder for work in the making.

    `called`: what the folder stands for, where that is elsewhere. Raises `PlanError` where another process works
    there, `WriteError` where nothing can be written.
    """
    inner = folder / INNER_NAME
    taken = PlanError(
        f"Another process is working in {called or folder}.",
        remedy="wait until it has finished, or choose another output folder",
    )
    named = f"The folder {folder}, for the ledger of {called}," if called else f"The output folder {folder}"
    with held(inner / "lock", taken=taken, unusable=WriteError, called=named):
        work = inner / "work"
        shutil.rmtree(work, ignore_errors=True)
        try:
            work.mkdir()
        except OSError as error:
            raise WriteError(
                f"{work} cannot be emptied: {error.strerror or error}.", remedy="remove it, or choose another folder"
            ) from error
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def publish(staged: Path, target: Path) -> None:
    """Move a whole, synced file to where it is seen; raises `WriteError`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise WriteError(
            f"{target} could not be written: {error.strerror or error}.",
            remedy="free some space, or choose a folder that you may write to",
        ) from error


def withdraw(target: Path) -> None:
    """Remove an older result before its new record is published; raises `WriteError`.

    Killed in between, nothing stands there that its record does not tell of.
    """
    try:
        target.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(
            f"{target} could not be replaced: {error.strerror or error}.",
            remedy="move it elsewhere, or name another file",
        ) from error


def job_key(content: str, operation: str, plan: str, model: str, page: int = 0) -> str:
    """SHA-256 over what decides a result: content hash, operation, plan digest, model digest, page."""
    parts: list[Any] = [content, operation, plan, model, page]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

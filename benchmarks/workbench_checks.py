"""What must be true of a workbench after its processes were killed: nothing lost, nothing twice, nothing by halves."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

PATIENCE_S = 900.0


def wrong_uploads(folder: Path, sent: set[str], seen: set[str] | None = None) -> list[str]:
    """What was answered and is not there, and what is there and not whole.

    `sent` are SHA-256 that were answered. `seen` are those already looked at, which are passed over; it grows.
    """
    from vasari.archive.workbench.database import WorkbenchDatabase
    from vasari.archive.workbench.schema import UPLOADS

    seen = set() if seen is None else seen
    with WorkbenchDatabase.open(folder) as database, database.reading() as connection:
        rows = {(row.sha256, row.name) for row in connection.execute(select(UPLOADS))}
    place = folder / "workbench" / "uploads"
    known = {sha256 for sha256, _ in rows}
    wrong = [f"the upload {one} was answered and is not known" for one in sent - known]
    wrong += [
        f"{sha256}/{name} is known and not there" for sha256, name in rows if not (place / sha256 / name).is_file()
    ]
    there = [path for path in place.iterdir() if not path.name.startswith(".")] if place.is_dir() else []
    for one in there:
        if one.name not in seen:
            seen.add(one.name)
            hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in one.iterdir()}
            if hashes != {one.name}:
                wrong.append(f"the folder {one.name} does not hold its content")
    return wrong


def wrong_results(folder: Path, seen: set[str] | None = None) -> list[str]:
    """Results that are visible and not what they tell of themselves; `seen` as for uploads."""
    seen = set() if seen is None else seen
    wrong = []
    place = folder / "workbench" / "results"
    for one in [path for path in place.iterdir() if not path.name.startswith(".")] if place.is_dir() else []:
        if one.name in seen:
            continue
        seen.add(one.name)
        told = {file["name"]: file["sha256"] for file in json.loads((one / "result.json").read_bytes())["files"]}
        files = {path.relative_to(one).as_posix(): path for path in one.rglob("*") if path.is_file()}
        shown = {name: path for name, path in files.items() if not name.startswith(".") and name != "result.json"}
        if shown.keys() != told.keys():
            wrong.append(f"{one.name} has other files than it tells")
        for name in shown.keys() & told.keys():
            if hashlib.sha256(shown[name].read_bytes()).hexdigest() != told[name]:
                wrong.append(f"{one.name}/{name} is not whole")
    return wrong


def wrong_jobs(folder: Path, ids: set[str]) -> list[str]:
    """Jobs that are gone, did not end well, or tell of other results than are there; and what was left of others."""
    from vasari.foundation.errors import ArchiveError

    wrong = []
    results = folder / "workbench" / "results"
    with queue_of(folder) as queue:
        for id in sorted(ids):
            try:
                job = queue.get(id)
            except ArchiveError:
                wrong.append(f"the job {id} was answered and is not known")
                continue
            if job.state != "done":
                wrong.append(f"{id} {job.operation} is {job.state}: {job.error}")
            elif json.loads((results / id / "result.json").read_bytes())["files"] != job.result["files"]:
                wrong.append(f"{id} tells of other results than are there")
    return [*wrong, *wrong_results(folder), *(f"{path.name} was left" for path in results.glob(".*.part"))]


def wrong_works(folder: Path, contents: set[str], sent: set[str] | None = None) -> list[str]:
    """Pictures that are not in the archive, or more than once, or that nobody sent."""
    from vasari.archive.schema import FILES, WORKS
    from vasari.archive.store import Archive

    with Archive.open(folder) as archive, archive.reading() as connection:
        found = list(connection.execute(select(FILES.c.sha256)).scalars())
        works = len(list(connection.execute(select(WORKS.c.id)).scalars()))
    wrong = [f"{one} is not in the archive" for one in contents - set(found)]
    if len(found) != len(set(found)) or works != len(found):
        wrong.append(f"{len(found)} files, {len(set(found))} of them different, in {works} works")
    return wrong + [f"{one} was never sent" for one in set(found) - (contents if sent is None else sent)]


@contextmanager
def queue_of(folder: Path) -> Iterator[Any]:
    """The queue of an archive."""
    from vasari.archive.workbench.database import WorkbenchDatabase
    from vasari.archive.workbench.queue import Queue

    with WorkbenchDatabase.open(folder) as database:
        yield Queue(database)


def open_jobs(folder: Path) -> int:
    """How many jobs have not ended."""
    with queue_of(folder) as queue:
        counts = queue.counts()
    return int(counts["queued"] + counts["running"])


def until(true: Callable[[], bool], what: str, pause_s: float = 0.5) -> None:
    """Wait until something is so; a `TimeoutError` that names it where it takes too long."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"after {PATIENCE_S:g} s still not: {what}")
        time.sleep(pause_s)

"""How fast an archive is kept: rebuilt, moved, backed up, verified, exported.

    python benchmarks/archive_keeping.py --works 100000 --megabytes 2000
    python benchmarks/archive_keeping.py --works 100000 --database postgresql://USER@HOST/EMPTY

Works are made up: a title, an artist of 2,000, a date and three tags each, a row of a file, and a feature of 1 kB. The
files for `verify` are random bytes of 5 MB each in the folder for temporary files; on Linux they are read from the disk
and not from memory, where the system lets go of them. "Busy" are the seconds of a processor that were used: on a
crowded machine they say more than the clock. Memory is the process's highest so far.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vasari.archive.backup import backup, recover
from vasari.archive.compaction import rewrite_journal
from vasari.archive.exports.returning import take_back
from vasari.archive.exports.writing import ExportPlan, export
from vasari.archive.fixity import verify
from vasari.archive.rebuild import rebuild
from vasari.archive.rows import digests
from vasari.archive.schema import FEATURES, FILES, JOURNALED
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import Archive
from vasari.archive.transfer import transfer
from vasari.foundation.treatment import now

FILE_BYTES = 5_000_000


def main() -> None:
    """Print a line for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--megabytes", type=int, default=500, help="of files to verify")
    parser.add_argument("--database", help="an empty PostgreSQL database, to move to and back from")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    figures: dict[str, Any] = {"works": given.works, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.works, given.megabytes, given.database, figures)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(folder: Path, works: int, megabytes: int, database: str | None, figures: dict[str, Any]) -> None:
    """All steps over one archive in `folder`."""
    home = folder / "archive"

    def timed(name: str, step: Callable[[], object], amount: float, unit: str) -> None:
        began, busy = time.perf_counter(), time.process_time()
        step()
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures[name] = {"seconds": seconds, "cpu_seconds": busy, unit: amount / seconds, "peak_mb": peak}
        rate = f"{amount / seconds:10,.0f} {unit}"
        print(f"{name:17} {seconds:8.1f} s ({busy:6.1f} s busy) {rate:18} {peak:6.0f} MB", flush=True)

    with Archive.create(home) as archive:
        timed("make", lambda: fill(archive, works), works, "works/s")
    before = state_of(home)
    rows = sum(before[name].rows for name in JOURNALED)
    everything = sum(one.rows for one in before.values())
    timed("rebuild", lambda: rebuild(home), rows, "rows/s")
    figures["rebuild is exact"] = state_of(home) == before
    with Archive.open(home) as archive:
        timed("rebuild --journal", lambda: rewrite_journal(archive), rows, "rows/s")
        timed("backup", lambda: backup(archive, folder / "copy"), everything, "rows/s")
    timed("recover", lambda: recover(folder / "copy", folder / "back"), everything, "rows/s")
    if database:
        timed("to PostgreSQL", lambda: transfer(Archive.open(home), database), everything, "rows/s")
        timed("to SQLite", lambda: transfer(Archive.open(home), None), everything, "rows/s")
        figures["transfer is exact"] = state_of(home) == before
    with Archive.open(home) as archive:
        for format in ("csv", "jsonld"):
            target = folder / f"works.{format}"
            timed(f"export {format}", lambda: export(archive, target, format, ExportPlan()), works, "works/s")  # noqa: B023
    with Archive.create(folder / "second") as archive:
        timed("import jsonld", lambda: take_back(archive, folder / "works.jsonld"), works, "works/s")
    with Archive.create(folder / "files") as archive:
        size = put_files(archive, folder / "scans", megabytes)
        timed("verify", lambda: verify(archive), size / 1e6, "MB/s")


def state_of(home: Path) -> dict[str, Any]:
    """The digest of every table."""
    with Archive.open(home) as archive, archive.reading() as connection:
        return digests(connection)


def fill(archive: Archive, works: int) -> None:
    """Works with statements, a row of a file and a feature each."""
    numbers = random.Random(1)
    for begin in range(0, works, 1000):
        with archive.writing() as writer:
            ids = works_of(writer, [f"work {number}" for number in range(begin, min(works, begin + 1000))])
            claims = {
                id: [
                    Claim("title", f"A view of the garden, number {id}"),
                    Claim("artist", f"Artist {numbers.randrange(2000)}"),
                    Claim("date", f"c. {numbers.randrange(1500, 1950)}"),
                    *(Claim("tag", f"tag {numbers.randrange(500)}") for _ in range(3)),
                ]
                for id in ids.values()
            }
            state(writer, claims, Speaker("catalog", "Made up"))
            writer.add(FILES, (file_row(id, f"/scans/{id}.tif", f"{id:064x}", FILE_BYTES) for id in ids.values()))
            writer.put(
                FEATURES,
                (
                    {"content": f"{id:064x}", "name": "style", "version": "1", "vector": numbers.randbytes(1024)}
                    for id in ids.values()
                ),
            )


def put_files(archive: Archive, folder: Path, megabytes: int) -> int:
    """Files of random bytes that the archive knows; their bytes in all."""
    folder.mkdir()
    rows = []
    for number in range(max(1, megabytes * 1_000_000 // FILE_BYTES)):
        path = folder / f"{number}.tif"
        data = random.Random(number).randbytes(FILE_BYTES)
        path.write_bytes(data)
        rows.append(file_row(1, str(path), hashlib.sha256(data).hexdigest(), FILE_BYTES))
    os.sync()
    with archive.writing() as writer:
        works_of(writer, ["work"])
        writer.add(FILES, rows)
    return len(rows) * FILE_BYTES


def file_row(work_id: int, path: str, sha256: str, size: int) -> dict[str, Any]:
    """A row of `files` without an id."""
    return {
        "work_id": work_id, "path": path, "page": 0, "content": sha256, "sha256": sha256, "bytes": size,
        "modified_ns": 0, "width": 4000, "height": 3000, "format": "tiff", "depth": 16, "phash": None,
        "copied": False, "state": "present", "added": now(), "checked": now(),
    }  # fmt: skip


if __name__ == "__main__":
    main()

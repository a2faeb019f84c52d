"""The process that does jobs for a worker, one after the other, and keeps what it has loaded.

It is told jobs and tells progress through a socket, a line of JSON each; when the worker's end closes, it ends. What it
makes lies in `results/.JOB.part` until all is whole, then in `results/JOB`: cut off, the next try goes on there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.app.operations.references import MANIFEST, RESULTS, Places
from vasari.archive.workbench.jobs import Job
from vasari.foundation.atomic_files import sync_folder, write_whole
from vasari.foundation.errors import VasariError, WriteError
from vasari.foundation.folder_locks import held

TELL_EVERY_S = 0.3


class BusyError(VasariError):
    """Another process works on the same job: its lease is over, and it has not noticed yet."""


@dataclass
class Line:
    """The socket to the worker; safe to share between threads."""

    socket: socket.socket
    lock: threading.Lock

    def say(self, **values: Any) -> None:
        """Send a line; a worker that is gone ends the process."""
        with self.lock:
            try:
                self.socket.sendall(json.dumps(values).encode() + b"\n")
            except OSError:
                os._exit(1)


def do(job: Job, archive_folder: Path, folder: Path, line: Line) -> dict[str, Any]:
    """Do a job and give what it came to: `files` (name, bytes, sha256) and `values`; done before, it is told again.

    Raises `VasariError` for what fails on purpose, and whatever else goes wrong.
    """
    from vasari.archive.store import Archive

    results = folder / RESULTS
    taken = BusyError("Another worker is still at this job.", remedy="wait until it has noticed that it lost it")
    part = results / f".{job.id}.part"
    with held(part / ".lock", taken=taken, unusable=WriteError, called=f"The folder {results}"):
        whole = results / job.id
        with Archive.open(archive_folder) as archive:
            places = Places(archive, folder, roots=None)
            if not whole.is_dir():
                _make(job, part, whole, places, line)
            else:
                shutil.rmtree(part, ignore_errors=True)
            result: dict[str, Any] = json.loads((whole / MANIFEST).read_bytes())
            if job.fields.get("add_to_archive"):
                result["archive"] = _kept(whole, result, archive)
        return result


def _make(job: Job, part: Path, whole: Path, places: Places, line: Line) -> None:
    from vasari.app.operations.ordering import errand_of

    told = 0.0

    def advance(done: float, total: float, words: str) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= TELL_EVERY_S or done >= total:
            told = now
            line.say(done=done, total=total, words=words[:200])

    try:
        part.mkdir(parents=True, exist_ok=True)
        operation, errand = errand_of(job, part, places, advance)
        values = operation.run(errand)
        files = listed(part)
        text = json.dumps({"files": files, "values": values}, ensure_ascii=True, default=str)
        write_whole(part / MANIFEST, text.encode())
        for below in (path for path in part.rglob("*") if path.is_dir()):
            sync_folder(below)
        part.rename(whole)
        sync_folder(whole.parent)
    except OSError as error:
        if isinstance(error, InterruptedError):
            raise
        raise WriteError(
            f"The results could not be written: {error.strerror or error}.", remedy="free some space; retry the job"
        ) from error


def listed(folder: Path) -> list[dict[str, Any]]:
    """The files of a folder that are seen, by their names in it: bytes and SHA-256; all are brought to the disk."""
    files = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts) or not path.is_file() or name.name == MANIFEST:
            continue
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        files.append({"name": name.as_posix(), "bytes": path.stat().st_size, "sha256": sha256})
    return files


def _kept(whole: Path, result: Mapping[str, Any], archive: Any) -> dict[str, Any]:
    """Put the pictures that have a record into the archive; what became of them."""
    from vasari.app.operations.archiving import keep
    from vasari.archive.ingest.plan import AddPlan
    from vasari.foundation.batches import PICTURE_SUFFIXES, RECORD_ENDING

    names = {one["name"] for one in result["files"]}
    pictures = [
        whole / name
        for name in sorted(names)
        if Path(name).suffix.lower() in PICTURE_SUFFIXES
        and Path(name).with_suffix("").as_posix() + RECORD_ENDING in names
    ]
    counts: dict[str, Any] = keep(archive, pictures, AddPlan(copy=True, workers=1, near_distance=-1)).counts
    return counts


def told(error: BaseException) -> dict[str, Any]:
    """A failure as the worker passes it on: what, remedy, and whether another try may do better."""
    if isinstance(error, (WriteError, BusyError)):
        return {"what": error.message, "remedy": error.remedy, "again": True}
    if isinstance(error, VasariError):
        return {"what": error.message, "remedy": error.remedy, "again": False}
    if isinstance(error, MemoryError):
        return {
            "what": "The memory was not enough.", "again": False,
            "remedy": "use smaller tiles or a smaller size, or a worker with more memory (--memory-gb)",
        }  # fmt: skip
    if isinstance(error, InterruptedError):
        return {"what": f"It was {error}.", "remedy": "it goes on where it was", "again": True}
    traceback.print_exception(error)
    return {
        "what": f"An unexpected failure ({type(error).__name__}).", "again": True,
        "remedy": "see the worker's log, and report it",
    }  # fmt: skip


def serve(line: Line, archive_folder: Path, folder: Path) -> None:
    """Do the jobs that come through the socket until it closes."""
    jobs: list[Job] = []
    come = threading.Semaphore(0)

    def listen() -> None:
        with line.socket.makefile("rb") as lines:
            for text in lines:
                jobs.append(Job.from_row(json.loads(text)))
                come.release()
        os._exit(0)  # the worker is gone: whatever is in work is no longer ours

    threading.Thread(target=listen, daemon=True).start()
    while True:
        come.acquire()
        job = jobs.pop(0)
        try:
            result = do(job, archive_folder, folder, line)
        except BaseException as error:
            line.say(id=job.id, failed=told(error))
            if not isinstance(error, Exception):
                raise
        else:
            line.say(id=job.id, result=result)


def clear(folder: Path, id: str) -> None:
    """Throw away what an unfinished job left."""
    shutil.rmtree(folder / RESULTS / f".{id}.part", ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry of the process; only a worker starts it."""
    parser = argparse.ArgumentParser(prog="python -m vasari.app.job_runner")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--memory", type=int, default=0)
    given = parser.parse_args(arguments)
    if given.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (given.memory, given.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(Line(socket.socket(fileno=given.socket), threading.Lock()), given.archive, given.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A workbench whose server and workers are killed with SIGKILL again and again: what is lost, what is seen by halves.

    python benchmarks/kill_workbench.py server   [--kills 50] [--seed 1]
    python benchmarks/kill_workbench.py workers  [--kills 50] [--jobs 60] [--seed 1]
    python benchmarks/kill_workbench.py postgres [--restarts 5] [--jobs 60]

`server`: clients send pictures and ask for jobs without a pause, while `vasari serve` is killed and started again. Then
all that was answered must be there, and all that is there must be what was sent: each upload by its hash, each job
once. `workers`: a queue of two kinds of jobs, worked on by `vasari worker`, which is killed;
each job must end once with whole results, and each picture stand in the archive once. `postgres`: the same jobs on
PostgreSQL, whose server is restarted (`pg_ctl -m immediate`) while two workers work. Prints JSON; exit code 1 where
anything is wrong.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import io
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from machine import described

PATIENCE_S = 900
SENDERS = 3
#: One job in so many makes a picture, the others add one to the archive.
EACH = 10


def picture(number: int, side_px: int = 160) -> bytes:
    """A PNG that is like no other."""
    from PIL import Image

    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (side_px, side_px, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def vasari(*words: str) -> subprocess.Popen[bytes]:
    """A command of Vasari in a session of its own, silent."""
    command = [sys.executable, "-m", "vasari.app.cli.main", *words]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as a power cut would."""
    process.kill()
    process.wait()


class Senders:
    """Clients that send pictures and ask for jobs until told to stop; what was answered is kept."""

    def __init__(self, address: str, work: Path) -> None:
        self.address, self.work = address, work
        self.sent: dict[str, bytes] = {}
        self.asked: dict[str, str] = {}
        self.failures = 0
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]

    def __enter__(self) -> Senders:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _send(self, sender: int) -> None:
        from vasari.app.client import Workbench, WorkbenchError

        client = Workbench(self.address, token="", timeout_s=20)
        path = self.work / f"sender{sender}.png"
        number = sender * 1_000_000
        while not self.stop.is_set():
            number += 1
            data = picture(number)
            path.write_bytes(data)
            try:
                reference = client.upload(path)
                with self.lock:
                    self.sent[reference] = data
                job = client.submit("archive-add", [reference])
                with self.lock:
                    self.asked[job.id] = reference
            except WorkbenchError:
                self.failures += 1
                client = Workbench(self.address, token="", timeout_s=20)  # a new server may know other sessions
                self.stop.wait(0.3)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def server(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """The server killed while it is sent pictures and asked for jobs."""
    from vasari.app.client import Workbench
    from vasari.archive.store import Archive

    folder, draw, port = work / "archive", random.Random(given.seed), free_port()
    Archive.create(folder).close()
    address = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    with Senders(address, work) as senders:
        for _ in range(given.kills):
            process = vasari("serve", str(folder), "--port", str(port), "--workers", "1")
            wait_for(address)
            time.sleep(draw.uniform(0.2, given.longest))
            kill(process)
            told(f"{len(senders.sent)} sent, {len(senders.asked)} asked for")
    last = vasari("serve", str(folder), "--port", str(port), "--workers", "1")
    try:
        wait_for(address)
        client = Workbench(address, token="")
        until(lambda: all(client.job(id).state in ("done", "failed") for id in senders.asked))
        wrong = wrong_uploads(folder, senders.sent) + wrong_jobs(folder, set(senders.asked))
    finally:
        last.terminate()
        last.wait(60)
    wrong += wrong_works(folder, {senders.asked[id][7:] for id in senders.asked})
    return {
        "kills": given.kills, "uploads": len(senders.sent), "jobs": len(senders.asked),
        "requests_cut_off": senders.failures, "seconds": round(time.monotonic() - began), "wrong": wrong,
    }  # fmt: skip


def workers(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Workers killed over a queue of jobs."""
    from vasari.archive.store import Archive

    folder, draw = work / "archive", random.Random(given.seed)
    Archive.create(folder).close()
    began = time.monotonic()
    ids, contents = queued(folder, given.jobs)
    kills = 0
    while kills < given.kills and open_jobs(folder):
        process = vasari("worker", str(folder), "--lease-s", "3")
        time.sleep(draw.uniform(1.0, given.longest))
        kill(process)
        kills += 1
        told(f"{kills} kills, {open_jobs(folder)} jobs are open")
    last = vasari("worker", str(folder), "--lease-s", "3")
    try:
        until(lambda: not open_jobs(folder))
    finally:
        last.terminate()
        last.wait(60)
    wrong = wrong_jobs(folder, ids) + wrong_works(folder, contents)
    return {"kills": kills, "jobs": len(ids), "seconds": round(time.monotonic() - began), "wrong": wrong}


def postgres(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """PostgreSQL restarted under two workers."""
    import pgserver

    from vasari.archive.store import Archive

    database = pgserver.get_server(work / "data")
    folder = work / "archive"
    began = time.monotonic()
    try:
        Archive.create(folder, database.get_uri()).close()
        ids, contents = queued(folder, given.jobs)
        processes = [vasari("worker", str(folder), "--lease-s", "20") for _ in range(2)]
        for restart in range(given.restarts):
            left = given.jobs * (given.restarts - restart) // (given.restarts + 1)
            until(lambda left=left: open_jobs(folder) <= left)
            pgserver.pg_ctl(["-w", "-m", "immediate", "restart"], pgdata=database.pgdata, user=database.system_user)
            told(f"restarted, {open_jobs(folder)} jobs are open")
        until(lambda: not open_jobs(folder))
        for process in processes:
            process.terminate()
        ended = [process.wait(60) for process in processes]
        wrong = wrong_jobs(folder, ids) + wrong_works(folder, contents)
    finally:
        database.cleanup()
    wrong += [f"a worker ended with {code}" for code in ended if code]
    return {
        "restarts": given.restarts, "jobs": len(ids), "seconds": round(time.monotonic() - began), "wrong": wrong,
    }  # fmt: skip


def queued(folder: Path, count: int) -> tuple[set[str], set[str]]:
    """Jobs over pictures that were sent in, of two kinds; their ids, and the pictures that are added."""
    from vasari.app.operations.ordering import order_of
    from vasari.app.operations.references import Places
    from vasari.archive.store import Archive

    ids, contents = set(), set()
    with Archive.open(folder) as archive, queue_of(folder) as queue:
        places = Places(archive, folder / "workbench")
        for number in range(count):
            data = picture(number)
            sha256 = hashlib.sha256(data).hexdigest()
            place = places.folder / "uploads" / sha256
            place.mkdir(parents=True)
            (place / "scan.png").write_bytes(data)
            if number % EACH:
                order = order_of("archive-add", {}, [f"upload:{sha256}"], places)
                contents.add(sha256)
            else:
                fields = {"box": [4, 4, 24, 24], "method": "exemplar"}
                # Loading a network's library takes longest: these come last.
                order = order_of("inpaint", fields, [f"upload:{sha256}"], places, priority=-1)
            # Here workers die far more often than jobs have tries.
            ids.add(queue.submit(dataclasses.replace(order, attempts_allowed=10_000))[0].id)
    return ids, contents


def wrong_uploads(folder: Path, sent: dict[str, bytes]) -> list[str]:
    """What was answered and is not there, and what is there and not whole."""
    from sqlalchemy import select

    from vasari.archive.workbench.database import WorkbenchDatabase
    from vasari.archive.workbench.schema import UPLOADS

    with WorkbenchDatabase.open(folder) as database, database.reading() as connection:
        rows = {row.sha256: row.name for row in connection.execute(select(UPLOADS))}
    place = folder / "workbench" / "uploads"
    wrong = [f"{one} was answered and is not known" for one in sent if one[7:] not in rows]
    for one in (path for path in place.iterdir() if not path.name.startswith(".")):
        files = list(one.iterdir())
        if len(files) != 1 or hashlib.sha256(files[0].read_bytes()).hexdigest() != one.name:
            wrong.append(f"the folder {one.name} does not hold its content")
    return wrong + [
        f"{sha256} is known and not there" for sha256 in rows if not (place / sha256 / rows[sha256]).is_file()
    ]


def wrong_jobs(folder: Path, ids: set[str]) -> list[str]:
    """Jobs that are gone, did not end well, or whose results are not what they tell."""
    wrong = []
    results = folder / "workbench" / "results"
    with queue_of(folder) as queue:
        for id in sorted(ids):
            job = queue.get(id)
            if job.state != "done":
                wrong.append(f"{id} {job.operation} is {job.state}: {job.error}")
                continue
            seen = {path.name for path in (results / id).iterdir()} - {"result.json"}
            seen = {name for name in seen if not name.startswith(".")}
            if seen != {one["name"] for one in job.result["files"]}:
                wrong.append(f"{id} has other files than it tells")
            for one in job.result["files"]:
                if hashlib.sha256((results / id / one["name"]).read_bytes()).hexdigest() != one["sha256"]:
                    wrong.append(f"{id}/{one['name']} is not whole")
    return wrong + [f"{path.name} was left" for path in results.glob(".*.part")]


def wrong_works(folder: Path, contents: set[str]) -> list[str]:
    """Pictures that are not in the archive, or more than once."""
    from sqlalchemy import select

    from vasari.archive.schema import FILES, WORKS
    from vasari.archive.store import Archive

    with Archive.open(folder) as archive, archive.reading() as connection:
        found = list(connection.execute(select(FILES.c.sha256)).scalars())
        works = len(list(connection.execute(select(WORKS.c.id)).scalars()))
    wrong = [f"{one} is not in the archive" for one in contents - set(found)]
    if len(found) != len(set(found)) or works != len(found):
        wrong.append(f"{len(found)} files, {len(set(found))} of them different, in {works} works")
    return wrong


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


def wait_for(address: str) -> None:
    """Until a server answers."""
    import urllib.request

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{address}/api/v1/visitor", timeout=5):
                return True
        except OSError:
            return False

    until(answers, 0.05)


def until(true: Any, pause_s: float = 0.5) -> None:
    """Wait until something is so; a `TimeoutError` where it takes too long."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("it took too long")
        time.sleep(pause_s)


def told(text: str) -> None:
    """A line on how far it is."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run one part and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("server", "workers", "postgres"))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--longest", type=float, default=8.0, help="longest life of a server or worker, in seconds")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-", ignore_cleanup_errors=True) as work:
        found = {"server": server, "workers": workers, "postgres": postgres}[given.part](given, Path(work))
    print(json.dumps({"part": given.part, "machine": described(), **found}, indent=2))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""A workbench whose server, workers and database are killed again and again: what is lost, what is seen by halves.

    python benchmarks/kill_workbench.py server   [--kills 50] [--seed 1]
    python benchmarks/kill_workbench.py workers  [--kills 50] [--jobs 120] [--seed 1]
    python benchmarks/kill_workbench.py postgres [--restarts 5] [--jobs 120] [--away-s 0] [--lease-s 20]

`server`: clients send pictures, ask for jobs and wait for their ends, one after another without a pause, while
`vasari serve` is killed and started again: in turn it alone, so that its worker finds itself orphaned, and it with all
of its processes. The instant is drawn uniformly over the life of a picture, from its first byte to the end of its job,
whose length is measured as it goes; only lives in a server that has already ended one are taken, so that starting up
is not what is killed. After each kill all that is visible is compared with what was sent; at the end, all that was
answered must be there. `workers`: a queue of two kinds of jobs, worked on by `vasari worker`, which is killed;
each job must end once with whole results, and each picture stand in the archive once. `postgres`: the same jobs on
PostgreSQL, whose server is stopped (`pg_ctl -m immediate`) and started again `--away-s` seconds later, while two
workers work. Prints JSON; exit code 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import http.client
import json
import math
import os
import random
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from machine import described
from workbench_checks import open_jobs, queue_of, until, wrong_jobs, wrong_results, wrong_uploads, wrong_works
from workbench_senders import PHASES, Senders, picture

SENDERS = 2
#: Side of the pictures that are sent, in pixels: some 1.5 MB each, so that sending takes a while.
SIDE_PX = 700
#: One job in so many makes a picture, the others add one to the archive.
EACH = 10


def vasari(*words: str, log: Path | None = None) -> subprocess.Popen[bytes]:
    """A command of Vasari in a session of its own; what it says goes to the end of `log`."""
    command = [sys.executable, "-m", "vasari.app.cli.main", *words]
    with Path(os.devnull if log is None else log).open("ab") as said:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as a power cut would."""
    process.kill()
    process.wait()


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, and these started, at once."""
    for one in [process.pid, *descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    process.wait()


def descendants(process: int) -> list[int]:
    """The processes that a process started, and those that they started, by /proc."""
    parents: dict[int, list[int]] = {}
    for one in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            words = one.read_text().rpartition(")")[2].split()
            parents.setdefault(int(words[1]), []).append(int(one.parent.name))
    found = list(parents.get(process, ()))
    return found + [below for child in found for below in descendants(child)]


def free_port() -> int:
    """A port that nobody listens at, and that the system gives no client: else a client may find itself there.

    A connection to a port of the ephemeral range where nobody listens can be answered by itself (a simultaneous open);
    then no server can take the port.
    """
    for port in range(18_000, 30_000, 7):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise SystemExit("no port is free")


def server(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """The server killed while it is sent pictures and asked for jobs."""
    from vasari.archive.store import Archive

    folder, draw, port = work / "archive", random.Random(given.seed), free_port()
    Archive.create(folder).close()
    address, log = f"http://127.0.0.1:{port}", work / "server.log"
    began, wrong = time.monotonic(), list[str]()
    killed: list[dict[str, Any]] = []
    seen: tuple[set[str], set[str]] = (set(), set())
    with Senders(address, work, SENDERS, SIDE_PX) as senders:
        for number in range(given.kills):
            if time.monotonic() - began > given.minutes * 60:
                break
            process = vasari("serve", str(folder), "--port", str(port), "--workers", "1", log=log)
            killed.append(one_kill(process, address, senders, draw, number % 2 == 1))
            wrong += wrong_uploads(folder, set(senders.sent), seen[0]) + wrong_results(folder, seen[1])
            told(
                f"{number + 1}: {killed[-1]}, {len(senders.sent)} sent, {len(senders.asked)} asked for, wrong: {wrong}"
            )
        last = vasari("serve", str(folder), "--port", str(port), "--workers", "1", log=log)
        try:
            wait_for(address, last)
            deaths = senders.deaths
            until(lambda: senders.deaths > deaths + SENDERS, "each client waits its life out")
            senders.stop.set()
            until(lambda: not open_jobs(folder), "no job is open")
        finally:
            last.terminate()
            last.wait(60)
    wrong += wrong_uploads(folder, senders.sent) + wrong_jobs(folder, set(senders.asked))
    wrong += wrong_works(folder, senders.adding, senders.begun) + senders.refused
    shares = sorted(one["share"] for one in killed)
    phases = Counter(phase for one in killed for phase in one["phases"])
    return {
        "kills": len(killed), "alone": sum(not one["all"] for one in killed), "uploads": len(senders.sent),
        "jobs": len(senders.asked), "requests_cut_off": senders.cut_off,
        "life_s": round(statistics.median(senders.lives_s), 2) if senders.lives_s else None,
        "share_of_a_life_at_the_kill": [round(one, 2) for one in shares],
        "clients_at_the_kill": {name: phases[name] for name in PHASES},
        "seconds": round(time.monotonic() - began), "wrong": wrong,
    }  # fmt: skip


def one_kill(
    process: subprocess.Popen[bytes], address: str, senders: Senders, draw: random.Random, everything: bool
) -> dict[str, Any]:
    """Wait until the server works, then for a life to begin; kill within it. What was under way."""
    wait_for(address, process)
    deaths = senders.deaths
    until(lambda: senders.deaths > deaths, "a life ends in this server", 0.02)
    lives = senders.lives_s[-12:]
    births, share = senders.births, draw.random()
    until(lambda: senders.births > births, "a life begins", 0.005)
    time.sleep(share * (statistics.median(lives) if lives else 2.0))
    phases = list(senders.phases)
    (kill_all if everything else kill)(process)
    return {"all": everything, "share": share, "phases": phases}


def workers(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Workers killed over a queue of jobs, at an instant of a job's time after each has done one."""
    from vasari.archive.store import Archive

    folder, draw = work / "archive", random.Random(given.seed)
    Archive.create(folder).close()
    began = time.monotonic()
    ids, contents = queued(folder, given.jobs)
    kills, job_s = 0, 1.0
    while kills < given.kills and open_jobs(folder) > 1:
        process = vasari("worker", str(folder), "--lease-s", "3")
        left = open_jobs(folder)
        until(lambda left=left: open_jobs(folder) < left, "a job ends in this worker", 0.02)  # type: ignore[misc]
        first = time.monotonic()
        share = draw.random()
        time.sleep(share * 2 * job_s)
        (kill_all if kills % 2 else kill)(process)
        done = left - open_jobs(folder)
        if done > 1:
            job_s = 0.5 * job_s + 0.5 * (time.monotonic() - first) / (done - 1)
        kills += 1
        told(f"{kills} kills, {open_jobs(folder)} jobs are open, a job takes {job_s:.2f} s")
    last = vasari("worker", str(folder), "--lease-s", "3")
    try:
        until(lambda: not open_jobs(folder), "no job is open")
    finally:
        last.terminate()
        last.wait(60)
    wrong = wrong_jobs(folder, ids) + wrong_works(folder, contents)
    return {"kills": kills, "jobs": len(ids), "seconds": round(time.monotonic() - began), "wrong": wrong}


def postgres(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """PostgreSQL stopped and started again under two workers."""
    import pgserver

    from vasari.archive.store import Archive

    database = pgserver.get_server(work / "data")
    folder = work / "archive"
    log = work / "workers.log"
    began = time.monotonic()
    try:
        Archive.create(folder, database.get_uri()).close()
        ids, contents = queued(folder, given.jobs)
        words = ("worker", str(folder), "--lease-s", f"{given.lease_s:g}")
        processes = [vasari(*words, log=log) for _ in range(2)]
        for restart in range(given.restarts):
            left = given.jobs * (given.restarts - restart) // (given.restarts + 1)
            until(lambda left=left: open_jobs(folder) <= left, f"{left} jobs are open", 0.05)  # type: ignore[misc]
            restarted(database, given.away_s)
            told(f"away for {given.away_s:g} s, {open_jobs(folder)} jobs are open")
        until(lambda: not open_jobs(folder), "no job is open")
        alive = sum(process.poll() is None for process in processes)
        for process in processes:
            process.terminate()
        ended = [process.wait(60) for process in processes]
        wrong = wrong_jobs(folder, ids) + wrong_works(folder, contents)
    finally:
        database.cleanup()
    wrong += [f"a worker ended with {code}" for code in ended if code]
    wrong += [f"{2 - alive} workers ended before they were told to"] if alive < 2 else []
    waits = log.read_text(encoding="utf-8", errors="replace").count("is away")
    return {
        "restarts": given.restarts, "away_s": given.away_s, "lease_s": given.lease_s, "jobs": len(ids),
        "times_that_workers_said_so": waits, "seconds": round(time.monotonic() - began), "wrong": wrong,
    }  # fmt: skip


def restarted(database: Any, away_s: float) -> None:
    """End the server of a database as a crash would, and start it again after a while, as it was started before."""
    import pgserver

    options = shlex.split((database.pgdata / "postmaster.opts").read_text())[1:]
    pgserver.pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=database.pgdata, user=database.system_user)
    time.sleep(away_s)
    start = ["-w", "-o", shlex.join(options), "-l", str(database.log), "start"]
    pgserver.pg_ctl(start, pgdata=database.pgdata, user=database.system_user)


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


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until a server answers; a `SystemExit` where it ended before."""

    def answers() -> bool:
        if process.poll() is not None:
            raise SystemExit(f"the server ended by itself with {process.returncode}")
        try:
            with urllib.request.urlopen(f"{address}/api/v1/visitor", timeout=5):
                return True
        except (OSError, http.client.HTTPException):
            return False

    until(answers, "the server answers", 0.05)


def told(text: str) -> None:
    """A line on how far it is."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run one part and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("server", "workers", "postgres"))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=120)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--away-s", type=float, default=0.0, help="how long the database stays away, in seconds")
    parser.add_argument("--lease-s", type=float, default=20.0, help="lease of jobs where the database is restarted")
    parser.add_argument("--minutes", type=float, default=math.inf, help="of the server part: no kill after so many")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-", ignore_cleanup_errors=True) as work:
        found = {"server": server, "workers": workers, "postgres": postgres}[given.part](given, Path(work))
    print(json.dumps({"part": given.part, "machine": described(), **found}, indent=2))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())

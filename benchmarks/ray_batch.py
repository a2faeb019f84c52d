"""Ray on one machine with two simulated nodes: workers killed, a database restarted, and the rate beside the local one.

    python benchmarks/ray_batch.py kill  [--pictures 500] [--side 640] [--every 20] [--seed 1] [--s3]
    python benchmarks/ray_batch.py rate  [--pictures 40] [--side 640] [--rounds 3]
    python benchmarks/ray_batch.py index [--pictures 300] [--restarts 3]

`kill`: small scans (PNG, JPEG, 16-bit TIFF, one damaged) are restored by the local engine, and by Ray with one worker
on each node while every so many seconds a worker with a page in work is killed with SIGKILL. Held against each other:
the set of files, every result and record byte for byte (SOURCE_DATE_EPOCH gives all records one time), and the ledger,
in which every page must stand once. With `--s3` Ray's results go into a bucket of a server on this machine (moto), in
which nothing else may be left. `rate`: the same pictures by both engines in turn, on as many cores; pages a second
from the first finished to the last (without starting up), the share of each pair, and CPU seconds a page, all processes
of Ray counted and told apart, which tell the same where other programs share the machine. `index`: an archive on
PostgreSQL measured by Ray while the server is restarted (`pg_ctl -m immediate`), held against the same on SQLite by the
local engine. Prints JSON; exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np

import s3_server
from machine import described

NODES = 2
TRIES = 4
SIDE_PX = 200
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", "SOURCE_DATE_EPOCH": "1000000000"}
os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = ".*"  # stdout is for the outcome


def make_scans(folder: Path, pictures: int, side: int, seed: int) -> None:
    """Square crops of photographs, each other, in three formats, and one file that is damaged."""
    import tifffile
    from PIL import Image
    from skimage import data

    sources = [roomy(one, side) for one in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())]
    draw = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(pictures):
        source = sources[number % len(sources)]
        top, left = (draw.randrange(size - side) for size in source.shape[:2])
        crop = np.ascontiguousarray(source[top : top + side, left : left + side])
        name = f"{number:04}"
        if number % 5 == 0:
            Image.fromarray(crop).save(folder / f"{name}.jpg", quality=92)
        elif number % 5 == 1:
            tifffile.imwrite(folder / f"{name}.tif", crop.astype(np.uint16) * 257, photometric="rgb")
        else:
            Image.fromarray(crop).save(folder / f"{name}.png")
    (folder / "damaged.jpg").write_bytes((folder / "0000.jpg").read_bytes()[:500])


def roomy(picture: Any, side: int) -> Any:
    """The photograph, enlarged where no two crops of `side` pixels would fit beside each other."""
    from PIL import Image

    height, width = picture.shape[:2]
    factor = max(1.0, 1.5 * side / min(height, width))
    return np.asarray(Image.fromarray(picture).resize((round(factor * width), round(factor * height))))


def narrow_restorer(path: Path) -> Path:
    """A restorer that costs little, whose seeded weights change pictures visibly."""
    import torch

    from vasari.models import hub
    from vasari.models.restorers import Restorer

    torch.manual_seed(1)
    options: dict[str, Any] = {"widths": [32, 32, 32], "depths": [1, 1, 1, 1, 1]}
    network = Restorer(**options)
    for layer, deviation in ((network.surveyor.moves, 0.005), (network.surveyor.field, 0.01), (network.tail, 0.03)):
        torch.nn.init.normal_(layer.weight, std=deviation)
    return hub.save(network, path, {"network": {"name": "restorer", "options": options}, "task": "restore"})


@contextmanager
def cluster() -> Iterator[str]:
    """Two nodes of one CPU each; the address."""
    import ray
    from ray.cluster_utils import Cluster

    for attempt in range(TRIES):
        made = Cluster()
        try:
            for _ in range(NODES):
                made.add_node(num_cpus=1, object_store_memory=100 << 20, include_dashboard=False)
            break
        except Exception:  # Ray gives a node 30 s to start, which a busy machine may need
            made.shutdown()
            if attempt == TRIES - 1:
                raise
    ray.init(address=made.address, log_to_driver=False)
    try:
        yield made.address
    finally:
        ray.shutdown()
        made.shutdown()


def treat(scans: Path, output: Any, address: str | None, model: str) -> tuple[list[float], Any]:
    """Restore by Ray, or here where there is no address; the times at which pages were finished, and the summary."""
    from vasari.app.ray_executor import RayExecutor
    from vasari.tasks.batch.terms import BatchOptions, Silent
    from vasari.tasks.restore.batch import restore_files
    from vasari.tasks.restore.plan import RestorePlan

    times: list[float] = []

    class Watch(Silent):
        def finished(self, entry: Any) -> None:
            times.append(time.monotonic())

    executor = RayExecutor(address) if address else None
    options = BatchOptions(output, jobs=NODES)
    return times, restore_files([scans], options, RestorePlan(model=model), Watch(), executor)


def ours() -> dict[int, str]:
    """The processes that descend from this one, by id, with their command lines."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
    found: dict[int, str] = {}
    for pid in parents:
        above = pid
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() != pid:
            with suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    return found


def workers() -> list[int]:
    """The workers of our cluster, and of no other on this machine, that have a page in work; their process ids."""
    return [pid for pid, command in ours().items() if command.startswith("ray::Worker.do")]


@contextmanager
def killing(every_s: float, seed: int) -> Iterator[list[float]]:
    """A worker killed every so many seconds; the times at which one was."""
    killed: list[float] = []
    over = threading.Event()
    draw = random.Random(seed)

    def run() -> None:
        while not over.wait(every_s):
            if pids := workers():
                os.kill(draw.choice(pids), signal.SIGKILL)
                killed.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def contents(output: Any) -> tuple[dict[str, bytes], Counter[Any]]:
    """Every file of an output folder, or object of a bucket; and how often its ledger tells of each page."""
    if isinstance(output, Path):
        files = (one for one in output.rglob("*") if one.is_file() and ".vasari" not in one.parts)
        found = {one.relative_to(output).as_posix(): one.read_bytes() for one in files}
    else:
        found = s3_server.contents(output)
    lines = [json.loads(one) for one in found.pop("ledger.jsonl").splitlines()]
    return found, Counter((one["source"], one["page"]) for one in lines)


def kill(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """The batch with its workers killed, held against an undisturbed one."""
    make_scans(work / "scans", given.pictures, given.side, given.seed)
    times, here = treat(work / "scans", work / "here", None, given.model)
    local_s = times[-1] - times[0]
    # The server first: workers know who they are by the environment in which the cluster is started.
    with s3_server.bucket() if given.s3 else nullcontext(work / "there") as output:
        with cluster() as address, killing(given.every, given.seed) as killed:
            times, there = treat(work / "scans", output, address, given.model)
        mine, told = contents(output)
    other, _ = contents(work / "here")
    return {
        "results": str(output) if given.s3 else "folder",
        "pictures": given.pictures,
        "side_px": given.side,
        "workers_killed": len(killed),
        "done": [len(here.done), len(there.done)],
        "failed": [len(here.failed), len(there.failed)],
        "files": len(mine),
        "files_that_differ": sum(mine.get(name) != other.get(name) for name in {*mine, *other}),
        "told_twice_in_the_ledger": sum(count > 1 for count in told.values()),
        "seconds": [round(local_s, 1), round(times[-1] - times[0], 1)],
        "right": mine == other and len(there.done) == given.pictures and set(told.values()) == {1},
    }


def cpu_seconds(of_ray: bool) -> dict[str, float]:
    """CPU seconds so far of this process ("lead"), of Ray's workers, and of what else of Ray lives below it."""
    found = {"lead": time.process_time()}
    for pid, command in ours().items() if of_ray else ():
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            part = "workers" if command.startswith("ray::") else "ray"
            found[part] = found.get(part, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def rate(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Pages a second of both engines, in turn on the same pictures; each round is a pair."""
    import torch

    torch.set_num_threads(NODES)
    make_scans(work / "scans", given.pictures, given.side, given.seed)
    rates: dict[str, list[float]] = {"local": [], "ray": []}
    costs: dict[str, list[dict[str, float]]] = {"local": [], "ray": []}
    with cluster() as address:
        treat(work / "scans", work / "warm", None, given.model)
        for number in range(given.rounds):
            # In turn, and the first in turn: what the machine does meanwhile favors neither.
            for name in ("local", "ray") if number % 2 == 0 else ("ray", "local"):
                place = address if name == "ray" else None
                seconds, spent = measured(work, f"{name}-{number}", place, given.model)
                rates[name].append(seconds)
                costs[name].append(spent)
    shares = [ray / local for local, ray in zip(rates["local"], rates["ray"], strict=True)]
    totals = {name: [sum(one.values()) for one in values] for name, values in costs.items()}
    by_cpu = [local / ray for local, ray in zip(totals["local"], totals["ray"], strict=True)]
    return {
        "pictures": given.pictures,
        "side_px": given.side,
        "rounds": given.rounds,
        "pages_a_second": {name: [round(one, 3) for one in values] for name, values in rates.items()},
        "share_of_local": {"rounds": [round(one, 3) for one in shares], "median": round(statistics.median(shares), 3)},
        "cpu_seconds_a_page": {name: [round(one, 3) for one in values] for name, values in totals.items()},
        "of_these_by_ray": [{part: round(one, 4) for part, one in cost.items()} for cost in costs["ray"]],
        "share_of_local_by_cpu": {
            "rounds": [round(one, 3) for one in by_cpu],
            "median": round(statistics.median(by_cpu), 3),
        },
        "right": statistics.median(shares) >= 0.85,
    }


def measured(work: Path, name: str, address: str | None, model: str) -> tuple[float, dict[str, float]]:
    """Pages a second, and CPU seconds a page by part, between the first pages and the last that was finished."""
    from vasari.app.ray_executor import RayExecutor
    from vasari.tasks.batch.terms import BatchOptions, Silent
    from vasari.tasks.restore.batch import restore_files
    from vasari.tasks.restore.plan import RestorePlan

    marks: list[float] = []
    spent: list[dict[str, float]] = []

    class Watch(Silent):
        def finished(self, entry: Any) -> None:
            marks.append(time.monotonic())
            if len(marks) in (SETTLED, given_pages):
                spent.append(cpu_seconds(address is not None))

    given_pages = sum(1 for _ in (work / "scans").iterdir())
    executor = RayExecutor(address) if address else None
    plan = RestorePlan(model=model)
    restore_files([work / "scans"], BatchOptions(work / name, jobs=NODES), plan, Watch(), executor)
    pages = len(marks) - SETTLED
    parts = {part: (spent[1][part] - spent[0].get(part, 0.0)) / pages for part in spent[1]}
    return pages / (marks[-1] - marks[SETTLED - 1]), parts


#: Pages until all workers are ready and warm, which are left out.
SETTLED = 6


class Restarts:
    """A server of PostgreSQL killed and started again so many times, evenly over the pictures that are measured."""

    def __init__(self, server: Any, pictures: int, times: int) -> None:
        self.server = server
        self.at = {(number + 1) * pictures // (times + 1) for number in range(times)}
        self.threads: list[threading.Thread] = []

    def watch(self, done: int, total: int, path: str, error: object) -> None:
        """Restart it beside the work where it is time."""
        if done in self.at:
            self.threads.append(threading.Thread(target=self.restart))
            self.threads[-1].start()

    def restart(self) -> None:
        """Without letting it end its work."""
        import pgserver

        command = ["-w", "-m", "immediate", "restart"]
        pgserver.pg_ctl(command, pgdata=self.server.pgdata, user=self.server.system_user)


def index(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """An archive measured over restarts of its server."""
    import pgserver

    from vasari.app.ray_executor import RayExecutor
    from vasari.archive.indexing import index as measure
    from vasari.archive.ingest.adding import add
    from vasari.archive.ingest.plan import AddPlan
    from vasari.archive.store import Archive

    make_scans(work / "scans", given.pictures, given.side, given.seed)
    (work / "scans" / "damaged.jpg").unlink()
    server = pgserver.get_server(work / "data")
    restarts = Restarts(server, given.pictures, given.restarts)
    try:
        with cluster() as address, Archive.create(work / "there", server.get_uri()) as archive:
            add(archive, [str(work / "scans")], AddPlan())
            found = measure(archive, device="cpu", watch=restarts.watch, executor=RayExecutor(address))
            there = vectors(archive)
    finally:
        for one in restarts.threads:
            one.join()
        server.cleanup()
    with Archive.create(work / "here") as archive:
        add(archive, [str(work / "scans")], AddPlan())
        measure(archive, device="cpu")
        here = vectors(archive)
    return {
        "pictures": given.pictures,
        "side_px": given.side,
        "restarts": len(restarts.threads),
        "measured": found.measured,
        "failed": len(found.failures),
        "vectors": len(there),
        "vectors_that_differ": sum(there.get(key) != here.get(key) for key in {*there, *here}),
        "right": there == here and found.measured == given.pictures,
    }


def vectors(archive: Any) -> dict[tuple[str, str, str], bytes]:
    """Every vector by content, name and version."""
    from sqlalchemy import select

    from vasari.archive.schema import FEATURES

    with archive.reading() as connection:
        rows = connection.execute(select(FEATURES)).mappings()
        return {(row["content"], row["name"], row["version"]): bytes(row["vector"]) for row in rows}


PARTS: dict[str, tuple[Callable[[argparse.Namespace, Path], dict[str, Any]], int]] = {
    "kill": (kill, 500),
    "rate": (rate, 40),
    "index": (index, 300),
}


def main() -> int:
    """Run one part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--side", type=int, default=SIDE_PX, help="of the scans, in pixels")
    parser.add_argument("--every", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--s3", action="store_true", help="kill: the results of Ray into a bucket")
    parser.add_argument("--model", default="restore", help="a name or a file; 'narrow': small, of seeded weights")
    given = parser.parse_args()
    run, pictures = PARTS[given.part]
    given.pictures = given.pictures or pictures
    with tempfile.TemporaryDirectory(prefix="ray-batch-", ignore_cleanup_errors=True) as folder:
        os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")  # what is remembered of the bucket
        if given.model == "narrow":
            given.model = str(narrow_restorer(Path(folder) / "narrow.safetensors"))
        found = run(given, Path(folder))
    print(json.dumps({"part": given.part, **found, "machine": described()}, indent=2))
    return 0 if found["right"] else 1


if __name__ == "__main__":
    sys.exit(main())

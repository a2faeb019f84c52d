"""Many people at once in the workbench: failures, how long tiles take, and whether the server's memory grows.

    python benchmarks/web_load.py --minutes 10 --clients 50 [--archive DIR] [--works 200]

Each client opens pages, looks into pictures (tiles of the Image API at all scales) and asks the API, one request after
the other with a pause of up to half a second, as somebody who looks about. The server is a process of its own; the
clients are another. Memory is compared between the end of the first fifth, when caches are warm, and the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from machine import described
from served_workbench import resident_bytes, seeded, served
from vasari.app.web.routes import ROUTES

#: Every page that needs no more than its address, or the number of a work.
PAGES = tuple(
    row.path.replace("{id}", "{work}")
    for row in ROUTES
    if row.method == "GET"
    and not row.is_api
    and row.path in ("/", "/jobs", "/account", "/time", "/lab", "/restore", "/style", "/generate", "/works/{id}")
)
API = ("/api/v1/works", "/api/v1/works/{work}", "/api/v1/facets", "/api/v1/jobs", "/api/v1/visitor")
PAUSE_S = 0.5
TILE_PX = 512


@dataclass
class Told:
    """What came back: milliseconds by kind, statuses, and what failed."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def main() -> None:
    """Run what is asked for, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--archive", type=Path, help="an archive of yours; default: a generated one")
    parser.add_argument("--works", type=int, default=200, help="of the generated archive")
    parser.add_argument("--side-px", type=int, default=2048, help="of its pictures")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        archive = given.archive or seeded(Path(folder), given.works, given.side_px)
        with served(archive) as (address, process):
            told = asyncio.run(run(address, process, given.clients, given.minutes * 60))
    print(json.dumps({"machine": described(), "clients": given.clients, "minutes": given.minutes, **told}, indent=1))


async def run(address: str, process: int, clients: int, seconds: float) -> dict[str, Any]:
    """Let the clients loose for so long; what came of it."""
    told, until = Told(), time.monotonic() + seconds
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(base_url=address, limits=limits, timeout=60.0) as http:
        works = (await http.get("/api/v1/works?limit=100")).json()
        pictures = await _pictures(http, works)
        people = [asyncio.create_task(_person(http, number, pictures, until, told)) for number in range(clients)]
        await asyncio.sleep(seconds / 5)
        warm = resident_bytes(process)
        await asyncio.gather(*people)
    last = resident_bytes(process)
    return {
        "requests": sum(told.statuses.values()),
        "statuses": dict(told.statuses),
        "failures": told.failures[:10],
        "milliseconds": {kind: _spread(values) for kind, values in told.milliseconds.items()},
        "memory": {"warm_MB": warm // 2**20, "end_MB": last // 2**20, "growth": round(last / max(warm, 1) - 1, 4)},
    }


async def _pictures(http: httpx2.AsyncClient, works: Any) -> list[tuple[str, str, int, int]]:
    """(id of the work, address of its picture's service, width, height)."""
    found = []
    for work in works["works"][:50]:
        manifest = (await http.get(f"/iiif/presentation/{work['id']}/manifest")).json()
        for canvas in manifest["items"][:1]:
            body = canvas["items"][0]["items"][0]["body"]
            service = str(body["service"][0]["id"])
            found.append((str(work["id"]), "/" + service.split("/", 3)[3], int(canvas["width"]), int(canvas["height"])))
    if not found:
        raise SystemExit("the archive has no pictures")
    return found


async def _person(
    http: httpx2.AsyncClient, number: int, pictures: list[tuple[str, str, int, int]], until: float, told: Told
) -> None:
    """One who looks about until the time is over."""
    chance = random.Random(number)
    while time.monotonic() < until:
        work, service, width, height = chance.choice(pictures)
        kind = chance.choices(("page", "tile", "api"), (1, 6, 2))[0]
        if kind == "page":
            path = chance.choice(PAGES).format(work=work)
        elif kind == "api":
            path = chance.choice(API).format(work=work)
        else:
            path = f"{service}/{_tile(chance, width, height)}"
        await _ask(http, kind, path, told)
        await asyncio.sleep(chance.random() * PAUSE_S)


def _tile(chance: random.Random, width: int, height: int) -> str:
    """A tile as OpenSeadragon asks for it, at a scale of 1, 2 or 4."""
    scale = chance.choice((1, 2, 4))
    side = TILE_PX * scale
    left, top = (chance.randrange(-(-length // side)) * side for length in (width, height))
    across, down = min(side, width - left), min(side, height - top)
    return f"{left},{top},{across},{down}/{-(-across // scale)},{-(-down // scale)}/0/default.jpg"


async def _ask(http: httpx2.AsyncClient, kind: str, path: str, told: Told) -> None:
    started = time.perf_counter()
    try:
        answer = await http.get(path)
    except httpx2.HTTPError as error:
        told.failures.append(f"{path}: {type(error).__name__}")
        told.statuses[0] += 1
        return
    told.statuses[answer.status_code] += 1
    told.milliseconds[kind].append((time.perf_counter() - started) * 1000)
    if answer.status_code >= 400:
        told.failures.append(f"{path}: {answer.status_code}")


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "median": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
        "largest": round(ordered[-1], 1),
    }


if __name__ == "__main__":
    main()

"""Many people at once in the workbench: failures, how long they wait, and whether the server's memory grows.

    python benchmarks/web_load.py --minutes 10 --clients 50 [--hard] [--on-demand] [--archive DIR] [--serve=WORDS]

Each client is a person with a browser of their own (six connections; what it has it does not ask for again), who does
one of three things at a time:

- looks into a picture: opens the page of a work, then three to eight views of it one after the other. A view asks for
  six neighboring tiles at once, at a scale of 1, 2 or 4; then the person looks at it for 1 to 3 s.
- reads a page, with what the browser fetches beside it (the gallery: its facets and twelve small pictures), for 2 to
  5 s.
- asks the API as a program does, five times with half a second to a second between.

With `--hard` nobody looks at anything: each client makes one request after the other with a pause of up to half a
second, a tile in six of nine, as earlier figures were taken. Fifty of them make as many requests as several hundred
people.

Before it opens, the archive is prepared, as `vasari archive prepare` does and `vasari serve` by itself: the reading
copy of each large picture is made; their number, time and weight are told. Of tiles nothing is kept. With `--on-demand`
nothing is prepared either, and the server makes copies only when a picture is asked for.

The server is a process of its own; the clients are another, whose processor time is told: where it comes near to a
whole core, the clients were the limit. A tile counts as kept, as made of a picture whose reading copy was ready (or
that needs none), or as made after its copy, by what the server says (Server-Timing).
Memory is compared between the second tenth of the time, when caches are warm, and the last tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from machine import described
from served_workbench import family_of, processor_seconds, resident_bytes, seeded, served
from vasari.app.web.routes import ROUTES

#: Every page that needs no more than its address, or the number of a work.
PAGES = tuple(
    row.path.replace("{id}", "{work}")
    for row in ROUTES
    if row.method == "GET"
    and not row.is_api
    and row.path in ("/", "/jobs", "/account", "/time", "/lab", "/restore", "/style", "/generate", "/works/{id}")
)
#: How often each is read, in all: people are mostly in the gallery.
READ = {"/": 6, "/works/{work}": 4}
API = ("/api/v1/works", "/api/v1/works/{work}", "/api/v1/facets", "/api/v1/jobs", "/api/v1/visitor")
#: Looking into a picture, reading a page, asking the API.
SHARES = (5, 4, 1)
CONNECTIONS = 6
TILES_A_VIEW, THUMBNAILS = 6, 12
LOOKING_S, READING_S, BETWEEN_S = (1.0, 3.0), (2.0, 5.0), (0.5, 1.0)
HARD_PAUSE_S = 0.5
TILE_PX = 512
#: What the server says of a tile, and what it is called here.
TILES = {"kept": "tile, kept", "made": "tile, made from what was ready", "made-with-copy": "tile, made after its copy"}
_THUMBNAIL = re.compile(r'src="(/iiif/[^"]+)"')


@dataclass
class Told:
    """What came back: milliseconds by kind, statuses, and what failed."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """A picture to look into: the number of its work, the address of its service, its size."""

    work: str
    service: str
    width: int
    height: int


@dataclass
class Person:
    """One who looks about, with a browser: `has` is what lies in its cache."""

    http: httpx2.AsyncClient
    chance: random.Random
    told: Told
    until: float
    has: set[str] = field(default_factory=set)

    @property
    def stays(self) -> bool:
        """False when the time is over."""
        return time.monotonic() < self.until

    async def ask(self, kind: str, path: str) -> str:
        """One request, measured; the text of a page."""
        started = time.perf_counter()
        try:
            answer = await self.http.get(path)
        except httpx2.HTTPError as error:
            self.told.failures.append(f"{path}: {type(error).__name__}")
            self.told.statuses[0] += 1
            return ""
        took = (time.perf_counter() - started) * 1000
        self.told.statuses[answer.status_code] += 1
        if kind == "tile":
            kind = TILES.get(answer.headers.get("server-timing", "").partition(";")[0], "tile, not made")
        self.told.milliseconds[kind].append(took)
        if answer.status_code >= 400:
            self.told.failures.append(f"{path}: {answer.status_code}")
        return answer.text if kind == "page" else ""

    async def fetch(self, kind: str, paths: Sequence[str]) -> None:
        """Several at once, but for those that the browser has already."""
        new = [path for path in dict.fromkeys(paths) if path not in self.has]
        self.has.update(new)
        await asyncio.gather(*(self.ask(kind, path) for path in new))

    async def rest(self, seconds: tuple[float, float]) -> None:
        """Look at what came for so long."""
        await asyncio.sleep(self.chance.uniform(*seconds))


def main() -> None:
    """Run what is asked for, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--hard", action="store_true", help="clients that ask without looking")
    parser.add_argument("--archive", type=Path, help="an archive of yours; default: a generated one")
    parser.add_argument("--works", type=int, default=200, help="of the generated archive")
    parser.add_argument("--side-px", type=int, default=2048, help="of its pictures")
    parser.add_argument("--on-demand", action="store_true", help="prepare nothing: copies are made when asked for")
    parser.add_argument("--serve", default="", help='more options of vasari serve, such as "--processes 2"')
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        archive = given.archive or seeded(Path(folder), given.works, given.side_px)
        before = "nothing" if given.on_demand else prepared(archive)
        words = shlex.split(given.serve) + ["--copies-on-demand"] * given.on_demand
        with served(archive, *words) as (address, process):
            told = asyncio.run(run(address, process, given.clients, given.minutes * 60, given.hard))
    facts = {"machine": described(), "load": os.getloadavg(), "serve": given.serve, "hard": given.hard}
    facts["prepared_before"] = before
    print(json.dumps({**facts, "clients": given.clients, "minutes": given.minutes, **told}, indent=1))


def prepared(archive: Path) -> dict[str, Any]:
    """Make the reading copies of an archive by the command; what it told, and what that is for each picture."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "archive", "prepare", "--archive", str(archive), "--json"]
    done = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    count = max(1, done["made"])
    each = {
        "ms_a_picture": round(1000 * done["seconds"] / count),
        "MB_a_picture": round(done["bytes"] / count / 1e6, 2),
    }
    return done | each


async def run(address: str, process: int, clients: int, seconds: float, hard: bool) -> dict[str, Any]:
    """Let the clients loose for so long; what came of it."""
    told = Told()
    async with AsyncExitStack() as open_clients:

        async def browser() -> httpx2.AsyncClient:
            limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
            made = httpx2.AsyncClient(base_url=address, limits=limits, timeout=60.0, verify=False)
            return await open_clients.enter_async_context(made)

        pictures = await _pictures(await browser())
        begun, used, served_s = time.monotonic(), time.process_time(), _server_seconds(process)
        people = [Person(await browser(), random.Random(number), told, begun + seconds) for number in range(clients)]
        live = _hurry if hard else _look_about
        watched = asyncio.create_task(_watch(process, begun + seconds))
        await asyncio.gather(*(live(one, pictures) for one in people))
        elapsed = time.monotonic() - begun
        memory = await watched
    count = sum(told.statuses.values())
    server = _server_seconds(process) - served_s
    return {
        "requests": count,
        "requests_a_second": round(count / elapsed, 1),
        "statuses": dict(told.statuses),
        "failures": told.failures[:10],
        "milliseconds": {kind: _spread(told.milliseconds[kind]) for kind in sorted(told.milliseconds)},
        "tiles": _spread([took for kind, some in told.milliseconds.items() if "tile" in kind for took in some]),
        "server": {"cores": round(server / elapsed, 2), "milliseconds_a_request": round(1000 * server / count, 2)},
        "clients_cores": round((time.process_time() - used) / elapsed, 2),
        "memory": memory,
    }


async def _look_about(person: Person, pictures: list[Picture]) -> None:
    """What people do, until the time is over."""
    await asyncio.sleep(person.chance.uniform(0, LOOKING_S[1]))  # they do not all come at once
    doing = (_look_into, _read, _program)
    while person.stays:
        await person.chance.choices(doing, SHARES)[0](person, person.chance.choice(pictures))


async def _look_into(person: Person, picture: Picture) -> None:
    await person.ask("page", f"/works/{picture.work}")
    await person.fetch("api", [f"{picture.service}/info.json"])
    for _ in range(person.chance.randint(3, 8)):
        if not person.stays:
            return
        await person.fetch("tile", [f"{picture.service}/{one}" for one in _view(person.chance, picture)])
        await person.rest(LOOKING_S)


async def _read(person: Person, picture: Picture) -> None:
    path = person.chance.choices(PAGES, [READ.get(one, 1) for one in PAGES])[0].format(work=picture.work)
    text = await person.ask("page", path)
    if path == "/":
        thumbnails = person.fetch("tile", _THUMBNAIL.findall(text)[:THUMBNAILS])
        await asyncio.gather(person.ask("page", "/gallery/facets"), thumbnails)
    await person.rest(READING_S)


async def _program(person: Person, picture: Picture) -> None:
    for _ in range(5):
        if not person.stays:
            return
        await person.ask("api", person.chance.choice(API).format(work=picture.work))
        await person.rest(BETWEEN_S)


async def _hurry(person: Person, pictures: list[Picture]) -> None:
    """One request after the other, until the time is over."""
    chance = person.chance
    while person.stays:
        picture = chance.choice(pictures[:50])
        kind = chance.choices(("page", "tile", "api"), (1, 6, 2))[0]
        if kind == "tile":
            path = f"{picture.service}/{chance.choice(_view(chance, picture))}"
        else:
            path = chance.choice(PAGES if kind == "page" else API).format(work=picture.work)
        await person.ask(kind, path)
        await asyncio.sleep(chance.random() * HARD_PAUSE_S)


async def _pictures(http: httpx2.AsyncClient) -> list[Picture]:
    found = []
    works = (await http.get("/api/v1/works?limit=200")).json()
    for work in works["works"]:
        if work["image"] is None:
            continue
        service = "/" + work["image"].split("/", 3)[3]
        facts = (await http.get(f"{service}/info.json")).json()
        found.append(Picture(str(work["id"]), service, int(facts["width"]), int(facts["height"])))
    if not found:
        raise SystemExit("the archive has no pictures")
    return found


def _view(chance: random.Random, picture: Picture) -> list[str]:
    """Neighboring tiles, three by two where there are so many, as OpenSeadragon asks for them."""
    scale = chance.choice((1, 2, 4))
    side = TILE_PX * scale
    columns, rows = -(-picture.width // side), -(-picture.height // side)
    first_column, first_row = (chance.randrange(max(1, most - seen + 1)) for most, seen in ((columns, 3), (rows, 2)))
    return [
        _tile(picture, column * side, row * side, scale)
        for row in range(first_row, min(rows, first_row + 2))
        for column in range(first_column, min(columns, first_column + 3))
    ][:TILES_A_VIEW]


def _tile(picture: Picture, left: int, top: int, scale: int) -> str:
    side = TILE_PX * scale
    across, down = min(side, picture.width - left), min(side, picture.height - top)
    return f"{left},{top},{across},{down}/{-(-across // scale)},{-(-down // scale)}/0/default.jpg"


async def _watch(process: int, until: float) -> dict[str, Any]:
    """The server's resident memory through the time."""
    seen = []
    while time.monotonic() < until:
        seen.append(sum(resident_bytes(one) for one in family_of(process)) / 2**20)
        await asyncio.sleep(1.0)
    tenth = max(1, len(seen) // 10)
    warm, last = statistics.median(seen[tenth : 2 * tenth] or seen), statistics.median(seen[-tenth:])
    course = [round(statistics.median(seen[begin : begin + tenth])) for begin in range(0, len(seen), tenth)]
    return {"warm_MB": round(warm), "end_MB": round(last), "growth": round(last / warm - 1, 4), "course_MB": course}


def _server_seconds(process: int) -> float:
    return sum(processor_seconds(one) for one in family_of(process))


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {"n": 0}
    share = {"median": 0.5, "p95": 0.95, "p99": 0.99}
    told = {name: round(ordered[int(len(ordered) * part)], 1) for name, part in share.items()}
    return {"n": len(ordered), **told, "largest": round(ordered[-1], 1)}


if __name__ == "__main__":
    main()

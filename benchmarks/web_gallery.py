"""How long the gallery's pages and IIIF's tiles take.

    python benchmarks/web_gallery.py --archive DIR --scratch DIR [--rounds 20] [--browser]

`--archive` is an archive of many works, such as `archive_scale.py --works 100000` makes; its gallery is asked for the
first page, the following ones, facets and queries. Beside it, in `--scratch`, an archive of two large pictures is made
(a JPEG of 24 megapixels, and a TIFF in strips of 48), whose tiles are asked for in a seeded order: the first of each
picture (which makes the reading copy), tiles that nobody asked for before, and tiles that are kept. A real server
answers over HTTP from a thread of this process. Times are by the clock, and of the processor alone, which other work on
the machine hardly changes; medians and 95th percentiles, in milliseconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

import machine
from vasari.app.settings import Settings
from vasari.app.web import serving
from vasari.app.web.application import create_app
from vasari.app.web.workbench import Workbench
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.store import Archive

PAGES = {
    "first page": "/",
    "first page, by date": "/?sort=date",
    "query: an artist": "/?q=artist%3D%27Family7%27",
    "query: words": "/?q=river+morning",
    "query: years": "/?q=1885%2F1895",
    "facets of all": "/gallery/facets",
    "facets of a query": "/gallery/facets?q=1885%2F1895",
    "a work": "/works/1",
}
TILES = 60


def main() -> None:
    """Run what is asked for, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, help="an archive of many works")
    parser.add_argument("--scratch", type=Path, help="where the archive of large pictures goes")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--browser", action="store_true", help="also time the first page in Chromium")
    options = parser.parse_args()
    told: dict[str, Any] = {"machine": machine.described()}
    if options.archive:
        with served(options.archive) as port:
            told["pages"] = pages(port, options.rounds)
            if options.browser:
                told["browser"] = browser(port, options.rounds)
    if options.scratch:
        folder = large_pictures(options.scratch)
        with served(folder) as port:
            told["tiles"] = tiles(port, folder)
    print(json.dumps(told, indent=1))


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """A workbench's server in a thread: its port."""
    listener, settings = serving.listening(replace(Settings(port=0, workers=0)))
    bench = Workbench.open(folder, settings)
    with listener:
        server = serving.server_of(create_app(bench), settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield settings.port
        server.should_exit = True
        thread.join(15)
    bench.close()


class Client:
    """Asks for addresses one after the other over one connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(self, address: str) -> tuple[bytes, float, float]:
        """The answer, and what it took: seconds by the clock, and of the processor."""
        clock, processor = time.perf_counter(), time.process_time()
        self.connection.request("GET", address)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{address}: {answer.status} {data[:300]!r}")
        return data, time.perf_counter() - clock, time.process_time() - processor


def pages(port: int, rounds: int) -> dict[str, Any]:
    """The gallery's pages: the very first request of all apart, then each several times."""
    client = Client(port)
    _, *very_first = client.ask("/")
    found: dict[str, Any] = {"very first": summary([tuple(very_first)])}
    for name, address in PAGES.items():
        found[name] = summary([client.ask(address)[1:] for _ in range(rounds)])
    following, page = [], client.ask("/")[0]
    for _ in range(rounds):
        more = re.search(r'hx-get="(/gallery/works[^"]*)"', page.decode())
        if more is None:
            break
        page, *times = client.ask(unescape(more[1]))
        following.append(tuple(times))
    return found | {"following pages": summary(following)}


def browser(port: int, rounds: int) -> dict[str, Any]:
    """The first page in a new context of Chromium each time: until it is answered, painted, loaded; and its work."""
    from playwright.sync_api import sync_playwright

    painted, loaded, answered, busy = [], [], [], []
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for _ in range(rounds):
            context = chromium.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(f"http://127.0.0.1:{port}/", wait_until="load")
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            painted.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            loaded.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
            answered.append(page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd"))
            metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            busy.append(1000 * metrics["TaskDuration"])
            context.close()
        chromium.close()
    named = {"answered": answered, "first paint": painted, "loaded": loaded, "processor of the main thread": busy}
    return {name: percentiles(values) for name, values in named.items()}


def large_pictures(scratch: Path) -> Path:
    """An archive of a JPEG of 24 and a TIFF in strips of 48 megapixels, made from a seed."""
    folder, scans = scratch / "archive", scratch / "scans"
    if folder.exists():
        return folder
    scans.mkdir(parents=True)
    for name, (width, height) in {"a.jpg": (6000, 4000), "b.tif": (8000, 6000)}.items():
        noise = pyvips.Image.perlin(width, height, cell_size=256, seed=7)
        grain = pyvips.Image.gaussnoise(width, height, sigma=12, seed=7)
        bands = [noise * gain + grain + 128 for gain in (90, 60, -70)]
        picture = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")
        picture.write_to_file(str(scans / name))
    with Archive.create(folder) as archive:
        add(archive, [str(scans)], AddPlan(workers=1))
    return folder


def tiles(port: int, folder: Path) -> dict[str, Any]:
    """Tiles of 512 pixels of each picture, at all scale factors, in a seeded order."""
    client = Client(port)
    works = json.loads(client.ask("/api/v1/works")[0])["works"]
    found: dict[str, Any] = {}
    for work in works:
        base = work["image"].partition("/iiif/")[2]
        told = json.loads(client.ask(f"/iiif/{base}/info.json")[0])
        addresses = list(every_tile(told))
        chosen = np.random.default_rng(0).choice(len(addresses), min(TILES, len(addresses)), replace=False)
        wanted = [f"/iiif/{base}/{addresses[place]}/0/default.jpg" for place in chosen]
        name = f"{told['width'] * told['height'] / 1e6:.0f} megapixels, {Path(work['picture']).suffix}"
        thumbnail = client.ask(f"/iiif/{base}/full/!400,400/0/default.jpg")[1:]
        first = client.ask(wanted[0])[1:]
        found[name] = {
            "thumbnail": summary([thumbnail]),
            "first tile, with the reading copy": summary([first]),
            "new tiles": summary([client.ask(address)[1:] for address in wanted[1:]]),
            "kept tiles": summary([client.ask(address)[1:] for address in wanted]),
        }
    return found


def every_tile(told: dict[str, Any]) -> Iterator[str]:
    """Regions and sizes of all tiles, as viewers ask for them (IIIF Image API 3.0, implementation notes)."""
    side = told["tiles"][0]["width"]
    for factor in told["tiles"][0]["scaleFactors"]:
        for top in range(0, told["height"], side * factor):
            for left in range(0, told["width"], side * factor):
                across, down = (
                    min(side * factor, whole - begin) for whole, begin in ((told["width"], left), (told["height"], top))
                )
                yield f"{left},{top},{across},{down}/{-(-across // factor)},{-(-down // factor)}"


def summary(times: list[tuple[float, ...]]) -> dict[str, Any]:
    """Median and 95th percentile of pairs of seconds."""
    return {
        name: percentiles([1000 * one[place] for one in times]) for place, name in enumerate(("clock", "processor"))
    }


def percentiles(values: list[float]) -> dict[str, float]:
    """In milliseconds."""
    take: Callable[[float], float] = lambda share: round(float(np.percentile(values, share)), 1)  # noqa: E731
    return {"median": take(50), "p95": take(95)}


if __name__ == "__main__":
    main()

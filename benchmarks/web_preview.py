"""How long the workbench's previews take: from the request to the bytes of the answer, warm, median of some.

    python benchmarks/web_preview.py --rounds 9 --json web_preview.json

A small archive is made of photographs of scikit-image, and asked through the application itself (no socket, no
browser): a square of 768 px restored, each at another place so that nothing is found made; a picture of 1280×853 in
two blended styles, each time with other weights; 16 generated pictures, each time with another truncation. Told are
the seconds by the clock and the processor's, beside the load of the machine: on shared cores only the latter tell.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import skimage.data
from fastapi.testclient import TestClient
from PIL import Image

import machine
from vasari.app.settings import Settings
from vasari.app.web.application import create_app
from vasari.app.web.workbench import Workbench
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.store import Archive

SCAN, CONTENT = (3000, 2000), (1280, 853)


def archive_in(folder: Path) -> Path:
    """An archive of a scan and a photograph."""
    scans = folder / "scans"
    scans.mkdir()
    Image.fromarray(skimage.data.coffee()).resize(SCAN).save(scans / "1.jpg", quality=92)
    Image.fromarray(skimage.data.chelsea()).resize(CONTENT).save(scans / "2.jpg", quality=92)
    with Archive.create(folder / "archive") as archive:
        add(archive, [str(scans)], AddPlan(copy=True, workers=1))
        return archive.folder


def asked(kind: str, round: int) -> dict[str, Any]:
    """The request of a round, which no other equals."""
    share = 0.1 + 0.05 * round
    return {
        "restore": {"picture": "work:1", "x": 500 + 150 * round, "y": 500 + 70 * round},
        "style": {
            "picture": "work:2",
            "styles": [{"text": "monet-etretat", "weight": share}, {"text": "van-gogh-crows", "weight": 1 - share}],
        },
        "generate": {"model": "generate-paintings", "seed": 7, "count": 16, "fields": {"truncation": share}},
    }[kind]


def timed(work: Callable[[int], None], rounds: int) -> dict[str, Any]:
    """Median and longest seconds by the clock, and the median of the processor's, after one for warming up."""
    work(0)
    clock, processor = [], []
    for round in range(1, rounds + 1):
        begun, used = time.perf_counter(), time.process_time()
        work(round)
        clock.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
    return {"seconds": median(clock), "longest": max(clock), "processor_seconds": median(processor)}


def main() -> None:
    """Ask for previews in turns and print what they take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = {"machine": machine.described(), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench.open(archive_in(Path(folder)), Settings())
        with TestClient(create_app(bench), base_url="http://127.0.0.1:8765") as client:
            header = {"X-CSRF-Token": client.get("/api/v1/visitor").json()["csrf"]}

            def ask(kind: str, round: int) -> None:
                answer = client.post(f"/{kind}/preview", json=asked(kind, round), headers=header)
                answer.raise_for_status()

            for kind in ("restore", "style", "generate"):
                found[kind] = timed(lambda round, kind=kind: ask(kind, round), options.rounds)  # type: ignore[misc]
                print(kind, {name: round(value, 2) for name, value in found[kind].items()}, flush=True)
        bench.close()
    print(json.dumps(found, indent=2, default=str))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2, default=str))


if __name__ == "__main__":
    main()

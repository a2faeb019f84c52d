"""A workbench over an archive of generated pictures, served by a process of its own: for load and fuzzing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.schema import WORKS
from vasari.archive.statements import Claim, Speaker, state
from vasari.archive.store import Archive

ARTISTS = ("Monet, Claude", "Morisot, Berthe", "Серов, Валентин", "葛飾北斎", "Cassatt, Mary")


def seeded(folder: Path, works: int, side_px: int) -> Path:
    """An archive of `works` pictures of `side_px` pixels, smooth as photographs are, with titles, artists and dates."""
    scans = folder / "scans"
    scans.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(8)
    for number in range(works):
        coarse = rng.integers(0, 256, (side_px // 16, side_px // 12, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((side_px, side_px * 3 // 4), Image.Resampling.BICUBIC)
        picture.filter(ImageFilter.DETAIL).save(scans / f"{number:05}.jpg", quality=90)
    with Archive.create(folder / "archive") as archive:
        add(archive, [str(scans)], AddPlan(copy=True, workers=2))
        with archive.reading() as connection:
            ids = list(connection.execute(WORKS.select().with_only_columns(WORKS.c.id)).scalars())
        with archive.writing() as writer:
            claims = {
                id: [
                    Claim("title", f"Study no. {id}"),
                    Claim("artist", ARTISTS[id % len(ARTISTS)]),
                    Claim("date", f"c. {1850 + id % 60}"),
                ]
                for id in ids
            }
            state(writer, claims, Speaker("catalog", "generated"))
    return folder / "archive"


@contextmanager
def served(archive: Path, *words: str, workers: int = 0) -> Iterator[tuple[str, int]]:
    """`vasari serve` over an archive, without a worker unless one is asked for: its address, its process's id."""
    command = [
        sys.executable,
        "-m",
        "vasari.app.cli.main",
        "serve",
        str(archive),
        "--port",
        "0",
        "--workers",
        str(workers),
        *words,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"(http://\S+?)/?$", line.strip())
        if found is None:
            raise SystemExit(f"vasari serve said {line!r}")
        yield found[1].rstrip("/"), process.pid
    finally:
        process.terminate()
        process.wait(30)


def resident_bytes(process: int) -> int:
    """Memory that a process holds, by /proc; 0 for one that is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def processor_seconds(process: int) -> float:
    """Time that a process took of the processor so far, by /proc; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_of(process: int) -> list[int]:
    """A process and all that descend from it."""
    children = [path / "children" for path in Path(f"/proc/{process}/task").glob("*")]
    found = [int(one) for path in children if path.exists() for one in path.read_text().split()]
    return [process, *(one for child in found for one in family_of(child))]

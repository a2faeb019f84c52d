"""Where the lab finds trainings and reports: folders below the results and allowed roots, sought within limits."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

LOG, REPORT = "log.jsonl", "report.html"
DEEPEST = 4
MOST_FOUND = 200
#: A root may hold millions of scans: so many folders are looked into in one place, and so many names read of all.
MOST_FOLDERS, MOST_NAMES = 5_000, 200_000
#: What was found is told again for so long; a page asks for it with every curve.
REMEMBERED_S = 3.0


@dataclass(frozen=True)
class Found:
    """A folder with a training's log or a report, `file`. `id` names it in addresses; `changed` is of the file."""

    id: str
    file: str
    path: Path
    shown: str
    changed: float


class LabFolders:
    """Looks for folders; remembers for `REMEMBERED_S` what it found. One thread looks at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._remembered: dict[Path, tuple[float, list[Found]]] = {}

    def found(self, name: str, place: Path) -> list[Found]:
        """What lies below a place, shown under its name, in no order."""
        with self._lock:
            at, known = self._remembered.get(place, (-REMEMBERED_S, []))
            if time.monotonic() - at >= REMEMBERED_S:
                known = list(_looked_for(name, place))
                self._remembered[place] = (time.monotonic(), known)
            return known


def _looked_for(name: str, place: Path) -> Iterator[Found]:
    for folder in _below(place):
        for file in (LOG, REPORT):
            with suppress(OSError):  # none there, or gone meanwhile
                changed = (folder / file).stat().st_mtime
                id = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
                yield Found(id, file, folder, f"{name}/{folder.relative_to(place)}", changed)


def _below(place: Path) -> Iterator[Path]:
    """The folders below a place, the nearest first, at most `DEEPEST` down; links are not followed."""
    level, looked, names = [place], 0, MOST_NAMES
    for _ in range(DEEPEST):
        below: list[Path] = []
        for folder in level[: MOST_FOLDERS - looked]:
            looked += 1
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in islice(entries, names):
                    names -= 1
                    if entry.is_dir(follow_symlinks=False):
                        below.append(Path(entry.path))
        yield from below
        level = below

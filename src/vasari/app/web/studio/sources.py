"""The pictures that the studio works with, by reference: what was sent in, works of the archive, results of jobs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vasari.app.operations.references import Places, Reference, referred
from vasari.app.web.errors import not_found
from vasari.app.web.finding import pictures_of
from vasari.app.web.iiif.image_service import pictures_shown
from vasari.app.web.iiif.levels import level_of
from vasari.app.web.iiif.masters import Master, examined, file_of, master_of
from vasari.app.web.iiif.rendering import rendered
from vasari.app.web.iiif.requests import parse, worked_out
from vasari.app.web.workbench import Workbench
from vasari.foundation.errors import PlanError
from vasari.foundation.image_formats import guarded
from vasari.foundation.video_formats import FILM_SUFFIXES

LONGEST_REFERENCE = 400


@dataclass(frozen=True)
class Source:
    """What a reference leads to: a picture with its `master`, or a film, of which nothing is previewed here."""

    reference: str
    name: str
    master: Master | None

    @property
    def picture(self) -> Master:
        """The picture; raises `PlanError` for a film."""
        if self.master is None:
            raise PlanError("A film has no preview here.", remedy="run it as a job, and look at its result")
        return self.master


def source_of(bench: Workbench, text: str) -> Source:
    """The source that a reference means.

    Raises `PlanError` for what is no reference or no file of the workbench, `ArchiveError` or `Refusal` for what is
    not there, `PictureError` for a file that is no picture.
    """
    reference = referred(text[:LONGEST_REFERENCE], "picture")
    if reference.kind == "work":
        return _work(bench, reference)
    path = Places(bench.archive, bench.folder, roots=()).path(reference)
    if not path.is_file():
        raise not_found(f"file {text[:80]}")
    if path.suffix.lower() in FILM_SUFFIXES:
        return Source(text, path.name, None)
    return Source(text, path.name, examined(path, 0, _content(reference, path), path.stat().st_size))


def _work(bench: Workbench, reference: Reference) -> Source:
    number = int(reference.value)
    with bench.archive.reading() as connection:
        shown = pictures_of(connection, [number]).get(number)
        if shown is None:
            raise not_found(f"work {number} with a picture")
        row = file_of(connection, shown.image)
    master = master_of(row, bench.archive.folder)
    return Source(str(reference), master.path.name, master)


def _content(reference: Reference, path: Path) -> str:
    """What names the pixels of a file, for caches: a hash as the archive's own contents have, and page 0."""
    if reference.kind == "upload":
        return f"{reference.sha256}#0"
    text = f"{reference} {path.stat().st_mtime_ns} {path.stat().st_size}"
    return f"{hashlib.sha256(text.encode()).hexdigest()}#0"


def turned(master: Master, orientation: int | None) -> Master:
    """A map of a picture, turned as the picture is: maps have no orientation of their own."""
    if orientation is None:
        return master
    content = hashlib.sha256(f"{master.content} turned {orientation}".encode()).hexdigest()
    return replace(master, orientation=orientation, content=f"{content}#0")


def ready(bench: Workbench, master: Master) -> None:
    """Have the reading copy of a large picture made, where there is none yet: before a turn, which it would hold up."""
    region_of(bench, master, 0, 0, 1, 1)


def region_of(bench: Workbench, master: Master, left: int, top: int, width: int, height: int) -> np.ndarray:
    """Pixels of a picture as it stands upright, uint8 [rows, columns, 1 or 3] in sRGB, of the size that they have."""
    copies = pictures_shown(bench).copies

    def cut() -> np.ndarray:
        image = _opaque(level_of(master, copies, 1.0, whole=False))
        array: np.ndarray = image.crop(left, top, width, height).numpy()
        return array if array.ndim == 3 else array[:, :, None]

    return guarded(master.path, cut)


def within(bench: Workbench, master: Master, long_side_px: int) -> np.ndarray:
    """The whole picture upright, uint8 [rows, columns, 3] in sRGB, brought down to a long side where it is larger."""
    size = f"!{long_side_px},{long_side_px}" if max(master.size) > long_side_px else "max"
    work = worked_out(parse("full", size, "0", "color.png"), *master.size)
    return decoded(rendered(master, work, pictures_shown(bench).copies))


def decoded(data: bytes) -> np.ndarray:
    """A PNG that we made ourselves, as uint8 [rows, columns, 3]."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _opaque(image: Any) -> Any:
    """Transparent places in white; one or three bands of 8 bits."""
    if image.hasalpha():
        image = image.flatten(background=[255] * (image.bands - 1))
    return image.cast("uchar")

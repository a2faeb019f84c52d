"""One picture file read once: its hash, its pages, what it says of itself. Nothing is written but a copy, if wanted."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from vasari.archive.ingest.derivatives import Derived, derived_of
from vasari.archive.ingest.embedded import claims_of
from vasari.archive.ingest.looks import perceptual_hash
from vasari.archive.ingest.masters import keep_copy, place_of
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.ingest.walk import Found
from vasari.archive.statements import Claim
from vasari.foundation import tiff_exif
from vasari.foundation.errors import PictureError
from vasari.foundation.image_formats import MILLION, Header, Limits
from vasari.foundation.row_reader import inspect

NEW_SUBFILE_TYPE_TAG = 254


@dataclass(frozen=True)
class Known:
    """What the archive holds of a path: hash, size, time of change, state; `copied`: as a copy, not the file itself."""

    sha256: str
    bytes: int
    modified_ns: int
    state: str = "present"
    copied: bool = False


@dataclass(frozen=True)
class Page:
    """A page of a file: content (the hash, with "#n" for pages beyond the first), size, hash of looks, statements."""

    number: int
    content: str
    width: int
    height: int
    format: str
    depth: int
    phash: int | None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Read:
    """A file as it was read. `path` is where the archive finds it; `same`: it has the hash that was known."""

    found: Found
    path: str
    sha256: str
    bytes: int
    modified_ns: int
    same: bool = False
    pages: tuple[Page, ...] = ()
    broken: tuple[tuple[int, PictureError], ...] = ()
    derived: Derived | None = None


def limits_of(plan: AddPlan) -> Limits:
    """What a file may ask for."""
    return Limits(max_pixels=plan.max_megapixels * MILLION, trust=plan.trust)


def read_file(found: Found, known: Known | None, plan: AddPlan, folder: Path, work: Path | None) -> Read:
    """Hash and decode a file; pixels are left alone where the hash is the one that was known.

    With `work`, a folder in the archive at `folder`, a copy is kept. Raises `PictureError` for a file that is
    broken, changes meanwhile, or was found damaged; `WriteError` where no copy can be made.
    """
    path = Path(found.path)
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}.", remedy="check the file") from None
    read = Read(found, found.path, sha256, before.st_size, before.st_mtime_ns)
    wants_copy = work is not None and not (known is not None and known.copied)
    if known is not None and known.sha256 == sha256 and not wants_copy:
        return replace(read, same=True)
    _refuse_damaged(read, known)
    read = _decoded(read, plan)
    if work is not None:
        place = place_of(sha256, read.pages[0].format, path.name)
        keep_copy(path, sha256, folder / place, work)
        read = replace(read, path=place)
    _refuse_changed(path, before)
    return read


def _decoded(read: Read, plan: AddPlan) -> Read:
    path, limits = Path(read.found.path), limits_of(plan)
    first = inspect(path, 0, limits)
    derived = derived_of(path, read.sha256, first)
    pages, broken = [], []
    for number in range(first.pages if first.format == "tiff" else 1):
        if number and _is_reduced(path, number):
            continue
        try:
            header = first if number == 0 else inspect(path, number, limits)
            pages.append(_page(path, read.sha256, header, limits, plan))
        except PictureError as error:
            if first.pages == 1 or number == 0:
                raise
            broken.append((number, error))
    return replace(read, pages=tuple(pages), broken=tuple(broken), derived=derived)


def _page(path: Path, sha256: str, header: Header, limits: Limits, plan: AddPlan) -> Page:
    return Page(
        number=header.page,
        content=content_of(sha256, header.page),
        width=header.width,
        height=header.height,
        format=header.format,
        depth=header.depth,
        phash=perceptual_hash(path, header, limits),
        claims=claims_of(header.metadata, camera_dates=not plan.ignore_camera_dates),
    )


def content_of(sha256: str, page: int) -> str:
    """How the content of a page is called: the hash of its file, and "#n" for pages beyond the first (n from 1)."""
    return f"{sha256}#{page}" if page else sha256


def _is_reduced(path: Path, page: int) -> bool:
    """True for a page that is a smaller version of another one (TIFF 6.0, NewSubfileType, bit 0)."""
    return bool(tiff_exif.numbers(path, page, (NEW_SUBFILE_TYPE_TAG,)).get(NEW_SUBFILE_TYPE_TAG, 0) & 1)


def _refuse_damaged(read: Read, known: Known | None) -> None:
    if known is None or known.sha256 == read.sha256:
        return
    if (known.bytes, known.modified_ns) == (read.bytes, read.modified_ns):
        raise PictureError(
            f"{read.found.path} has other bytes than the archive knows, and the same time of change: it is damaged.",
            remedy="bring it back from a backup; if the change is meant, touch the file",
        )


def _refuse_changed(path: Path, before: os.stat_result) -> None:
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise PictureError(f"{path} changed while it was read.", remedy="run it again when nothing writes to it")

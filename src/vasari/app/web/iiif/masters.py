"""The pictures of an archive as the Image API shows them: upright, found by what they contain."""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, select

from vasari.app.web.errors import Refusal, not_found
from vasari.archive.fixity import hash_of_file
from vasari.archive.schema import FILES
from vasari.archive.writer import Row
from vasari.foundation.errors import PictureError
from vasari.foundation.image_color import needs_conversion
from vasari.foundation.image_files import inspect
from vasari.foundation.image_formats import Limits

#: What is in an archive was examined when it was added, with the limits of that day.
_TRUSTED = Limits(max_pixels=1 << 62, trust=True)
_REMEMBERED = 2048
_IDENTIFIER = re.compile(r"[0-9a-f]{64}(-[0-9]{1,6})?")


@dataclass(frozen=True)
class Master:
    """A page of a picture file: where it lies, and its size `stored`, in pixels (w, h) before it is turned upright.

    `orientation` is EXIF's, 1..8; `profiled` says that its colors are sRGB's only by way of its ICC profile.
    """

    content: str
    path: Path
    page: int
    format: str
    stored: tuple[int, int]
    orientation: int
    depth: int
    channels: int
    has_alpha: bool
    profiled: bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return self.stored if self.orientation < 5 else (self.stored[1], self.stored[0])

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.stored[0] * self.stored[1]


def identifier_of(content: str) -> str:
    """The identifier under which the Image API knows a picture: its content, "-" for "#"."""
    return content.replace("#", "-")


def file_of(connection: Connection, identifier: str) -> Row:
    """The row of the file of an identifier; raises `Refusal` (404) where the archive has no such picture now."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise not_found(f"picture {identifier[:80]!r}")
    content = identifier.replace("-", "#")
    query = select(FILES).where(FILES.c.content == content, FILES.c.state == "present").order_by(FILES.c.id).limit(1)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise not_found(f"picture {identifier[:80]!r}")
    return dict(row)


def master_of(row: Row, folder: Path) -> Master:
    """The picture of a file's row in the archive of `folder`; raises `Refusal` where the file is gone or changed."""
    path = folder / row["path"]
    try:
        stat = path.stat()
    except OSError:
        raise Refusal(
            404, "The file of this picture cannot be reached now.", remedy="connect the disk where it lies"
        ) from None
    changed = stat.st_size != row["bytes"] or (not row["copied"] and stat.st_mtime_ns != row["modified_ns"])
    if changed and (stat.st_size != row["bytes"] or not _is_same(path, stat.st_mtime_ns, row["sha256"])):
        raise Refusal(
            404, "The file of this picture is no longer the one that was added.", remedy="run vasari archive add again"
        )
    try:
        return examined(path, row["page"], row["content"], stat.st_size)
    except PictureError as error:
        raise Refusal(404, "The file of this picture cannot be read.", remedy=error.remedy) from None


@functools.lru_cache(maxsize=_REMEMBERED)
def examined(path: Path, page: int, content: str, _bytes: int) -> Master:
    """The picture of a page of a file as its header tells it, remembered; raises `PictureError`."""
    header = inspect(path, page, _TRUSTED)
    metadata = header.metadata
    profiled = metadata.icc is not None and needs_conversion(metadata.icc, header.channels, header.depth)
    return Master(
        content, path, page, header.format, (header.width, header.height), metadata.orientation, header.depth,
        header.channels, header.has_alpha, profiled,
    )  # fmt: skip


class _Hashes:
    """Which files of another time than recorded were found to hold the recorded bytes all the same."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Path, int], str] = OrderedDict()
        self._lock = Lock()

    def of(self, path: Path, modified_ns: int) -> str:
        with self._lock:
            known = self._known.get((path, modified_ns))
        if known is None:
            known = hash_of_file(path)
            with self._lock:
                self._known[path, modified_ns] = known
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return known


_HASHES = _Hashes()


def _is_same(path: Path, modified_ns: int, sha256: str) -> bool:
    return _HASHES.of(path, modified_ns) == sha256

"""Appended rows as a libvips image: libvips pulls, we push.

libvips encodes what it can read. So the rows are dressed as an uncompressed BigTIFF that never
exists as a whole: its directory is made here, its pixels are the rows that pass through a queue.
"""

from __future__ import annotations

import queue
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from vasari.foundation.image_formats import Header, vips

STRIP_BYTES = 1 << 20
HEADER_BYTES = 16


def bigtiff_directory(header: Header) -> tuple[bytes, int]:
    """Everything of an uncompressed little-endian BigTIFF before its pixels, and the size of the whole file."""
    bands, height = header.bands, header.height
    strip_rows = min(height, max(1, STRIP_BYTES // header.row_bytes))
    strips = -(-height // strip_rows)
    entries: list[tuple[int, int, int, bytes]] = [
        (256, 4, 1, struct.pack("<I", header.width)),
        (257, 4, 1, struct.pack("<I", height)),
        (258, 3, bands, struct.pack("<H", header.depth) * bands),
        (259, 3, 1, struct.pack("<H", 1)),
        (262, 3, 1, struct.pack("<H", 1 if header.channels == 1 else 2)),
        (273, 16, strips, b""),
        (277, 3, 1, struct.pack("<H", bands)),
        (278, 4, 1, struct.pack("<I", strip_rows)),
        (279, 16, strips, b""),
        (284, 3, 1, struct.pack("<H", 1)),
        *([(338, 3, 1, struct.pack("<H", 2))] if header.has_alpha else []),
        (339, 3, bands, struct.pack("<H", 3 if header.depth == 32 else 1) * bands),
    ]
    after = HEADER_BYTES + 8 + 20 * len(entries) + 8
    pixels_at = after + (16 * strips if strips > 1 else 0)
    sizes = [header.row_bytes * min(strip_rows, height - top) for top in range(0, height, strip_rows)]
    offsets = [pixels_at + index * strip_rows * header.row_bytes for index in range(strips)]
    tables = {273: (offsets, after), 279: (sizes, after + 8 * strips)}
    out = b"II" + struct.pack("<HHHQQ", 43, 8, 0, HEADER_BYTES, len(entries))
    for tag, kind, count, data in entries:
        if tag in tables:
            values, place = tables[tag]
            data = struct.pack("<Q", values[0] if strips == 1 else place)
        out += struct.pack("<HHQ", tag, kind, count) + data.ljust(8, b"\0")
    out += struct.pack("<Q", 0)
    if strips > 1:
        out += struct.pack(f"<{strips}Q", *offsets) + struct.pack(f"<{strips}Q", *sizes)
    return out, pixels_at + header.row_bytes * height


class RowSource:
    """The virtual file: read and seek handlers for libvips, fed by a queue of raw rows (None ends it)."""

    def __init__(self, header: Header, rows: queue.Queue[np.ndarray | None]) -> None:
        self._head, self._size = bigtiff_directory(header)
        self._rows = rows
        self._position = 0
        self._chunk = memoryview(b"")
        self._chunk_at = len(self._head)
        self._source: Any = None
        #: True once the rows ended before the picture did.
        self.starved = False

    @contextmanager
    def image(self) -> Iterator[Any]:
        """The rows as a libvips image that can be read once, from top to bottom."""
        # Kept here, as libvips holds no reference to the handlers that the source owns.
        self._source = vips().SourceCustom()
        self._source.on_read(self.read)
        self._source.on_seek(self.seek)
        try:
            yield vips().Image.tiffload_source(self._source, access="sequential", fail_on="error", unlimited=True)
        finally:
            self._source = None  # the handlers know this object: a circle that would keep files open

    def read(self, length: int) -> bytes:
        """Up to `length` bytes at the position; none where the rows have ended."""
        if self._position < len(self._head):
            data = self._head[self._position : self._position + length]
        else:
            data = self._pixels(length)
        self._position += len(data)
        return data

    def _pixels(self, length: int) -> bytes:
        while self._position >= self._chunk_at + len(self._chunk):
            if self.starved or self._position >= self._size:
                return b""
            rows = self._rows.get()
            if rows is None:
                self.starved = True
                return b""
            self._chunk_at += len(self._chunk)
            self._chunk = rows.data.cast("B")
        start = self._position - self._chunk_at
        if start < 0:  # libvips never goes back in a sequential image
            self.starved = True
            return b""
        return bytes(self._chunk[start : start + length])

    def seek(self, offset: int, whence: int) -> int:
        """Move within the virtual file: whence as in `io`."""
        base = {0: 0, 1: self._position, 2: self._size}[whence]
        self._position = base + offset
        return self._position

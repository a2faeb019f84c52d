"""Rows into a picture file, top to bottom in bounded memory; the file is visible only when whole."""

from __future__ import annotations

import hashlib
import os
import queue
import secrets
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import PictureError, WriteError
from vasari.foundation.image_color import decode, needs_conversion, quantize
from vasari.foundation.image_formats import FORMATS, WRITABLE, Header, Limits, first_line
from vasari.foundation.image_metadata import attach, complete
from vasari.foundation.row_reader import open_rows
from vasari.foundation.row_source import RowSource

#: Above this many raw bytes a TIFF is written as BigTIFF, lest compression that gains nothing overflows 4 GiB.
BIGTIFF_BYTES = 3_600_000_000
TIFF_STRIP_BYTES, TIFF_STRIP_ROWS = 1 << 20, 128
VERIFIED_BYTES = 4 << 20
WAIT_S = 0.1
#: Flags of libvips (VipsForeignKeep): every block of metadata, and EXIF alone.
KEEP_ALL, KEEP_EXIF = 31, 1
CHECK_DISK = "check the disk and its free space, then run again"


class RowWriter:
    """Writes raw rows into a TIFF, JPEG, PNG or WebP: temporary file, fsync, check, rename, fsync of the folder.

        with RowWriter(path, header, "tiff") as writer:
            writer.append(raw)      # [rows, width, bands], top to bottom, header.height rows in all

    `header` says the size, depth and metadata to write; `xmp` replaces its XMP packet. On a clean exit
    the file stands under its name, `sha256` is its digest; on any error nothing is left. Where the
    format carries fewer bits than the rows have, they are rounded to 8. Raises `WriteError`: the target
    is the source, the disk is full, alpha does not fit the format, too few rows, the check failed.
    """

    def __init__(
        self,
        path: str | Path,
        header: Header,
        format: str | None = None,
        *,
        quality: int = 95,
        xmp: bytes | None = None,
        verify: bool = True,
    ) -> None:
        self.path = Path(path)
        self.format = format or FORMATS[header.format].written_as
        self.source = header
        self.header = _written_header(header, self.path, self.format, xmp)
        self.quality, self.verify = quality, verify
        self.sha256 = ""
        self._part = self.path.with_name(f".{self.path.name[:80]}.{secrets.token_hex(4)}.part")
        self._digest, self._rows = hashlib.sha256(), 0
        self._queue: queue.Queue[np.ndarray | None] = queue.Queue(maxsize=1)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._save, name=f"write {self.path.name}", daemon=True)

    def __enter__(self) -> RowWriter:
        refuse_source(self.path, self.source.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._part.open("xb").close()
        except OSError as error:
            raise _failed(self.path, error) from error
        self._thread.start()
        return self

    def append(self, raw: np.ndarray) -> None:
        """The next rows: [rows, width, bands] of the depth of the header given; raises `WriteError`."""
        source = self.source
        if raw.ndim != 3 or raw.shape[1:] != (source.width, source.bands) or raw.dtype != source.dtype:
            raise WriteError(
                f"Got rows of shape {raw.shape} and type {raw.dtype} for {self.path.name}.",
                remedy=f"pass [rows, {source.width}, {source.bands}] of {source.dtype}",
            )
        if self._rows + len(raw) > source.height:
            raise WriteError(
                f"Got more than the {source.height} rows of {self.path.name}.", remedy="pass each row once"
            )
        self._rows += len(raw)
        ready = np.ascontiguousarray(_converted(raw, source, self.header))
        if self.verify and FORMATS[self.format].lossless:
            self._digest.update(ready.data)
        while True:
            if not self._thread.is_alive():
                raise self._explain()
            try:
                self._queue.put(ready, timeout=WAIT_S)
            except queue.Full:
                continue
            return

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._finish(failed=kind is not None)
            if kind is None:
                self._publish()
        except OSError as problem:
            raise _failed(self.path, problem) from problem
        finally:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _finish(self, failed: bool) -> None:
        """End the saving thread, whether or not it got all rows."""
        while self._thread.is_alive():
            with suppress(queue.Full):
                self._queue.put(None, timeout=WAIT_S)
                self._thread.join()
        if failed:
            return
        if self._rows != self.source.height:
            raise WriteError(
                f"Got {self._rows} of the {self.source.height} rows of {self.path.name}.", remedy="pass every row"
            )
        if self._failure is not None:
            raise self._explain()

    def _publish(self) -> None:
        complete(self._part, self.header.metadata, self.format)
        with self._part.open("r+b") as file:
            os.fsync(file.fileno())
        if self.verify:
            self._check()
        with self._part.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._part.replace(self.path)
        sync_folder(self.path.parent)

    def _check(self) -> None:
        """Read the file back: size, depth and, in lossless formats, every sample."""
        digest, wanted = hashlib.sha256(), self.header
        rows = max(1, VERIFIED_BYTES // wanted.row_bytes)
        try:
            with open_rows(self._part, limits=Limits(max_pixels=wanted.width * wanted.height, trust=True)) as reader:
                found = reader.header
                same = (found.width, found.height, found.depth) == (wanted.width, wanted.height, wanted.depth)
                same = same and found.bands == wanted.bands
                for top in range(0, wanted.height if same else 0, rows):
                    digest.update(np.ascontiguousarray(reader.read(top, min(top + rows, wanted.height))).data)
        except PictureError as error:
            raise WriteError(f"{self.path} came out unreadable: {error.message}", remedy=CHECK_DISK) from error
        if not same or (FORMATS[self.format].lossless and digest.digest() != self._digest.digest()):
            raise WriteError(f"{self.path} does not hold what was written into it.", remedy=CHECK_DISK)

    def _save(self) -> None:
        """The body of the thread: libvips pulls the rows out of the queue and encodes them."""
        source = RowSource(self.header, self._queue)
        try:
            with source.image() as image:
                ready = attach(image, self.header.metadata, self.format)
                save_image(ready, self._part, self.format, self.header, self.quality, self._keep())
                del ready, image
            if source.starved:
                raise WriteError("The rows ended early.", remedy="pass every row")
        except Exception as error:  # handed to the caller's thread, which raises it
            # Without its traceback, whose frames would keep the file open.
            self._failure = error.with_traceback(None)

    def _keep(self) -> int:
        """What libvips may write: where a PNG had no EXIF it gets none, lest libvips makes up a block of its own."""
        metadata = self.header.metadata
        made_up = metadata.exif is None and metadata.orientation == 1 and self.source.format == self.format == "png"
        return KEEP_ALL & ~KEEP_EXIF if made_up else KEEP_ALL

    def _explain(self) -> WriteError:
        error = self._failure
        if isinstance(error, WriteError):
            return error
        free = os.statvfs(self.path.parent) if os.name == "posix" else None
        full = free is not None and free.f_bavail * free.f_frsize < (1 << 20)
        reason = "the disk is full" if full else first_line(str(error)).replace(f"{self._part}: ", "")
        return WriteError(f"{self.path} could not be written: {reason}.", remedy=CHECK_DISK)


def save_image(image: Any, path: Path, format: str, header: Header, quality: int, keep: int = KEEP_ALL) -> None:
    """Encode a libvips image in one of the writable formats."""
    name = str(path)
    if format == "tiff":
        raw_bytes = header.row_bytes * header.height
        image.tiffsave(
            name,
            compression=header.compression,
            predictor=header.predictor,
            tile_height=max(1, min(TIFF_STRIP_ROWS, TIFF_STRIP_BYTES // header.row_bytes)),
            bigtiff=raw_bytes > BIGTIFF_BYTES,
            xres=image.xres,
            yres=image.yres,
            resunit="inch",
        )
    elif format == "jpeg":
        image.jpegsave(name, Q=quality, subsample_mode="off", optimize_coding=False)
    elif format == "png":
        image.pngsave(name, compression=6, keep=keep)
    else:
        image.webpsave(name, Q=quality, lossless=quality > 100)


def refuse_source(path: Path, source: Path | None) -> None:
    """Raise `WriteError` where the target is the source: by name, through a link, or a hard link."""
    if source is None or not path.exists():
        return
    try:
        same = path.samefile(source)
    except OSError:
        same = False
    if same:
        raise WriteError(f"{path} is the source itself; masters are never written.", remedy="name another target")


def _written_header(header: Header, path: Path, format: str, xmp: bytes | None) -> Header:
    """The header of the file to come: what of the source's depth, alpha and metadata the format carries."""
    if format not in WRITABLE:
        raise WriteError(f"{path.name}: {format} cannot be written.", remedy=f"choose from: {', '.join(WRITABLE)}")
    kind = FORMATS[format]
    if header.has_alpha and not kind.alpha:
        raise WriteError(f"{path.name}: {format} has no alpha.", remedy="write it as tiff, png or webp")
    metadata = header.metadata if xmp is None else replace(header.metadata, xmp=xmp)
    channels = header.channels
    if format == "webp" and channels == 1:  # WebP is always RGB
        channels = 3
        metadata = replace(metadata, icc=None)
    return replace(
        header,
        path=path,
        page=0,
        pages=1,
        format=format,
        channels=channels,
        depth=header.depth if header.depth in kind.depths else max(kind.depths),
        metadata=metadata,
    )


def _converted(raw: np.ndarray, source: Header, target: Header) -> np.ndarray:
    """Raw rows of the source as the target holds them."""
    if source.channels == 1 and target.channels == 3:
        icc = source.metadata.icc
        colors = raw[:, :, :1]
        if icc is not None and needs_conversion(icc, 1, source.depth):
            colors = quantize(decode(raw, source), source.depth)
        raw = np.concatenate([colors, colors, colors, raw[:, :, 1:]], axis=2)
    if source.depth == target.depth:
        return raw
    if source.depth == 32:
        top = 255.0 if target.depth == 8 else 65535.0
        return np.rint(np.clip(raw, 0.0, 1.0) * top).astype(target.dtype)
    if target.depth == 8:
        return ((raw.astype(np.uint32) + 128) // 257).astype(np.uint8)
    raise WriteError(f"{target.path}: {target.depth} bits from {source.depth}.", remedy="write it as tiff")


def _failed(path: Path, error: OSError) -> WriteError:
    return WriteError(f"{path} could not be written: {error.strerror or error}.", remedy=CHECK_DISK)

"""Rows of a picture file, read top to bottom in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation import heic, tiff_exif
from vasari.foundation.errors import PictureError
from vasari.foundation.image_formats import DEFAULT_LIMITS, Header, Limits, check_limits, guarded, sniff, vips
from vasari.foundation.image_metadata import metadata_of
from vasari.foundation.jpeg_marks import is_progressive

#: libvips' color interpretations that hold grey or RGB, and the channels they mean.
INTERPRETATIONS: dict[str, int] = {
    "b-w": 1,
    "grey16": 1,
    "srgb": 3,
    "rgb": 3,
    "rgb16": 3,
    "scrgb": 3,
}
DEPTHS: dict[str, int] = {"uchar": 8, "ushort": 16, "float": 32}
#: How each format is opened; `fail_on` makes a truncated file an error where libvips would fill in grey.
LOADERS: dict[str, str] = {"tiff": "tiffload", "jpeg": "jpegload", "png": "pngload", "webp": "webpload"}
PAGED = ("tiff", "webp")
#: TIFF compressions (tag 259) that are written again as they came; others become deflate, which loses nothing.
COMPRESSIONS: dict[int, str] = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits", 50000: "zstd"}
PREDICTORS: dict[int, str] = {1: "none", 2: "horizontal", 3: "float"}
COMPRESSION_TAG, PREDICTOR_TAG = 259, 317


def inspect(path: str | Path, page: int = 0, limits: Limits = DEFAULT_LIMITS) -> Header:
    """What a file's header says, without decoding pixels.

    Raises `PictureError` for a file that is missing, empty, damaged, of a format or color model that
    Vasari does not open, or without such a page; `PictureTooLargeError` beyond the limits.
    """
    path = Path(path)
    name = sniff(path)
    if name == "heic":
        return heic.inspect(path, page, limits)
    image = _open(path, name, page)
    return _header(path, name, page, image, limits)


def _open(path: Path, name: str, page: int) -> Any:
    """The file as a lazy libvips image for one pass from top to bottom."""
    options = {"page": page} if name in PAGED else {}
    return guarded(
        path,
        lambda: vips().Operation.call(LOADERS[name], str(path), access="sequential", fail_on="error", **options),
    )


def _header(path: Path, name: str, page: int, image: Any, limits: Limits) -> Header:
    fields = set(image.get_fields())
    pages = image.get("n-pages") if "n-pages" in fields else 1
    if page < 0 or page >= pages or (page and name not in PAGED):
        raise PictureError(f"{path} has {pages} page(s); number {page + 1} was asked for.", remedy="name one of them")
    channels, has_alpha = _channels(path, image)
    whole = name == "webp" or (name == "png" and "interlaced" in fields) or (name == "jpeg" and is_progressive(path))
    check_limits(path, image.width, image.height, not whole, limits)
    compression, predictor = _storage(path, page) if name == "tiff" else ("deflate", "horizontal")
    return Header(
        format=name,
        width=image.width,
        height=image.height,
        channels=channels,
        depth=DEPTHS[image.format],
        has_alpha=has_alpha,
        metadata=metadata_of(image, path, name, page),
        path=path,
        page=page,
        pages=pages,
        compression=compression,
        predictor=predictor,
        by_rows=not whole,
    )


def _storage(path: Path, page: int) -> tuple[str, str]:
    """How a TIFF page is compressed, in libvips' names; libvips itself does not tell."""
    found = tiff_exif.numbers(path, page, (COMPRESSION_TAG, PREDICTOR_TAG))
    kept = COMPRESSIONS.get(found.get(COMPRESSION_TAG, 1))
    if kept is None:
        return "deflate", "horizontal"
    return kept, PREDICTORS.get(found.get(PREDICTOR_TAG, 1), "none")


def _channels(path: Path, image: Any) -> tuple[int, bool]:
    """Color channels and whether there is alpha; refuses what is neither grey nor RGB in 8, 16 or float bits."""
    if image.interpretation == "cmyk":
        raise PictureError(
            f"{path} is in CMYK; Vasari works in grey and RGB.",
            remedy="convert it to RGB with its profile, for example: vips icc_transform IN OUT.tif srgb --embedded",
        )
    channels = INTERPRETATIONS.get(image.interpretation, 0)
    if image.interpretation == "multiband":
        channels = 1 if image.bands <= 2 else 3
    if channels == 0 or image.bands - channels not in (0, 1):
        raise PictureError(
            f"{path} has {image.bands} channels ({image.interpretation}); grey or RGB, and one more, is the rule.",
            remedy="convert it to RGB or grey, and save further channels apart",
        )
    if image.format not in DEPTHS:
        raise PictureError(
            f"{path} holds samples of type {image.format}; unsigned 8 or 16 bits, or 32-bit float, is the rule.",
            remedy="convert it to unsigned 16 bits",
        )
    return channels, image.bands > channels


class RowReader:
    """Raw rows of one page; cheap from top to bottom, possible in any order.

    Made by `open_rows`. Going back opens the file anew and decodes from the top.
    """

    def __init__(self, header: Header, image: Any, path: Path) -> None:
        self.header = header
        self._path = path
        self._image: Any = image
        self._region: Any = None
        self._next = 0

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Rows top..bottom-1 as integers (or float32) [rows, width, bands], alpha included.

        Raises `PictureError` where the file turns out to be damaged or truncated.
        """
        header = self.header
        if not 0 <= top < bottom <= header.height:
            raise PictureError(
                f"Rows {top}..{bottom} were asked for.", remedy=f"ask within 0..{header.height} of {header.path}"
            )
        if isinstance(self._image, np.ndarray):
            return self._image[top:bottom]
        if top < self._next:
            self._image, self._region = _open(self._path, header.format, header.page), None
        if self._region is None:
            self._region = vips().Region.new(self._image)
        self._next = bottom
        data = guarded(self._path, lambda: self._region.fetch(0, top, header.width, bottom - top))
        return np.frombuffer(data, header.dtype).reshape(bottom - top, header.width, header.bands)

    def close(self) -> None:
        """Let go of the file."""
        self._image = self._region = None


@contextmanager
def open_rows(path: str | Path, page: int = 0, limits: Limits = DEFAULT_LIMITS) -> Iterator[RowReader]:
    """Open one page for reading by rows; the file is opened read-only. Raises as `inspect` does."""
    path = Path(path)
    name = sniff(path)
    if name == "heic":
        header, array = heic.read(path, page, limits)
        reader = RowReader(header, array, path)
    else:
        image = _open(path, name, page)
        reader = RowReader(_header(path, name, page, image, limits), image, path)
    try:
        yield reader
    finally:
        reader.close()
